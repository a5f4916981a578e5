"""Pytest plugin: the private services for a test run, and the settings of a test site.

Named with `-p` in pyproject.toml, so that it is imported before pytest-django reads the settings. The workers of
pytest-xdist inherit the services; each gets a database (pytest-django sees to that), a cache and a broker of its own.
"""

import os

from feedbackfive.devservices import Services
from feedbackfive.devservices.settings_of_a_test_site import TEST_SITE

if not os.environ.get("FEEDBACKFIVE_DATABASE_URL"):
    os.environ.update(TEST_SITE)
    os.environ.update(Services().start())

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    number = 2 * (1 + int(worker.removeprefix("gw")))
    for name, ours in (("BROKER_URL", f"virtual_host={number}"), ("CACHE_URL", f"db={number + 1}")):
        address, _, _ = os.environ[f"FEEDBACKFIVE_{name}"].partition("?")
        os.environ[f"FEEDBACKFIVE_{name}"] = f"{address}?{ours}"
