from django.apps import AppConfig


class OptoutsConfig(AppConfig):
    """Who must never be written to again."""

    name = "optouts"
