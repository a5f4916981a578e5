"""Indexes hold only the messages that are looked for by them, so whoever looks has to say which: PostgreSQL's plans."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Seller
from accounts.paging import page_of
from accounts.rowsecurity import across_sellers
from campaigns.views.campaigns import _counts
from messaging import choosing, outbox, reports, withdrawing
from messaging.models import COMING, SETTLED, Message, Status
from messaging.views.history import NEWEST_FIRST, _settled
from optouts import gate
from optouts.gate import OPTED_OUT, Proof, Reach
from tests.makers import alias, make_account, make_message, make_order, make_seller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]
OF_MESSAGES = re.compile(r"execute messages_of_entries|(?!prepare|execute).*\bmessaging_message\b", re.DOTALL)
Look = Callable[[Seller, datetime], object]


def _withdraw(seller: Seller, now: datetime) -> None:
    order = make_order(make_account(seller), buyer=alias())
    gate.suppress(gate.buyer_of(order), Proof("notice 1", OPTED_OUT, "A1", "f"), reach=Reach.GLOBAL, now=now)
    withdrawing.withdraw_suppressed(now=now)


LOOKS: dict[str, tuple[Look, set[str]]] = {
    "the list of History": (
        lambda seller, now: page_of(_settled(seller), NEWEST_FIRST, ""),
        {"settled_messages_newest_first"},
    ),
    "History, narrowed to one outcome": (
        lambda seller, now: page_of(_settled(seller).filter(status=Status.SENT), NEWEST_FIRST, ""),
        {"settled_messages_newest_first"},
    ),
    "the list of what is coming": (
        lambda seller, now: list(choosing.coming(seller).order_by("due_at", "id")[:50]),
        {"messages_coming"},
    ),
    "the numbers of the dashboard": (
        lambda seller, now: reports.figures(seller, now=now),
        {"settled_messages_newest_first", "messages_coming"},
    ),
    "the outcomes of each day": (
        lambda seller, now: reports.by_day(seller, now=now),
        {"settled_messages_newest_first"},
    ),
    "what is on the way of each account": (
        lambda seller, now: reports.accounts_today(seller, now=now),
        {"messages_coming", "messages_to_ask_about"},
    ),
    "the numbers of each campaign": (
        lambda seller, now: _counts(seller, now=now),
        {"settled_messages_newest_first", "messages_coming"},
    ),
    "the purge of letters": (
        lambda seller, now: outbox.purge(now=now),
        {"settled_letters_to_purge", "messages_leased", "messages_to_expire"},
    ),
    "the withdrawal": (_withdraw, {"messages_pending_by_order_key"}),
}


@pytest.mark.parametrize("look", LOOKS)
def test_whoever_looks_for_messages_is_served_by_an_index(look: str, now: datetime) -> None:
    seller = make_seller()
    job, expected = LOOKS[look]
    with CaptureQueriesContext(connection) as asked:
        job(seller, now)
    statements = [one for query in asked for one in re.split("; (?=execute )", query["sql"])]
    plans = "\n".join(_plan(one) for one in statements if OF_MESSAGES.match(one))
    assert "Seq Scan on messaging_message " not in plans
    assert expected <= set(re.findall(r"(?:using|Scan on) (\w+)", plans))


def _plan(statement: str) -> str:
    """As on a table that is large, where reading all of it is the last resort."""
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        cursor.execute("discard plans")
        cursor.execute(f"explain {statement}")
        return "\n".join(line for (line,) in cursor.fetchall())


def test_history_and_the_list_of_what_is_coming_show_each_status_between_them() -> None:
    assert set(COMING) | set(SETTLED) == set(Status) and not set(COMING) & set(SETTLED)
    [conditions] = [index.condition for index in Message._meta.indexes if index.name == "settled_messages_newest_first"]
    assert conditions is not None and dict(conditions.children)["status__in"] == [one.value for one in SETTLED]


@pytest.mark.parametrize("status", [Status.SENT, Status.SENDING, Status.HELD, Status.UNKNOWN])
def test_a_letter_whose_time_is_over_is_erased_wherever_its_message_stands(status: Status, now: datetime) -> None:
    message = make_message(make_order(make_account(make_seller()), buyer=alias()), status=status)
    with across_sellers("test"):
        assert outbox.purge(now=message.purge_at - timedelta(seconds=1)) == 0
        assert outbox.purge(now=message.purge_at) == 1
