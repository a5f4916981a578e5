"""The settings of commands that need no site: no database, no broker, no environment variable.

`manage.py` takes these for the commands in its list. The rules in `optouts` are pure; only Django's command line needs
settings at all, so these name the app that has the commands, without its rows.
"""

USE_TZ = True
INSTALLED_APPS = ["optouts.apps.CommandsOnly", "campaigns.apps.CommandsOnly"]
"""`CommandsOnly` leaves the models out: they would need the other apps and a database."""
