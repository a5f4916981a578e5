"""Settings: the team, its Amazon accounts, and the way to Amazon's consent and back."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import CHOSEN_SELLER, members, membership_of, seller_of
from accounts.models import AmazonAccount, Membership, User


@require_safe
@members
def settings_page(request: HttpRequest) -> HttpResponse:
    seller = seller_of(request)
    team = Membership.objects.filter(seller=seller).select_related("user").order_by("created_at", "id")
    accounts = (
        AmazonAccount.objects.for_seller(seller)
        .select_related("reading")
        .prefetch_related("marketplaces")
        .order_by("authorised_at", "id")
    )
    return render(request, "accounts/settings.html", {"team": team, "accounts": accounts})


@require_POST
@members
def switch_team(request: HttpRequest) -> HttpResponse:
    """Act for another seller of one's own from now on. A stranger's seller is a 404."""
    assert isinstance(request.user, User)
    wanted = request.POST.get("seller", "")
    membership = membership_of(request.user, chosen=int(wanted)) if wanted.isdecimal() and len(wanted) < 19 else None
    if membership is None or str(membership.seller_id) != wanted:
        raise Http404("This person does not belong to that seller.")
    request.session[CHOSEN_SELLER] = membership.seller_id
    messages.success(request, f"You are now working for {membership.seller.name}.")
    return redirect("/")
