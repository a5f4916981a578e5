"""Settings: the team, its Amazon accounts, and the way to Amazon's consent and back."""

from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import connect, lifecycle, people
from accounts.access import CHOSEN_SELLER, members, memberships_of, owners, remembered, seller_of
from accounts.forms import REGIONS, ConnectForm, InviteForm
from accounts.health import Health, health
from accounts.models import AmazonAccount, Membership, Role, User
from amazon.marketplaces import Marketplace, Region, find, in_region

NONCE: Final = "feedbackfive_amazon"


@require_safe
@members
def settings_page(request: HttpRequest) -> HttpResponse:
    return show_settings(request)


def show_settings(
    request: HttpRequest, *, form: ConnectForm | None = None, invite: InviteForm | None = None, status: int = 200
) -> HttpResponse:
    """The page, with what has just been entered wrongly."""
    seller = seller_of(request)
    accounts = (
        AmazonAccount.objects.for_seller(seller)
        .select_related("reading")
        .prefetch_related("marketplaces", "denials")
        .order_by("authorised_at", "id")
    )
    context = {
        "accounts": [
            (account, REGIONS[Region(account.region)], _health(account), _home(account)) for account in accounts
        ],
        "team": Membership.objects.filter(seller=seller).select_related("user").order_by("created_at", "id"),
        "invitations": people.open_invitations(seller, now=timezone.now()),
        "form": form or ConnectForm(),
        "invite": invite or InviteForm(initial={"role": Role.MANAGER}),
    }
    return render(request, "accounts/settings.html", context, status=status)


def _health(account: AmazonAccount) -> Health:
    is_connected = account.status == AmazonAccount.Status.CONNECTED
    denied = [denial.ability for denial in account.denials.all()]
    return health(account.authorised_at if is_connected else None, denied, now=timezone.now())


def _home(account: AmazonAccount) -> Marketplace:
    """Where its owner agrees again: a marketplace in use, or any of the region."""
    places = sorted(account.marketplaces.all(), key=lambda place: (not place.is_used, place.pk))
    known = (find(place.marketplace_id) for place in places)
    return next((place for place in known if place), None) or in_region(Region(account.region))[0]


@require_POST
@owners
def connect_amazon(request: HttpRequest) -> HttpResponse:
    """On to Amazon, by a page that says so: a redirect that answers a form may not leave the site (form-action)."""
    assert isinstance(request.user, User)
    form = ConnectForm(request.POST)
    if not form.is_valid():
        return show_settings(request, form=form, status=422)
    marketplace, nonce = form.chosen(), connect.new_nonce()
    address = connect.begin(request.user, seller_of(request), marketplace, nonce, redirect_uri=_redirect_uri())
    return _leave(request, address, marketplace, nonce)


def _leave(request: HttpRequest, address: str, marketplace: Marketplace | None, nonce: str) -> HttpResponse:
    """The page that leads to Amazon. The browser keeps the nonce: signing out, or in again, does not lose it."""
    response = render(request, "accounts/leaving.html", {"address": address, "marketplace": marketplace})
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    response.set_cookie(
        NONCE,
        nonce,
        max_age=connect.STATE_LIVES,
        path=reverse("amazon_callback"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",  # Amazon's redirect comes from another site
    )
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@remembered
@owners
def from_appstore(request: HttpRequest) -> HttpResponse:
    """The "Login URI": a seller who chose us in Amazon's appstore. Whoever is not signed in signs in, or up, first.

    It asks before it goes on: a link that a stranger wrote must not bring an account into anybody's team.
    """
    assert isinstance(request.user, User)
    try:
        link = connect.read_appstore_link(request.GET.dict())
    except connect.NotConnected as trouble:
        messages.error(request, str(trouble))
        return redirect("settings")
    if request.method != "POST":
        context = {"partner": link.partner, "region": REGIONS[link.home.region]}
        return render(request, "accounts/from_appstore.html", context)
    nonce = connect.new_nonce()
    address = connect.begin_from_appstore(link, request.user, seller_of(request), nonce, redirect_uri=_redirect_uri())
    return _leave(request, address, None, nonce)


@require_safe
@never_cache
@owners
def amazon_callback(request: HttpRequest) -> HttpResponse:
    """Where Amazon sends the owner back to. The one GET that writes: OAuth leaves no choice. Whoever has been signed
    out meanwhile signs in first."""
    response = _finish(request)
    response.delete_cookie(NONCE, path=reverse("amazon_callback"), samesite="Lax")
    return response


def _finish(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    try:
        account = connect.finish(
            request.GET.dict(),
            request.user,
            seller_of(request),
            request.COOKIES.get(NONCE, ""),
            redirect_uri=_redirect_uri(),
            now=timezone.now(),
        )
    except connect.NotConnected as trouble:
        messages.error(request, str(trouble))
        return redirect("settings")
    messages.success(request, f"{account.store_name} is connected. Its orders are being read now.")
    return redirect("welcome")  # which leads on to the settings where a campaign is on already


def _redirect_uri() -> str:
    """As registered with Amazon; it must be the same in both steps."""
    return f"{settings.SITE_URL}{reverse('amazon_callback')}"


@require_POST
@owners
def reopen_account(request: HttpRequest, pk: int) -> HttpResponse:
    """The owner has settled a restriction with Amazon: what waited because of it goes on."""
    seller = seller_of(request)
    account = get_object_or_404(AmazonAccount.objects.for_seller(seller), pk=pk)
    if lifecycle.reopen(seller, account.pk, now=timezone.now()):
        messages.success(request, f"{account.store_name} writes to buyers again. What waited goes out within minutes.")
    return redirect("settings")


@require_POST
@members
def switch_team(request: HttpRequest) -> HttpResponse:
    """Act for another seller of one's own from now on. A stranger's seller is a 404."""
    assert isinstance(request.user, User)
    wanted = request.POST.get("seller", "")
    membership = next((one for one in memberships_of(request.user) if str(one.seller_id) == wanted), None)
    if membership is None:
        raise Http404("This person does not belong to that seller.")
    request.session[CHOSEN_SELLER] = membership.seller_id
    messages.success(request, f"You are now working for {membership.seller.name}.")
    return redirect("/")
