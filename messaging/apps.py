from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """How it gets there: messages, their life, and the doors to the buyer."""

    name = "messaging"
