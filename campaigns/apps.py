from django.apps import AppConfig

from optouts import apps


class CampaignsConfig(AppConfig):
    """Who is written to, about what, when."""

    name = "campaigns"
    default = True


class CommandsOnly(apps.CommandsOnly):
    """As in `optouts`, for `lint_template`."""

    name = "campaigns"
