"""Notices and the suppression list, for operators: to look at, and to have a notice examined again.

The list is append-only: nothing here changes or deletes an entry by hand; the actions are `promotions`' and `guards`'
verbs. Addresses and tokens stay sealed, and so does raw mail, but for a notice that waits for a person: its page shows
what it says, and the log who looked.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from accounts.models import User
from optouts import (
    admin_of_the_list,  # noqa: F401  registers its own pages
    guards,
    operators,
    promotions,
)
from optouts.admin_of_kinds import KindFilter, OfAKind
from optouts.listing import NotRecognised
from optouts.models import (
    ForwardingRequest,
    GuardAlarm,
    InboundAddress,
    Notice,
    NoticeReading,
    NoticeTest,
    OptOutWatch,
    PromotedTemplate,
    SellerMailbox,
    Suppression,
    SuppressionEvent,
)
from optouts.showing import ShownMail, mail_of

log = structlog.get_logger(__name__)


@admin.register(Notice)
class NoticeAdmin(OfAKind):
    """Quarantined ones: filter by status; the reason stands in the list."""

    list_display = ("received_at", "seller", "status", "reason", "what", "grade", "amazon_order_id")
    list_filter = ("status", KindFilter, "grade", "language")
    list_select_related = ("seller",)
    search_fields = ("=amazon_order_id", "reason", "seller__name")
    ordering = ("-id",)
    actions = ("examine_again", "confirm", "dismiss", "promote_template")  # type: ignore[assignment]
    change_form_template = "admin/optouts/notice.html"

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide)
        return [path("<int:pk>/decide/", decide, name="optouts_decide"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """A notice that waits for a person is shown with its text: nobody could decide without it."""
        notice: Notice = context["original"]
        if notice.status == Notice.Status.QUARANTINED:
            context |= {
                "mail": _read_by(request, notice),
                "may_promote": notice.template in promotions.SHADOW_NAMES - promotions.promoted(),
                "in_these_words": _in_these_words(notice),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One click on the page of a notice: the same verbs as the actions of the list. By POST."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        chosen = Notice.objects.filter(pk=pk)
        deeds = {"confirm": self.confirm, "dismiss": self.dismiss, "promote": self.promote_template}
        for name, deed in deeds.items():
            if request.method == "POST" and name in request.POST:
                deed(request, chosen)
        return redirect("admin:optouts_notice_change", pk)

    @admin.action(description="Examine again", permissions=["view"])
    def examine_again(self, request: HttpRequest, chosen: QuerySet[Notice]) -> None:
        """Put notices whose mail is still kept back into the queue. The verdict may only follow from the mail."""
        queued = Notice.objects.filter(pk__in=chosen.values("pk"), raw_sealed__isnull=False).update(
            look_at=timezone.now()
        )
        self.message_user(request, f"{queued} will be examined again within a minute.", messages.SUCCESS)

    @admin.action(description="This is an opt-out: stop its seller's messages to the buyer", permissions=["view"])
    def confirm(self, request: HttpRequest, chosen: QuerySet[Notice]) -> None:
        """For quarantined notices about an order of their seller. Others are not stopped by an opinion."""
        now, by = timezone.now(), _operator(request)
        answers = [promotions.confirm(notice, by=by, now=now) for notice in _quarantined(chosen)]
        self.message_user(request, f"{sum(answers)} confirmed.", messages.SUCCESS)
        if strange := len(answers) - sum(answers):
            self.message_user(request, f"{strange} not: no order of the seller's is named.", messages.WARNING)

    @admin.action(description="This is no opt-out: end the hold", permissions=["view"])
    def dismiss(self, request: HttpRequest, chosen: QuerySet[Notice]) -> None:
        """For quarantined notices. Nobody who is on the list comes off it."""
        now, by = timezone.now(), _operator(request)
        ended = sum(promotions.dismiss(notice, by=by, now=now) for notice in _quarantined(chosen))
        self.message_user(request, f"Dismissed; {ended} hold{pluralize(ended)} ended.", messages.SUCCESS)

    @admin.action(description="This is an opt-out: promote its template", permissions=["view"])
    def promote_template(self, request: HttpRequest, chosen: QuerySet[Notice]) -> None:
        """Its wording counts as Amazon's from now on; every quarantined notice in it is judged anew."""
        notices = list(_quarantined(chosen))
        templates, queued = promotions.promote_templates(notices, by=_operator(request), now=timezone.now())
        names = ", ".join(templates) or "no template"
        again = f"{queued} notice{pluralize(queued)} will be examined again"
        self.message_user(request, f"Promoted: {names}. {again}.", messages.SUCCESS)


def _read_by(request: HttpRequest, notice: Notice) -> ShownMail | None:
    """The mail of a notice that waits, for an operator; that she looked is logged."""
    log.info("operator_read_notice", notice=notice.pk, operator=request.user.pk)
    return _without_address(mail_of(notice))


def _without_address(mail: ShownMail | None) -> ShownMail | None:
    """To whom it went is the seller's secret, as everywhere in the admin."""
    return mail and replace(mail, headers=tuple(field for field in mail.headers if field[0] != "To"))


def _in_these_words(notice: Notice) -> int:
    """How many notices wait under the template of this one: a promotion has them all read again."""
    waiting = Notice.objects.filter(template=notice.template, status=Notice.Status.QUARANTINED)
    return waiting.count() if notice.template else 0


def _quarantined(chosen: QuerySet[Notice]) -> QuerySet[Notice]:
    waiting = Notice.objects.filter(pk__in=chosen.values("pk"), status=Notice.Status.QUARANTINED)
    return waiting.select_related("order").order_by("pk")


