"""The buyer's language of preference, asked of Amazon (GetAttributes) only for orders that somebody will write to soon.

Place in the flow: whoever schedules a letter calls `want`; `ask` asks as far as the quota reaches, and puts the order
back in the queue of planning when the answer says something.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts import lifecycle, secrets
from accounts.authorised import client_for, name_in_quotas, quotas
from accounts.health import Ability
from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon.client import AmazonClient
from amazon.errors import AccessDenied, AmazonError, AuthorisationLost, Refused, Throttled
from amazon.operations import Operation
from amazon.quotas import QuotasUnavailable
from orders.models import Order

log = structlog.get_logger(__name__)

BEFORE: Final = timedelta(days=2)  # so long before the letter is due
AT_ONCE: Final = 20
LEASE: Final = timedelta(minutes=5)
AFTER_TROUBLE: Final = timedelta(minutes=10)
LONGEST: Final = 20
_WANT: Final = """
    update orders_order o set language_due_at = wanted.at
    from unnest(%s::bigint[], %s::timestamptz[]) as wanted(id, at)
    where o.id = wanted.id and o.language = '' and o.language_due_at is null and not o.is_language_asked"""


def want(letters: Mapping[int, datetime]) -> int:
    """Have the buyers' languages asked for, two days before a letter is due; `letters` has that instant by order id.

    An order whose language is known, or was asked for, is left alone. One statement.
    """
    if not letters:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_WANT, [list(letters), [due_at - BEFORE for due_at in letters.values()]])
        return int(cursor.rowcount)


def accounts_to_ask(*, now: datetime) -> list[int]:
    """The connected accounts with a language to ask for now, but for those to which Amazon denies it."""
    with across_sellers("which accounts have languages to ask for"):
        due = Order.objects.filter(language_due_at__lte=now, account__status=AmazonAccount.Status.CONNECTED)
        due = due.exclude(account__in=_denied())
        return list(due.order_by("account_id").values_list("account_id", flat=True).distinct())


def _denied() -> QuerySet[AmazonAccount]:
    """Accounts that lack the role for this; until they are connected again, there is nothing to try."""
    return AmazonAccount.objects.filter(denials__ability=Ability.BUYER_LANGUAGE)


def ask(account_id: int, *, now: datetime) -> int:
    """Ask for up to 20 languages of this account; returns how many answers came. Trouble leaves them for later."""
    with across_sellers("buyers' languages are asked for"):
        account = AmazonAccount.objects.get(pk=account_id)
        if account.status != AmazonAccount.Status.CONNECTED or _denied().filter(pk=account_id).exists():
            return 0
        claimed, answers = _claim(account_id, now=now), 0
        if not claimed:
            return 0
        try:
            client = client_for(account)
        except secrets.Unreadable:  # the reading of orders says so
            Order.objects.filter(pk__in=[order.pk for order in claimed]).update(language_due_at=now + AFTER_TROUBLE)
            return 0
        with client:
            for position, order in enumerate(claimed):
                pause = _ask(client, order, now=now)
                if pause is not None:
                    rest = [each.pk for each in claimed[position:]]
                    Order.objects.filter(pk__in=rest).update(language_due_at=now + pause)
                    break
                answers += 1
        return answers


def _claim(account_id: int, *, now: datetime) -> list[Order]:
    with transaction.atomic():
        due = Order.objects.filter(account_id=account_id, language_due_at__lte=now).order_by("language_due_at")
        orders = list(due.select_for_update(skip_locked=True)[:AT_ONCE])
        Order.objects.filter(pk__in=[order.pk for order in orders]).update(language_due_at=now + LEASE)
    return orders


def _ask(client: AmazonClient, order: Order, *, now: datetime) -> timedelta | None:
    """Ask for one; None when it is done with, else how long the account's others have to wait."""
    name = name_in_quotas(order.account_id)
    language = ""
    try:
        if wait := quotas().take(name, Operation.BUYER_ATTRIBUTES):
            return wait
        try:
            language = client.buyer_language(order.amazon_order_id, order.marketplace_id) or ""
        except Throttled as slow:
            quotas().drain(name, Operation.BUYER_ATTRIBUTES)
            return slow.retry_after
    except Refused:
        pass  # Amazon does not say: the marketplace's own language it is
    except AuthorisationLost as lost:
        lifecycle.mark_revoked(order.account_id, lost.mark)
        return AFTER_TROUBLE
    except AccessDenied:
        lifecycle.mark_denied(order.account_id, Ability.BUYER_LANGUAGE, now=now)
        return AFTER_TROUBLE
    except (AmazonError, QuotasUnavailable) as trouble:
        log.warning("language_not_asked", account=order.account_id, trouble=type(trouble).__name__)
        return AFTER_TROUBLE
    changes: dict[str, object] = {"language_due_at": None, "is_language_asked": True}
    if language and len(language) <= LONGEST:
        changes |= {"language": language, "changed_at": now, "replan_at": now}
    Order.objects.filter(pk=order.pk).update(**changes)
    return None
