"""What is wrong with an Amazon account, by its rows: the same for the seller's dashboard and for operators.

A read module. Each trouble stops something and nothing else: what to do about it is the pages' to say.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from django.db.models import F

from accounts.choices import Choices
from accounts.health import Ability
from accounts.models import AccountMarketplace, AmazonAccount, Denial
from messaging.models import Message, Status

AGAIN_AND_AGAIN: Final = 3  # hand-overs of one message that Amazon put off: fewer happen on any day


class Trouble(Choices):
    """In the order in which they matter: what stops most comes first."""

    REVOKED = "revoked", "authorisation lost"
    RESTRICTED = "restricted", "e-mail stopped by Amazon"
    REFUSALS = "refusals", "e-mail stopped by us after refusals"
    SENDER = "sender", "sender refused"
    NO_REQUESTS = "no_requests", "role for review requests missing"
    NO_MESSAGES = "no_messages", "role for order messages missing"
    PUT_OFF = "put_off", "put off by Amazon again and again"


_DENIED: Final = {
    Ability.REQUEST_REVIEWS.value: Trouble.NO_REQUESTS,
    Ability.ORDER_MESSAGES.value: Trouble.NO_MESSAGES,
}


def of_accounts(accounts: Collection[AmazonAccount]) -> dict[int, tuple[Trouble, ...]]:
    """The troubles of each of these accounts that has any. Three queries."""
    found: defaultdict[int, set[Trouble]] = defaultdict(set)
    for account in accounts:
        if account.status == AmazonAccount.Status.REVOKED:
            found[account.pk].add(Trouble.REVOKED)
        if account.restricted_at is not None:
            found[account.pk].add(Trouble.REFUSALS if account.is_stopped_by_us else Trouble.RESTRICTED)
    for account_id, ability in Denial.objects.filter(account__in=accounts).values_list("account_id", "ability"):
        if ability in _DENIED:
            found[account_id].add(_DENIED[ability])
    for account_id in _with_refused_sender(accounts):
        found[account_id].add(Trouble.SENDER)
    for account_id in _put_off(accounts):
        found[account_id].add(Trouble.PUT_OFF)
    return {account_id: tuple(one for one in Trouble if one in troubles) for account_id, troubles in found.items()}


def _with_refused_sender(accounts: Collection[AmazonAccount]) -> list[int]:
    places = AccountMarketplace.objects.filter(account__in=accounts, sender_refused_at__gt=F("changed_at"))
    return list(places.values_list("account_id", flat=True))


def _put_off(accounts: Collection[AmazonAccount]) -> list[int]:
    waiting = Message.objects.filter(account__in=accounts, status=Status.SCHEDULED, attempts__gte=AGAIN_AND_AGAIN)
    return list(waiting.order_by().values_list("account_id", flat=True).distinct())