def _operator(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


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
    actions = ("bring_into_force", "ask_to_revoke")  # type: ignore[assignment]
    change_list_template = "admin/optouts/list.html"

    def get_urls(self) -> list[URLPattern]:
        look_up = self.admin_site.admin_view(self.look_up)
        return [path("look-up/", look_up, name="optouts_find_entries"), *super().get_urls()]

    def look_up(self, request: HttpRequest) -> HttpResponse:
        """Show the entries of one buyer, by an order or the alias. By POST: no address stands in a log."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            keys = operators.keys_of(request.POST.get("buyer", ""))
        except NotRecognised:
            self.message_user(request, "Neither an order number nor a buyer's address at Amazon.", messages.ERROR)
            return redirect("admin:optouts_suppression_changelist")
        log.info("operator_looked_up_buyer", operator=request.user.pk, keys=len(keys))
        among = ",".join(map(str, keys)) or str(UUID(int=0))  # nothing is found under it
        return redirect(f"{reverse('admin:optouts_suppression_changelist')}?key__in={among}")

    @admin.action(description="Ask for this entry to be revoked", permissions=["view"])
    def ask_to_revoke(self, request: HttpRequest, chosen: QuerySet[Suppression]) -> HttpResponse | None:
        """One at a time, with its reason; another operator approves it."""
        ids = list(chosen.values_list("pk", flat=True)[:2])
        if len(ids) != 1:
            self.message_user(request, "Choose one entry: each has a reason of its own.", messages.ERROR)
            return None
        return redirect("admin:optouts_ask_to_revoke", ids[0])

    @admin.action(description="Bring into force for everybody", permissions=["view"])
    def bring_into_force(self, request: HttpRequest, chosen: QuerySet[Suppression]) -> None:
        """For entries that wait for a second proof: an operator is one (INBOUND.md 4.5)."""
        reason = "An operator has looked at the evidence."
        entries = list(Suppression.objects.filter(pk__in=chosen.values("pk")))
        done = promotions.bring_into_force(entries, by=_operator(request), reason=reason, now=timezone.now())
        self.message_user(request, f"{done} in force.", messages.SUCCESS)


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


@admin.register(GuardAlarm)
class GuardAlarmAdmin(ReadOnlyAdmin):
    """Open ones first. An open alarm about rate or share keeps its seller's evidence from reaching others."""

    list_display = ("at", "seller", "kind", "look", "detail", "settled_at", "settled_by")
    list_filter = (("settled_at", admin.EmptyFieldListFilter), "kind")
    list_select_related = ("seller", "settled_by")
    search_fields = ("seller__name", "=about")

    ordering = (models.F("settled_at").desc(nulls_first=True), "-id")
    actions = ("settle",)  # type: ignore[assignment]
    change_form_template = "admin/optouts/alarm.html"

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """With the words that the alarm is about, as long as they wait for a person."""
        alarm: GuardAlarm = context["original"]
        context |= {"about": self.look(alarm)}
        model, _, number = alarm.about.partition(" ")
        if alarm.kind == GuardAlarm.Kind.WORDING and model == "notice" and number.isdecimal():
            notice = Notice.objects.filter(pk=number, status=Notice.Status.QUARANTINED).first()
            context |= {"mail": _read_by(request, notice) if notice else None}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="About")
    def look(self, alarm: GuardAlarm) -> SafeString | str:
        """Leads to the notice or the entry that the alarm is about."""
        model, _, number = alarm.about.partition(" ")
        if model not in ("notice", "suppression") or not number.isdecimal():
            return alarm.about or "–"
        address = reverse(f"admin:optouts_{model}_change", args=[number])
        return format_html('<a href="{}">{} {}</a>', address, "Notice" if model == "notice" else "Entry", number)

    @admin.action(description="Settled: I have looked into it", permissions=["view"])
    def settle(self, request: HttpRequest, chosen: QuerySet[GuardAlarm]) -> None:
        """New evidence of the seller reaches others again; what waits keeps waiting for its second proof."""
        ids = list(chosen.values_list("pk", flat=True))
        done = guards.settle(ids, by=_operator(request), now=timezone.now())
        self.message_user(request, f"{done} settled.", messages.SUCCESS)


@admin.register(NoticeReading)
class NoticeReadingAdmin(OfAKind):
    list_display = ("at", "notice_id", "number", "what", "grade", "reason", "outcome", "parser")
    list_filter = (KindFilter, "grade", "status")
    search_fields = ("=notice__id", "=fingerprint")
    ordering = ("-id",)


@admin.register(PromotedTemplate)
class PromotedTemplateAdmin(ReadOnlyAdmin):
    list_display = ("template", "promoted_at", "promoted_by")
    list_select_related = ("promoted_by",)
    ordering = ("template",)


@admin.register(NoticeTest)
class NoticeTestAdmin(ReadOnlyAdmin):
    """Test notices and how they came back. The mailbox and the code are the seller's."""

    list_display = ("id", "seller", "sent_at", "arrived_at", "result")
    list_filter = ("result",)
    list_select_related = ("seller",)
    search_fields = ("seller__name",)
    ordering = ("-id",)


@admin.register(ForwardingRequest)
class ForwardingRequestAdmin(ReadOnlyAdmin):
    """That a provider asked, and when; link, code and mailbox stay sealed."""

    list_display = ("id", "seller", "notice_id", "asked_at", "done_at")
    list_select_related = ("seller",)
    search_fields = ("seller__name",)
    ordering = ("-id",)


@admin.register(OptOutWatch)
class OptOutWatchAdmin(ReadOnlyAdmin):
    """Sellers whose notices have gone silent."""

    list_display = ("seller", "verdict", "verdict_since", "quiet_since", "sent", "expected", "watched_at", "mailed_at")
    list_filter = ("verdict",)
    list_select_related = ("seller",)
    search_fields = ("seller__name",)
    ordering = ("seller_id",)
