"""Where notices arrive: the seller's inbound address and the mailboxes that forward to it."""

from typing import Any

from django.contrib import messages as flashes
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import managers, owners, seller_of
from accounts.models import AccountMarketplace, Seller, User
from amazon.marketplaces import find
from optouts import addresses
from optouts.models import InboundAddress, Notice, SellerMailbox


@require_POST
@managers
def open_address(request: HttpRequest) -> HttpResponse:
    """Make the seller's inbound address, for a seller who has none."""
    addresses.open_address(seller_of(request))
    return redirect("optouts")


@require_POST
@owners
def confirm_mailbox(request: HttpRequest, pk: int) -> HttpResponse:
    """The owner says that a mailbox is the seller's own; what waited for that is read again."""
    mailbox = SellerMailbox.objects.for_seller(seller_of(request)).filter(pk=pk).first()
    if mailbox is None:
        raise Http404("There is no such mailbox.")
    assert isinstance(request.user, User)
    again = addresses.confirm_mailbox(seller_of(request), mailbox.pk, by=request.user, now=timezone.now())
    read_again = f" {again} notice{'s' * (again != 1)} that came through it are read again." if again else ""
    flashes.success(request, f"{mailbox.address} is confirmed.{read_again}")
    return redirect("optouts")


def set_up(seller: Seller) -> dict[str, Any]:
    """What the page shows above the list: four queries."""
    address = InboundAddress.objects.for_seller(seller).order_by("-created_at").first()
    newest = Notice.objects.for_seller(seller).order_by("-received_at", "-id")
    places = AccountMarketplace.objects.for_seller(seller).values_list("marketplace_id", flat=True)
    known = [marketplace for place in set(places) if (marketplace := find(place))]
    return {
        "address": addresses.full_address(address) if address else "",
        "mailboxes": list(
            SellerMailbox.objects.for_seller(seller).select_related("confirmed_by").order_by("first_seen_at", "id")[:50]
        ),
        "last_notice_at": newest.values_list("received_at", flat=True).first(),
        "is_waiting": Notice.objects.for_seller(seller).filter(status=Notice.Status.QUARANTINED).exists(),
        "seller_centrals": sorted({marketplace.seller_central for marketplace in known}),
    }
