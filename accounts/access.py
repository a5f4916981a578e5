"""The whole access policy on one page.

A request acts for one seller: the one that the person chose among her memberships. Rows are fetched through
`Model.objects.for_seller(seller_of(request))`, so what belongs to another seller is a 404, and row level security
(`rowsecurity`) stands behind a page that forgets it. Roles: a viewer looks, a manager changes and sends, an owner
does all. Operators (`is_staff`) use the admin, across sellers, and nothing else.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import Membership, Role, Seller, User
from accounts.rowsecurity import across_sellers, as_seller, forget

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

CHOSEN_SELLER, ON_THE_WAY_TO = "seller_id", "on_the_way_to"
LONGEST_WAY = 2000  # characters of an address that is kept through signing up
CAN_CHANGE = frozenset({Role.OWNER, Role.MANAGER})
CAN_OWN = frozenset({Role.OWNER})
ANYBODY = frozenset(Role)


class SellerMiddleware:
    """Finds the membership of the signed-in person and opens the rows of that seller for the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forget()
        request.membership, request.other_teams = None, []  # type: ignore[attr-defined]
        user = request.user
        if not isinstance(user, User) or not user.is_active:
            return self.get_response(request)
        if request.path.startswith("/admin/"):
            if not user.is_staff:
                return self.get_response(request)
            with across_sellers("an operator in the admin"):
                return self.get_response(request)
        memberships = memberships_of(user, chosen=request.session.get(CHOSEN_SELLER))
        if not memberships:
            return self.get_response(request)
        membership, *others = memberships
        request.membership = membership  # type: ignore[attr-defined]
        request.other_teams = [other.seller for other in others]  # type: ignore[attr-defined]
        with as_seller(membership.seller_id):
            return self.get_response(request)


def memberships_of(user: User, *, chosen: int | None = None) -> list[Membership]:
    """All memberships of this person, the oldest first, but the one with the chosen seller before all others."""
    with across_sellers("which sellers a person belongs to"):
        memberships = list(Membership.objects.filter(user=user).select_related("seller").order_by("created_at", "id"))
    return sorted(memberships, key=lambda membership: membership.seller_id != chosen)


def seller_of(request: HttpRequest) -> Seller:
    """The seller for whom this request acts. Raises Http404 for a person without one (an operator, say)."""
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None:
        raise Http404("This person belongs to no seller.")
    return membership.seller


def person_of(request: HttpRequest) -> User:
    """Who acts; for histories. Behind `members` there always is one."""
    assert isinstance(request.user, User)
    return request.user


def role_of(request: HttpRequest) -> Role | None:
    membership: Membership | None = getattr(request, "membership", None)
    return Role(membership.role) if membership else None


def _for(roles: frozenset[Role]) -> Callable[[View[P]], View[P]]:
    def wall(view: View[P]) -> View[P]:
        @wraps(view)
        def behind(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            seller_of(request)
            if role_of(request) not in roles:
                raise PermissionDenied("Your role in this team does not allow this. Ask an owner.")
            return view(request, *args, **kwargs)

        return behind

    return wall


members = _for(ANYBODY)  # to look
managers = _for(CAN_CHANGE)  # to change and to send
owners = _for(CAN_OWN)  # to connect accounts and to confirm mailboxes


def seller_for_templates(request: HttpRequest) -> dict[str, Any]:
    """Template context: `seller`, `other_teams` of the same person, `role`, `can_change` and `can_own`."""
    role = role_of(request)
    if role is None:
        return {"seller": None, "other_teams": [], "role": None, "can_change": False, "can_own": False}
    rights = {"role": role, "can_change": role in CAN_CHANGE, "can_own": role in CAN_OWN}
    return {"seller": seller_of(request), "other_teams": getattr(request, "other_teams", [])} | rights


def remembered(view: View[P]) -> View[P]:
    """Whoever is not signed in yet comes back here after signing up, confirming the address and signing in, which loses
    the `next` of the address: see `way_on`."""

    @wraps(view)
    def seen(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated and len(request.get_full_path()) <= LONGEST_WAY:
            request.session[ON_THE_WAY_TO] = request.get_full_path()
        return view(request, *args, **kwargs)

    return seen


def way_on(request: HttpRequest) -> str | None:
    """The page of ours to which this browser was on the way, once; None: to none."""
    path = request.session.pop(ON_THE_WAY_TO, None)
    is_ours = isinstance(path, str) and path.startswith("/") and url_has_allowed_host_and_scheme(path, None)
    return path if is_ours else None
