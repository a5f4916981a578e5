from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """What was bought: Amazon's orders as last read, without personal data that the product does not need."""

    name = "orders"
