"""Orders and their readings, for operators: to look at. Amazon's word is not edited, and aliases are never shown."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from orders import retention
from orders.models import AmazonReport, ChangeNotice, Order, OrderItem, OrderReading, OrderToRead


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
    change_list_template = "admin/orders/orders.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, under the figure of what is held of buyers."""
        return super().changelist_view(request, (extra_context or {}) | {"held": retention.held(now=timezone.now())})


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


@admin.register(AmazonReport)
class AmazonReportAdmin(ReadOnlyAdmin):
    list_display = ("kind", "account", "state", "wanted_at", "finished_at", "lines_stored", "unreadable", "trouble")
    list_filter = ("kind", "state")
    list_select_related = ("account",)
    ordering = ("-id",)


@admin.register(OrderToRead)
class OrderToReadAdmin(ReadOnlyAdmin):
    list_display = ("amazon_order_id", "account", "named_at", "due_at", "attempts")
    list_select_related = ("account",)
    search_fields = ("=amazon_order_id",)
    ordering = ("due_at",)


@admin.register(ChangeNotice)
class ChangeNoticeAdmin(ReadOnlyAdmin):
    """What came through the queue of changes. The text of a malformed one stays sealed."""

    list_display = ("received_at", "verdict", "reason", "seller", "notification_id")
    list_filter = ("verdict",)
    list_select_related = ("seller",)
    exclude = ("raw_sealed",)
    ordering = ("-id",)
