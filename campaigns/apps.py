from django.apps import AppConfig

from optouts import apps


class CampaignsConfig(AppConfig):
    """Who is written to, about what, when."""

    name = "campaigns"
    default = True

    def ready(self) -> None:
        from campaigns.exclusions import follow_buyer
        from campaigns.planning import plan_at_once
        from optouts.rekeying import buyer_moved
        from orders.attention import orders_changed

        buyer_moved.connect(follow_buyer, dispatch_uid="exclusions follow their buyers")
        orders_changed.connect(plan_at_once, dispatch_uid="what waits follows its order at once")


class CommandsOnly(apps.CommandsOnly):
    """As in `optouts`, for `lint_template`."""

    name = "campaigns"
