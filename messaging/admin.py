"""Messages with their life, for operators: to look at. Only `life.move` changes one; letters are never shown."""

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin, ReadOnlyInline
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


@admin.register(MessageEvent)
class MessageEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "message", "status", "reason")
    list_filter = ("status",)
    list_select_related = ("message",)
    search_fields = ("=message__order__amazon_order_id",)
    ordering = ("-id",)
