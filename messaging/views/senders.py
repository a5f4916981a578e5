"""Senders: the address from which letters to buyers come, per marketplace. Amazon takes no other."""

from django.contrib import messages as flashes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import managers, members, seller_of
from accounts.models import AccountMarketplace
from amazon.marketplaces import find
from messaging.forms import SenderForm
from messaging.senders import save_sender, use_marketplace


@require_safe
@members
def senders(request: HttpRequest) -> HttpResponse:
    """Every marketplace with its sender."""
    return _page(request)


@require_POST
@managers
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Save one marketplace's sender, and let go of what waited for it."""
    place = get_object_or_404(AccountMarketplace.objects.for_seller(seller_of(request)), pk=pk)
    form = SenderForm(request.POST, prefix=f"place-{place.pk}")
    if not form.is_valid():
        return _page(request, wrong=(place.pk, form), status=422)
    released = save_sender(place, form.cleaned_data["approved_sender"], now=timezone.now())
    waited = f" {released} held message{'s' * (released != 1)} released." if released else ""
    flashes.success(request, f"Saved for {place}.{waited}")
    return redirect("senders")


@require_POST
@managers
def use(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a marketplace into use, or out of it."""
    place = get_object_or_404(AccountMarketplace.objects.for_seller(seller_of(request)), pk=pk)
    is_used = request.POST.get("use") == "yes"
    use_marketplace(place, is_used, now=timezone.now())
    if is_used:
        flashes.success(request, f"{place} is in use: its orders of the last weeks are being read.")
    else:
        flashes.success(request, f"{place} is not in use any more: nothing is read there, and nothing is sent.")
    return redirect("settings")


def _page(request: HttpRequest, *, wrong: tuple[int, SenderForm] | None = None, status: int = 200) -> HttpResponse:
    places = (
        AccountMarketplace.objects.for_seller(seller_of(request)).select_related("account").order_by("store_name", "id")
    )
    rows = [
        (place, wrong[1] if wrong and wrong[0] == place.pk else _form_of(place), permissions_page(place.marketplace_id))
        for place in places
    ]
    return render(request, "messaging/senders.html", {"rows": rows}, status=status)


def permissions_page(marketplace_id: str) -> str:
    """Where Seller Central keeps the list of approved senders. Empty for a marketplace that we do not know."""
    marketplace = find(marketplace_id)
    return f"https://{marketplace.seller_central}/messaging/permissions" if marketplace else ""


def _form_of(place: AccountMarketplace) -> SenderForm:
    return SenderForm(prefix=f"place-{place.pk}", initial={"approved_sender": place.approved_sender})
