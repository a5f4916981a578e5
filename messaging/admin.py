"""Messages with their life, for operators: to look at. Only `life.move` changes one; letters are never shown."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from messaging import oversight
from messaging.models import Message, MessageEvent


class MessageEventInline(ReadOnlyInline):
    model = MessageEvent
    fields = ("at", "status", "reason")
    ordering = ("at", "id")


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("order", "seller", "channel", "status", "reason", "due_at", "touched_at")
    list_filter = ("status", "channel")
    list_select_related = ("order", "seller")
    search_fields = ("=order__amazon_order_id", "=receipt", "seller__name")
    ordering = ("-id",)
    inlines = (MessageEventInline,)
    change_list_template = "admin/messaging/messages.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            path("sending/", self.admin_site.admin_view(self.sending), name="messaging_sending"),
            *super().get_urls(),
        ]

    def sending(self, request: HttpRequest) -> HttpResponse:
        """How sending goes: the queue of each channel, its pace, and the accounts in trouble."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        context = self.admin_site.each_context(request) | {
            "title": "Sending",
            "opts": self.opts,
            "lanes": oversight.lanes(now=now),
            "ailing": oversight.ailing(now=now),
            "most": oversight.MOST_ACCOUNTS,
        }
        return TemplateResponse(request, "admin/messaging/sending.html", context)


@admin.register(MessageEvent)
class MessageEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "message", "status", "reason")
    list_filter = ("status",)
    list_select_related = ("message",)
    search_fields = ("=message__order__amazon_order_id",)
    ordering = ("-id",)
