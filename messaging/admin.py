"""Messages with their life, for operators: to look at. Only `life.move` changes one; letters are never shown."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from accounts.admin import PagedAdmin, ReadOnlyAdmin, ReadOnlyInline
from amazon.marketplaces import MARKETPLACES
from messaging import breakers, oversight
from messaging.forms import StopForm
from messaging.models import CriticalMessage, Document, ImportantPolicy, Message, MessageEvent, SendingStop


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
        """How sending goes: the queue of each channel, its pace, the accounts in trouble; the switch for it all."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now, form = timezone.now(), StopForm(request.POST or None)
        if request.method == "POST":
            if not request.user.has_perm("messaging.change_sendingstop"):
                raise PermissionDenied
            if self._switched(request, form):
                return redirect("admin:messaging_sending")
        context = self.admin_site.each_context(request) | {
            "title": "Sending",
            "opts": self.opts,
            "lanes": oversight.lanes(now=now),
            "ailing": oversight.ailing(now=now),
            "most": oversight.MOST_ACCOUNTS,
            "stop": breakers.stop_in_force(),
            "form": form,
        }
        return TemplateResponse(request, "admin/messaging/sending.html", context)

    def _switched(self, request: HttpRequest, form: StopForm) -> bool:
        by = str(request.user)
        if "go_on" in request.POST:
            breakers.go_on(by=by, now=timezone.now())
        elif form.is_valid():
            breakers.stop_everything(form.cleaned_data["reason"], by=by, now=timezone.now())
        else:
            return False
        return True


@admin.register(SendingStop)
class SendingStopAdmin(ReadOnlyAdmin):
    """Who stopped all sending when and why, and who let it go on. The switch is on the page of sending."""

    list_display = ("stopped_at", "reason", "stopped_by", "lifted_at", "lifted_by")
    ordering = ("-id",)


@admin.register(MessageEvent)
class MessageEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "message", "status", "reason")
    list_filter = ("status",)
    list_select_related = ("message",)
    search_fields = ("=message__order__amazon_order_id",)
    ordering = ("-id",)


@admin.register(CriticalMessage)
class CriticalMessageAdmin(ReadOnlyAdmin):
    """Who wrote which critical message, for which reason, under which policy."""

    list_display = ("at", "seller", "message", "reason", "written_by", "was_opted_out")
    list_filter = ("reason", "was_opted_out")
    list_select_related = ("seller", "message", "written_by")
    search_fields = ("=message__order__amazon_order_id", "seller__name")
    ordering = ("-id",)


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    """What sellers send with their letters, by size and purpose. Neither its bytes nor its name: an invoice's may be
    its buyer's."""

    list_display = ("added_at", "seller", "purpose", "version", "size", "unused_since")
    list_filter = ("purpose",)
    list_select_related = ("seller",)
    search_fields = ("=digest", "seller__name")
    ordering = ("-id",)

    def get_fields(self, request: HttpRequest, obj: object = None) -> list[Any]:
        return ["seller", "purpose", "version", "size", "digest", "added_at", "added_by", "unused_since"]


@admin.register(ImportantPolicy)
class ImportantPolicyAdmin(PagedAdmin):
    """What is in force about `[Important]`. A change is a new row with its day: the old ones say what was believed."""

    list_display = ("since", "marketplace_id", "effect", "sentence", "source", "entered_by")
    ordering = ("-since",)
    fields = ("marketplace_id", "since", "effect", "sentence", "source")

    def save_model(self, request: HttpRequest, obj: ImportantPolicy, form: object, change: bool) -> None:
        obj.entered_at, obj.entered_by_id = timezone.now(), request.user.pk
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "marketplace_id":
            return forms.ChoiceField(
                label="Marketplace", required=False, choices=[("", "All"), *((m.id, m.name) for m in MARKETPLACES)]
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)
