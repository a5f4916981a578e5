"""Orders and their readings, for operators: to look at. Amazon's word is not edited, and aliases are never shown."""

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from orders.models import Order, OrderItem, OrderReading


class OrderItemInline(ReadOnlyInline):
    model = OrderItem
    fields = ("title", "sku", "asin", "quantity", "unit_price", "currency", "is_gift")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = (
        "amazon_order_id",
        "seller",
        "marketplace_id",
        "status",
        "fulfilled_by",
        "purchased_at",
        "deliver_by_latest",
    )
    list_filter = ("status", "fulfilled_by", "marketplace_id")
    list_select_related = ("seller",)
    search_fields = ("=amazon_order_id", "seller__name")
    ordering = ("-id",)
    inlines = (OrderItemInline,)


@admin.register(OrderReading)
class OrderReadingAdmin(ReadOnlyAdmin):
    list_display = (
        "account",
        "seller",
        "last_read_at",
        "read_until",
        "next_at",
        "orders_read",
        "unreadable",
        "trouble",
    )
    list_select_related = ("account", "seller")
    search_fields = ("account__store_name", "seller__name")
    ordering = ("next_at",)
