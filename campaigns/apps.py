from django.apps import AppConfig

from optouts import apps


class CampaignsConfig(AppConfig):
    """Who is written to, about what, when."""

    name = "campaigns"
    default = True

    def ready(self) -> None:
        from campaigns.exclusions import follow_buyer
        from optouts.rekeying import buyer_moved

        buyer_moved.connect(follow_buyer, dispatch_uid="exclusions follow their buyers")


class CommandsOnly(apps.CommandsOnly):
    """As in `optouts`, for `lint_template`."""

    name = "campaigns"
