"""Setting the way of the notices up, and knowing that it works: verbs.

A test notice goes out by mail and is recognised when it comes back; providers' questions about forwarding are kept for
the page; mail at a replaced address is told apart. Intake calls `recognise_test`, `capped` and `keep_confirmation`.
How all of it stands is `standing`'s, what is sent and expected `watching`'s.
"""

import json
import secrets as randomness
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from accounts import lookup, secrets
from accounts.models import Seller
from optouts import proving
from optouts.addresses import ALPHABET, saw_mailbox
from optouts.decisions import Grade
from optouts.examination import Finding
from optouts.models import ForwardingRequest, Notice, NoticeTest
from optouts.reasons import Kind, Reason
from optouts.recipes import provider_of
from optouts.setup_mails import Confirmation

WAITED_FOR: Final = timedelta(days=7)  # a test that comes later is an ordinary mail
MOST_AN_HOUR, MOST_A_DAY = 5, 20  # tests, for they go to whatever address is typed
REQUEST_KEPT, TEST_KEPT = timedelta(days=90), timedelta(days=365)
TEST_KIND: Final = "test_notice"
TEST_REASON: Final = "The test notice that you asked for."
PROVED: Final = ("A1", "A2", "A3", "A4", "A4?", "B", "C")
BETTER_THAN_C: Final = frozenset({Grade.A1, Grade.A2, Grade.A3, Grade.A4, Grade.A4_UNKNOWN, Grade.B})
GOOD: Final = frozenset({NoticeTest.Result.INTACT, NoticeTest.Result.ATTACHED})


class TooMany(Exception):
    """This seller has had as many tests as he may in this time."""


class NotSent(Exception):
    """Our relay did not take the mail."""


# --- The test notice ------------------------------------------------------------------------------------------------


class _Ready(EmailMessage):
    """A mail whose bytes are made already: they must leave exactly as they were fingerprinted."""

    def __init__(self, raw: bytes, *, sender: str, to: str) -> None:
        super().__init__(from_email=sender, to=[to])
        self.raw = raw

    def message(self, *_: Any, **__: Any) -> Any:
        return _Wire(self.raw)


@dataclass(frozen=True)
class _Wire:
    raw: bytes

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\n") -> bytes:
        return self.raw


def sender_address() -> str:
    """From where test notices come: a filter in the mailbox must let this address pass, too."""
    address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].lower()
    # A site on localhost writes from an address that no mail gate takes back, ours included.
    return address if "." in address.rpartition("@")[2] else f"no-reply@{settings.INBOUND_DOMAIN}"


def send_test(seller: Seller, mailbox: str, *, now: datetime) -> NoticeTest:
    """Mail a test notice to a mailbox. Raises TooMany, or NotSent when the relay does not take it."""
    recent = NoticeTest.objects.for_seller(seller)
    if (
        recent.filter(sent_at__gt=now - timedelta(hours=1)).count() >= MOST_AN_HOUR
        or recent.filter(sent_at__gt=now - timedelta(days=1)).count() >= MOST_A_DAY
    ):
        raise TooMany
    code = "f5t-" + "".join(randomness.choice(ALPHABET) for _ in range(proving.CODE_LENGTH))
    raw = proving.build(code, sender=sender_address(), to=mailbox, site=settings.SITE_URL, now=now)
    prints = proving.prints(raw)
    if prints is None:
        raise ValueError("the sender of our mails is not a plain address")
    test = NoticeTest.objects.create(
        seller=seller,
        code_key=lookup.token_key(code),
        mailbox_sealed=secrets.seal_text("test mailbox", seller.pk, mailbox.lower()),
        body_hash=prints.body,
        header_hash=prints.header,
        sent_at=now,
    )
    try:
        _Ready(raw, sender=sender_address(), to=mailbox).send()
    except OSError as trouble:  # smtplib's errors are OSErrors
        test.delete()
        raise NotSent from trouble
    return test


