from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Who is written to, about what, when."""

    name = "campaigns"
