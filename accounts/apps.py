from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who is asking: people, sellers, roles, Amazon accounts."""

    name = "accounts"