def recognise_test(notice: Notice, raw: bytes, *, now: datetime) -> bool:
    """Is this mail a test notice that this seller waits for? Then its result and the notice's verdict are written.

    Called before the mail is examined, in sight of the seller's rows. The first copy that comes counts; a later one is
    recognised, and changes the result only for the better.
    """
    waited_for = NoticeTest.objects.filter(seller_id=notice.seller_id, sent_at__gt=now - WAITED_FOR)
    code = proving.find_code(raw)
    test = waited_for.filter(code_key=lookup.token_key(code)).first() if code else None
    if test is None:
        return False
    way = proving.way_of(raw, proving.Prints(test.body_hash, test.header_hash), sender=sender_address())
    result = NoticeTest.Result(way.value)
    if not test.result or (result in GOOD and test.result not in GOOD):
        test.arrived_at, test.result, test.notice = now, result, notice
        test.save(update_fields=["arrived_at", "result", "notice"])
    saw_mailbox(notice.seller_id, test.mailbox, now=now)
    notice.status, notice.kind, notice.reason = Notice.Status.IGNORED, TEST_KIND, TEST_REASON
    notice.look_at, notice.processed_at, notice.crashes = None, now, 0
    notice.attempts += 1
    notice.purge_at = notice.received_at + WAITED_FOR
    notice.save()
    return True


# --- What intake asks besides ---------------------------------------------------------------------------------------


def capped(findings: tuple[Finding, ...], notice: Notice) -> tuple[Finding, ...]:
    """The findings as they count at the address that the mail came to: at a replaced one, C at most."""
    address = notice.address
    if address is None or address.replaced_at is None or notice.received_at < address.replaced_at:
        return findings
    return tuple(
        replace(finding, grade=Grade.C, reason=Reason.FORMER_ADDRESS) if finding.grade in BETTER_THAN_C else finding
        for finding in findings
    )


def keep_confirmation(notice: Notice, finding: Finding, *, now: datetime) -> None:
    """Keep a provider's question for the page that sets forwarding up. Idempotent."""
    if finding.kind is not Kind.FORWARDING_CONFIRMATION or finding.confirmation is None:
        return
    content = json.dumps(asdict(finding.confirmation))
    ForwardingRequest.objects.get_or_create(
        notice=notice,
        defaults={
            "seller_id": notice.seller_id,
            "content_sealed": secrets.seal_text("forwarding request", notice.seller_id, content),
            "asked_at": now,
        },
    )


def purge(*, now: datetime) -> int:
    """Erase providers' questions that nobody answered, and tests, once they are old; returns how many."""
    old, _ = ForwardingRequest.objects.filter(asked_at__lte=now - REQUEST_KEPT).delete()
    tests, _ = NoticeTest.objects.filter(sent_at__lte=now - TEST_KEPT).delete()
    return old + tests


# --- Providers' questions, for the pages ---


@dataclass(frozen=True, slots=True)
class Asked:
    """A provider's question, as it is shown. `link` is on a host that we know and is never followed by us;

    `unknown_link` is shown as text only.
    """

    pk: int
    asked_at: datetime
    provider: str
    mailbox: str
    link: str
    unknown_link: str
    code: str


def requests(seller: Seller) -> list[Asked]:
    """The open questions of providers, the newest first."""
    rows = ForwardingRequest.objects.for_seller(seller).filter(done_at__isnull=True).order_by("-asked_at", "-id")
    return [_asked(row) for row in rows[:5]]


def _asked(row: ForwardingRequest) -> Asked:
    content = json.loads(secrets.unseal_text("forwarding request", row.seller_id, row.content_sealed))
    # What was kept by an older version may lack a field, and by a newer one have more.
    known = {name: content[name] for name in Confirmation.__dataclass_fields__ if name in content}
    confirmation = Confirmation(**known)
    by_mailbox = provider_of(confirmation.mailbox or "")
    return Asked(
        row.pk,
        row.asked_at,
        confirmation.provider or (by_mailbox.name if by_mailbox else "A mail provider"),
        confirmation.mailbox or "",
        confirmation.link or "",
        confirmation.unknown_link or "",
        confirmation.code or "",
    )


def put_away(seller: Seller, request_id: int, *, now: datetime) -> bool:
    """A person has dealt with a provider's question: it, and its notice, wait no longer. False: there is none such."""
    with transaction.atomic():
        row = ForwardingRequest.objects.for_seller(seller).filter(pk=request_id).first()
        if row is None:
            return False
        ForwardingRequest.objects.filter(pk=row.pk, done_at__isnull=True).update(done_at=now)
        waiting = Notice.objects.filter(pk=row.notice_id, status=Notice.Status.QUARANTINED)
        waiting.update(status=Notice.Status.IGNORED)
    return True
