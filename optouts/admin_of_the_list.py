"""Operators' pages about the list: requests to revoke, sellers whose contributions are frozen, and the radar.

Imported by `admin`. The pages show and ask; what happens is in `operators`. Looking needs Django's permission to view,
asking, answering and freezing those to add or to change a request or a freeze.
"""

from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from accounts.admin import ReadOnlyAdmin
from accounts.models import Seller, User
from optouts import operators
from optouts.models import ListImport, RevocationRequest, SellerFreeze, Suppression
from optouts.operators import NotAllowed

ASK, ANSWER, FREEZE = "optouts.add_revocationrequest", "optouts.change_revocationrequest", "optouts.add_sellerfreeze"
REQUESTS: Final = "admin:optouts_revocationrequest_changelist"
RADAR: Final = "admin:optouts_radar"


class WhyForm(forms.Form):
    """A reason, and how many entries the operator was shown."""

    reason = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"size": 80}))
    shown = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)


class ShownForm(forms.Form):
    """How many entries the operator was shown."""

    shown = forms.IntegerField(widget=forms.HiddenInput, min_value=0)


@admin.register(RevocationRequest)
class RevocationRequestAdmin(ReadOnlyAdmin):
    """Open ones first. The page of a request says how many entries it would revoke now, and lets another approve."""

    list_display = ("id", "asked_at", "seller", "suppression", "shown", "reason", "asked_by", "is_approved", "revoked")
    list_filter = ("is_approved",)
    list_select_related = ("seller", "suppression", "asked_by")
    search_fields = ("reason", "seller__name")
    ordering = ("-id",)
    change_form_template = "admin/optouts/revocation.html"

    def get_urls(self) -> list[URLPattern]:
        wall = self.admin_site.admin_view
        return [
            path("entry/<int:pk>/", wall(self.ask), name="optouts_ask_to_revoke"),
            path("seller/<int:pk>/", wall(self.ask_all), name="optouts_ask_to_revoke_all"),
            path("<int:pk>/answer/", wall(self.answer), name="optouts_answer_revocation"),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        asked: RevocationRequest = context["original"]
        entries = operators.entries_of(asked)
        there = entries.count() if asked.revoked is None and asked.is_approved is not False else 0
        context |= {
            "there": there,
            "entries": list(entries.order_by("-id")[:20]) if there else [],
            "is_own": asked.asked_by_id == request.user.pk,
            "may_answer": request.user.has_perm(ANSWER),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def ask(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for one entry to be revoked."""
        entry = get_object_or_404(Suppression.objects.select_related("seller"), pk=pk)
        return self._asked(
            request,
            {"title": f"Revoke entry {entry.pk}", "entry": entry, "there": 1},
            lambda why, by: operators.ask_to_revoke(entry, by=by, reason=why["reason"], now=timezone.now()),
        )

    def ask_all(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for all entries for everybody to be revoked that rest on one seller's evidence alone."""
        seller = get_object_or_404(Seller, pk=pk)
        there = operators.resting_on(seller)
        title = f"Revoke all that rests on the evidence of {seller} alone"
        return self._asked(
            request,
            {"title": title, "entries": list(there.order_by("-id")[:20]), "there": there.count()},
            lambda why, by: operators.ask_to_revoke_all(
                seller, shown=why["shown"] or 0, by=by, reason=why["reason"], now=timezone.now()
            ),
        )

    def answer(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Approve, refuse, or go on with what was broken off. By POST."""
        by = _allowed(request, ANSWER)
        asked = get_object_or_404(RevocationRequest, pk=pk)
        form = ShownForm(request.POST)
        if request.method == "POST" and form.is_valid():
            try:
                self._answer(request, asked, form.cleaned_data["shown"], by)
            except NotAllowed as reason:
                self.message_user(request, str(reason), messages.ERROR)
        return redirect("admin:optouts_revocationrequest_change", pk)

    def _answer(self, request: HttpRequest, asked: RevocationRequest, shown: int, by: User) -> None:
        if "refuse" in request.POST:
            operators.refuse(asked, by=by, now=timezone.now())
            self.message_user(request, "Refused: nothing was revoked.", messages.SUCCESS)
            return
        if "go_on" in request.POST:
            gone = operators.carry_out(asked, now=timezone.now())
        else:
            gone = operators.approve(asked, shown=shown, by=by, now=timezone.now())
        self.message_user(request, f"{gone} revoked.", messages.SUCCESS)

    def _asked(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        ask: Callable[[dict[str, Any], User], RevocationRequest],
    ) -> HttpResponse:
        by = _allowed(request, ASK)
        form = WhyForm(request.POST or None, initial={"shown": context["there"]})
        if request.method == "POST" and form.is_valid():
            try:
                asked = ask(form.cleaned_data, by)
            except NotAllowed as reason:
                self.message_user(request, str(reason), messages.ERROR)
                return redirect(request.path)
            self.message_user(request, "Asked. Another operator has to approve it.", messages.SUCCESS)
            return redirect("admin:optouts_revocationrequest_change", asked.pk)
        context |= self.admin_site.each_context(request) | {"form": form, "opts": self.opts}
        return TemplateResponse(request, "admin/optouts/ask_to_revoke.html", context)


@admin.register(SellerFreeze)
class SellerFreezeAdmin(ReadOnlyAdmin):
    """Sellers whose evidence counts for themselves alone, now or once."""

    list_display = ("seller", "frozen_at", "frozen_by", "reason", "lifted_at", "lifted_by")
    list_filter = (("lifted_at", admin.EmptyFieldListFilter),)
    list_select_related = ("seller", "frozen_by", "lifted_by")
    search_fields = ("seller__name", "reason")
    ordering = ("-id",)
    change_list_template = "admin/optouts/freezes.html"

    def get_urls(self) -> list[URLPattern]:
        wall = self.admin_site.admin_view
        return [
            path("radar/", wall(self.radar), name="optouts_radar"),
            path("radar/<int:pk>/freeze/", wall(self.freeze), name="optouts_freeze"),
            path("radar/<int:pk>/unfreeze/", wall(self.unfreeze), name="optouts_unfreeze"),
            *super().get_urls(),
        ]

    def radar(self, request: HttpRequest) -> HttpResponse:
        """Who contributes how many opt-outs to the list of all, against what that seller sends."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | {
            "title": "Poisoning radar",
            "opts": self.opts,
            "watched": operators.radar(now=timezone.now()),
            "most": operators.MOST_WATCHED,
            "may_freeze": request.user.has_perm(FREEZE),
            "may_ask": request.user.has_perm(ASK),
        }
        return TemplateResponse(request, "admin/optouts/radar.html", context)

    def freeze(self, request: HttpRequest, pk: int) -> HttpResponse:
        by, seller, form = _allowed(request, FREEZE), get_object_or_404(Seller, pk=pk), WhyForm(request.POST)
        if request.method == "POST" and form.is_valid():
            operators.freeze(seller, by=by, reason=form.cleaned_data["reason"], now=timezone.now())
            self.message_user(request, f"{seller}: frozen. New evidence counts for it alone.", messages.SUCCESS)
        else:
            self.message_user(request, "Say why.", messages.ERROR)
        return redirect(RADAR)

    def unfreeze(self, request: HttpRequest, pk: int) -> HttpResponse:
        by, seller = _allowed(request, FREEZE), get_object_or_404(Seller, pk=pk)
        if request.method == "POST" and operators.unfreeze(seller, by=by, now=timezone.now()):
            self.message_user(request, f"{seller}: its evidence counts for everybody again.", messages.SUCCESS)
        return redirect(RADAR)


@admin.register(ListImport)
class ListImportAdmin(ReadOnlyAdmin):
    """Which files sellers have imported. Their lines are the sellers' own."""

    list_display = ("id", "created_at", "seller", "by", "found", "to_add", "added", "done_at")
    list_select_related = ("seller", "by")
    search_fields = ("seller__name",)
    ordering = ("-id",)


def _allowed(request: HttpRequest, permission: str) -> User:
    """The operator, if she may do this. Raises PermissionDenied."""
    if not isinstance(request.user, User) or not request.user.has_perm(permission):
        raise PermissionDenied
    return request.user
