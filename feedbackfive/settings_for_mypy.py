"""The settings as mypy's Django plugin needs them: the tests' environment, without a running database."""

import os

from feedbackfive.devservices.settings_of_a_test_site import TEST_SITE

os.environ.update(TEST_SITE)
os.environ.setdefault("FEEDBACKFIVE_DATABASE_URL", "postgres://nobody@/nothing?host=/nowhere")
os.environ.setdefault("FEEDBACKFIVE_BROKER_URL", "redis+socket:///nowhere?virtual_host=0")
os.environ.setdefault("FEEDBACKFIVE_CACHE_URL", "unix:///nowhere?db=1")

from feedbackfive.settings import *  # noqa: E402, F403
