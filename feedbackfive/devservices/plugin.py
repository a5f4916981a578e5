"""Pytest plugin: the private services for a test run, and the settings of a test site.

Named with `-p` in pyproject.toml, so that it is imported before pytest-django reads the settings.
"""

import os

from feedbackfive.devservices import Services
from feedbackfive.devservices.settings_of_a_test_site import TEST_SITE

if not os.environ.get("FEEDBACKFIVE_DATABASE_URL"):
    os.environ.update(TEST_SITE)
    os.environ.update(Services().start())
