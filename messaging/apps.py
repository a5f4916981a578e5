from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """How it gets there: messages, their life, and the doors to the buyer."""

    name = "messaging"

    def ready(self) -> None:
        from messaging.withdrawing import withdraw_at_once
        from optouts.reader import buyers_suppressed

        buyers_suppressed.connect(withdraw_at_once, dispatch_uid="what is pending for suppressed buyers is withdrawn")
