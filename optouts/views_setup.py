"""Setting the way of Amazon's notices up: addresses, recipes, the test notice, mailboxes, and what is wrong."""

from typing import Any

from django.contrib import messages as flashes
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import managers, members, owners, seller_of
from accounts.models import AccountMarketplace, Seller, User
from amazon.marketplaces import find
from optouts import addresses, recipes, setup, watching
from optouts.forms_setup import MailboxForm
from optouts.models import SellerMailbox
from optouts.silence import Verdict
from optouts.standing import addresses_with_mail, diagnosis, standing_of

TOO_MANY = "You have sent as many tests as is sensible for now. Wait an hour, and look at what is said below meanwhile."
NOT_TAKEN = "Our mail server did not take the test just now. Try again in a minute."


@require_safe
@never_cache
@members
def set_up(request: HttpRequest) -> HttpResponse:
    """The whole page."""
    return _page(request, test_form=MailboxForm(prefix="test"), mailbox_form=MailboxForm(prefix="mine"))


@require_safe
@never_cache
@members
def set_up_state(request: HttpRequest) -> HttpResponse:
    """The card alone, for the page that waits; 204 while nothing on it has changed."""
    standing = standing_of(seller_of(request), now=timezone.now())
    if standing.seen == request.GET.get("seen"):
        return HttpResponse(status=204)
    return render(request, "optouts/set_up_state.html", {"standing": standing})


@require_POST
@managers
def place_address(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the address of one marketplace of one Amazon account."""
    seller = seller_of(request)
    place = get_object_or_404(AccountMarketplace.objects.for_seller(seller).select_related("account"), pk=pk)
    addresses.open_address(seller, place)
    return redirect(reverse("set_up") + "#addresses")


@require_POST
@managers
def send_test(request: HttpRequest) -> HttpResponse:
    """Mail a test notice to a mailbox of the seller's."""
    seller, form = seller_of(request), MailboxForm(request.POST, prefix="test")
    if form.is_valid():
        addresses.open_address(seller)
        try:
            setup.send_test(seller, form.cleaned_data["mailbox"], now=timezone.now())
        except setup.TooMany:
            form.add_error("mailbox", TOO_MANY)
        except setup.NotSent:
            form.add_error("mailbox", NOT_TAKEN)
        else:
            return redirect(reverse("set_up") + "#state")
    return _page(request, test_form=form, mailbox_form=MailboxForm(prefix="mine"), status=422)


@require_POST
@owners
def add_mailbox(request: HttpRequest) -> HttpResponse:
    """Register a mailbox that the owner types: it is confirmed with that."""
    seller, form = seller_of(request), MailboxForm(request.POST, prefix="mine")
    if not form.is_valid():
        return _page(request, test_form=MailboxForm(prefix="test"), mailbox_form=form, status=422)
    assert isinstance(request.user, User)
    now = timezone.now()
    mailbox = addresses.saw_mailbox(seller.pk, form.cleaned_data["mailbox"], now=now)
    addresses.confirm_mailbox(seller, mailbox.pk, by=request.user, now=now)
    flashes.success(request, f"{mailbox.address} is registered as yours.")
    return redirect(reverse("set_up") + "#mailboxes")


@require_POST
@managers
def forwarding_done(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a provider's question away."""
    if not setup.put_away(seller_of(request), pk, now=timezone.now()):
        raise Http404("There is no such question.")
    return redirect("set_up")


@require_POST
@owners
def rotate_address(request: HttpRequest, pk: int) -> HttpResponse:
    """Replace an address by a new one."""
    if addresses.rotate(seller_of(request), pk, now=timezone.now()) is None:
        raise Http404("There is no such address in use.")
    flashes.success(
        request,
        "The new address is in force. Enter it wherever the old one stands; the old one works for 90 days more.",
    )
    return redirect(reverse("set_up") + "#addresses")


def _page(
    request: HttpRequest, *, test_form: MailboxForm, mailbox_form: MailboxForm, status: int = 200
) -> HttpResponse:
    seller, now = seller_of(request), timezone.now()
    standing = standing_of(seller, now=now)
    watch = watching.watch_of(seller)
    context: dict[str, Any] = {
        "standing": standing,
        "findings": diagnosis(seller, standing, now=now),
        "watch": watch,
        "watch_sentence": watching.sentence_of(watch, now=now) if watch else "",
        "watch_is_bad": watch is not None and watch.verdict != Verdict.OK,
        "recipes": recipes.RECIPES,
        "by_hand": recipes.BY_HAND,
        "test_sender": setup.sender_address(),
        "test_form": test_form,
        "mailbox_form": mailbox_form,
        "mailboxes": list(
            SellerMailbox.objects.for_seller(seller).select_related("confirmed_by").order_by("first_seen_at", "id")[:50]
        ),
        **_addresses(seller, now=now),
    }
    return render(request, "optouts/set_up_page.html", context, status=status)


def _addresses(seller: Seller, *, now: Any) -> dict[str, Any]:
    """The addresses in use, by what they are for, and the former ones. Two queries."""
    rows = list(addresses_with_mail(seller))
    for row in rows:
        row.full = addresses.full_address(row)
        row.ends_at = row.replaced_at + addresses.OVERLAP if row.replaced_at else None
    current = {(row.account_id, row.marketplace_id): row for row in rows if row.replaced_at is None}
    places = AccountMarketplace.objects.for_seller(seller).filter(is_used=True).select_related("account")
    return {
        "general": current.get((None, "")),
        "places": [
            {
                "place": place,
                "marketplace": marketplace,
                "address": current.get((place.account_id, place.marketplace_id)),
                "page": recipes.notification_page(marketplace),
            }
            for place in places.order_by("account_id", "id")
            if (marketplace := find(place.marketplace_id))
        ],
        "former": [row for row in rows if row.ends_at and row.ends_at > now],
    }
