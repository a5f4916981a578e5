"""Notices and the suppression list, for operators: to look at, and to have a notice examined again.

The list is append-only: nothing here adds, changes or deletes an entry. Raw mail, addresses and tokens stay sealed.
"""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from optouts.models import InboundAddress, Notice, SellerMailbox, Suppression, SuppressionEvent


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """Quarantined ones: filter by status; the reason stands in the list."""

    list_display = ("received_at", "seller", "status", "reason", "kind", "grade", "amazon_order_id")
    list_filter = ("status", "kind", "grade", "language")
    list_select_related = ("seller",)
    search_fields = ("=amazon_order_id", "reason", "seller__name")
    ordering = ("-id",)
    actions = ("examine_again",)  # type: ignore[assignment]

    @admin.action(description="Examine again", permissions=["view"])
    def examine_again(self, request: HttpRequest, chosen: QuerySet[Notice]) -> None:
        """Put notices whose mail is still kept back into the queue. The verdict may only follow from the mail."""
        queued = Notice.objects.filter(pk__in=chosen.values("pk"), raw_sealed__isnull=False).update(
            look_at=timezone.now()
        )
        self.message_user(request, f"{queued} will be examined again within a minute.", messages.SUCCESS)


class SuppressionEventInline(ReadOnlyInline):
    model = SuppressionEvent
    fields = ("at", "what", "actor", "reason", "grade")
    ordering = ("at", "id")


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    """`seller` is empty for entries that hold for everybody."""

    list_display = ("id", "seller", "kind", "state", "reason", "grade", "amazon_order_id", "created_at", "withdrawn_at")
    list_filter = ("state", "kind", "grade", ("seller", admin.EmptyFieldListFilter))
    list_select_related = ("seller",)
    search_fields = ("=amazon_order_id", "=key")
    ordering = ("-id",)
    inlines = (SuppressionEventInline,)


@admin.register(SuppressionEvent)
class SuppressionEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "suppression", "what", "actor", "reason", "grade")
    list_filter = ("what", "grade")
    list_select_related = ("suppression",)
    search_fields = ("=actor", "=suppression__amazon_order_id")
    ordering = ("-id",)


@admin.register(InboundAddress)
class InboundAddressAdmin(ReadOnlyAdmin):
    """That there is one, and since when: the address itself is the seller's secret."""

    list_display = ("id", "seller", "created_at")
    list_select_related = ("seller",)
    search_fields = ("seller__name",)
    ordering = ("-id",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["seller", "created_at"]


@admin.register(SellerMailbox)
class SellerMailboxAdmin(ReadOnlyAdmin):
    list_display = ("id", "seller", "first_seen_at", "confirmed_at", "confirmed_by")
    list_filter = (("confirmed_at", admin.EmptyFieldListFilter),)
    list_select_related = ("seller", "confirmed_by")
    search_fields = ("seller__name",)
    ordering = ("-id",)
