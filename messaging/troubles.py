"""What is wrong with an Amazon account, by its rows: the same for the seller's dashboard and for operators.

A read module. Each trouble stops something and nothing else: what to do about it is the pages' to say.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef

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
    NO_ORDERS = "no_orders", "role for reading orders missing"
    NO_REQUESTS = "no_requests", "role for review requests missing"
    NO_MESSAGES = "no_messages", "role for order messages missing"
    PUT_OFF = "put_off", "put off by Amazon again and again"


# Without buyers' languages nothing stops: Settings say it.
_DENIED: Final = {
    Ability.READ_ORDERS.value: Trouble.NO_ORDERS,
    Ability.REQUEST_REVIEWS.value: Trouble.NO_REQUESTS,
    Ability.ORDER_MESSAGES.value: Trouble.NO_MESSAGES,
}


def of_accounts(accounts: Collection[AmazonAccount]) -> dict[int, tuple[Trouble, ...]]:
    """The troubles of each of these accounts that has any. One query."""
    found: defaultdict[int, set[Trouble]] = defaultdict(set)
    for account in accounts:
        if account.status == AmazonAccount.Status.REVOKED:
            found[account.pk].add(Trouble.REVOKED)
        if account.restricted_at is not None:
            found[account.pk].add(Trouble.REFUSALS if account.is_stopped_by_us else Trouble.RESTRICTED)
    refused = AccountMarketplace.objects.filter(account=OuterRef("pk"), sender_refused_at__gt=F("changed_at"))
    put_off = Message.objects.filter(account=OuterRef("pk"), status=Status.SCHEDULED, attempts__gte=AGAIN_AND_AGAIN)
    rows = AmazonAccount.objects.filter(pk__in=[account.pk for account in accounts]).values_list(
        "pk",
        ArraySubquery(Denial.objects.filter(account=OuterRef("pk")).values("ability")),
        Exists(refused),
        Exists(put_off),
    )
    for account_id, denied, is_sender_refused, is_put_off in rows:
        found[account_id] |= {_DENIED[ability] for ability in denied if ability in _DENIED}
        found[account_id] |= {Trouble.SENDER} if is_sender_refused else set()
        found[account_id] |= {Trouble.PUT_OFF} if is_put_off else set()
    return {pk: tuple(one for one in Trouble if one in troubles) for pk, troubles in found.items() if troubles}
