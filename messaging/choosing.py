"""Which waiting messages a person means: those she ticked, or all that fit the filters of her list. Read from a query.

What was shown travels with the confirmation as a signed list of ids, so that exactly this is done and nothing else.
"""

from typing import Final

from django.core import signing
from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import Seller
from messaging.forms import ComingSearch, TickedForm, titles_of
from messaging.models import COMING, Message
from orders.forms import marketplaces_of

MOST: Final = 20_000
SALT: Final = "messaging.chosen"
A_DAY: Final = 24 * 3600
TOO_MANY: Final = f"More than {MOST:,} messages fit this search. Narrow it, and act on the parts."


class NothingChosen(ValueError):
    """The text says why, for the person."""


def coming(seller: Seller) -> QuerySet[Message]:
    """What will be sent for this seller, in no order."""
    return Message.objects.for_seller(seller).filter(status__in=COMING)


def search_of(query: QueryDict, seller: Seller) -> ComingSearch:
    titles = titles_of(coming(seller).order_by("due_at", "id"))
    return ComingSearch(query, titles=titles, marketplaces=marketplaces_of(seller))


def chosen(query: QueryDict, seller: Seller) -> list[int]:
    """The ids that a query of the list names. Raises NothingChosen."""
    if query.get("everything"):
        search = search_of(query, seller)
        if not search.is_valid():
            raise NothingChosen("This search cannot be read. Nothing was done.")
        ids = list(search.narrow(coming(seller)).order_by("due_at", "id").values_list("pk", flat=True)[: MOST + 1])
        if len(ids) > MOST:
            raise NothingChosen(TOO_MANY)
        return ids
    form = TickedForm(query)
    if not form.is_valid():
        raise NothingChosen(" ".join(str(error) for errors in form.errors.values() for error in errors))
    ticked: list[int] = form.cleaned_data["message"]
    return ticked


def sealed(seller: Seller, ids: list[int]) -> str:
    """These ids, for the confirmation of this seller's people, for a day."""
    return signing.dumps(ids, salt=f"{SALT}.{seller.pk}", compress=True)


def opened(seller: Seller, words: str) -> list[int]:
    """What was shown. Raises NothingChosen for what was not, or is too old."""
    try:
        ids: list[int] = signing.loads(words, salt=f"{SALT}.{seller.pk}", max_age=A_DAY)
    except signing.BadSignature:
        raise NothingChosen("Nothing was done: choose the messages again.") from None
    return ids
