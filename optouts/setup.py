"""Setting the way of the notices up, and knowing that it works: verbs.

A test notice goes out by mail and is recognised when it comes back; providers' questions about forwarding are kept for
the page; mail at a replaced address is told apart. Intake calls `recognise_test`, `capped` and `keep_confirmation`;
the pages ask `standing` and the rest. What is sent and expected is `watching`'s.
"""

import json
import secrets as randomness
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts import lookup, secrets
from accounts.models import Seller
from optouts import proving, silence
from optouts.addresses import ALPHABET, OVERLAP, saw_mailbox
from optouts.decisions import Grade
from optouts.examination import Finding
from optouts.models import ForwardingRequest, InboundAddress, Notice, NoticeTest, OptOutWatch, SellerMailbox
from optouts.reasons import Kind, Reason
from optouts.recipes import provider_of
from optouts.setup_mails import Confirmation

A_FEW_MINUTES: Final = timedelta(minutes=3)  # after which a test is overdue
WAITED_FOR: Final = timedelta(days=7)  # a test that comes later is an ordinary mail
WATCHED_FOR: Final = timedelta(hours=1)  # by the page that waits for it
MOST_AN_HOUR, MOST_A_DAY = 5, 20  # tests, for they go to whatever address is typed
REQUEST_KEPT: Final = timedelta(days=90)
HOSTS: Final = (
    (".google.com", "Gmail"),
    (".yahoo.com", "Yahoo Mail"),
    (".qq.com", "QQ Mail"),
    (".zoho.com", "Zoho Mail"),
)
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
    if not waited_for.exists():
        return False
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
    tests, _ = NoticeTest.objects.filter(sent_at__lte=now - REQUEST_KEPT).delete()
    return old + tests


# --- What the pages ask ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A provider's question, as it is shown. `link` is on a host that we know, and is never followed by us."""

    pk: int
    asked_at: datetime
    provider: str
    mailbox: str
    link: str
    code: str


def requests(seller: Seller) -> list[Asked]:
    """The open questions of providers, the newest first."""
    rows = ForwardingRequest.objects.for_seller(seller).filter(done_at__isnull=True).order_by("-asked_at", "-id")
    return [_asked(row) for row in rows[:5]]


def _asked(row: ForwardingRequest) -> Asked:
    content = json.loads(secrets.unseal_text("forwarding request", row.seller_id, row.content_sealed))
    known = {name: content.get(name) for name in Confirmation.__dataclass_fields__}
    confirmation = Confirmation(**known)
    host = urlsplit(confirmation.link or "").hostname or ""
    provider = provider_of(confirmation.mailbox or "")
    return Asked(
        row.pk,
        row.asked_at,
        next((name for end, name in HOSTS if f".{host}".endswith(end)), provider.name if provider else "A provider"),
        confirmation.mailbox or "",
        confirmation.link or "",
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


@dataclass(frozen=True, slots=True)
class Standing:
    """How the way stands, for the card. `polls` is the pause in seconds until the page asks again, if it should."""

    tone: str
    symbol: str
    title: str
    text: str
    is_green: bool
    test: NoticeTest | None
    to_confirm: SellerMailbox | None  # the mailbox of the test that came back, if nobody has confirmed it yet
    is_overdue: bool
    hints: tuple[str, ...]
    requests: tuple[Asked, ...]
    last_mail_at: datetime | None
    last_notice_at: datetime | None
    polls: int | None

    @property
    def seen(self) -> str:
        """The same as long as nothing on the card changes."""
        test = f"{self.test.pk}{self.test.result}{self.is_overdue}" if self.test else ""
        instants = f"{self.last_mail_at:%s}" if self.last_mail_at else ""
        mailbox = "?" if self.to_confirm else ""
        return f"{self.title}-{test}{mailbox}-{instants}-{len(self.requests)}".replace(" ", "_")


def standing(seller: Seller, *, now: datetime) -> Standing:
    """How this seller's way stands. Five or six queries."""
    asked = tuple(requests(seller))
    test = NoticeTest.objects.for_seller(seller).order_by("-sent_at", "-id").first()
    watch = OptOutWatch.objects.for_seller(seller).first()
    newest = Notice.objects.for_seller(seller).order_by("-received_at", "-id").values_list("received_at", flat=True)
    last_mail_at, last_notice_at = newest.first(), newest.filter(*_real()).first()
    is_waiting = test is not None and not test.result and test.sent_at > now - WATCHED_FOR
    is_overdue = test is not None and not test.result and test.sent_at <= now - A_FEW_MINUTES
    is_silent = watch is not None and watch.verdict == silence.Verdict.SILENT and last_notice_at == _heard(watch)
    tone, symbol, title, text = _words(test, last_notice_at, is_silent, is_overdue)
    is_green = tone == "good"
    return Standing(
        tone, symbol, title, text, is_green, test, _to_confirm(seller, test), is_overdue,
        hints=_missing(test, asked, last_mail_at) if test and is_overdue else (),
        requests=asked,
        last_mail_at=last_mail_at,
        last_notice_at=last_notice_at,
        polls=3 if is_waiting else (None if is_green else 10),
    )  # fmt: skip


def _to_confirm(seller: Seller, test: NoticeTest | None) -> SellerMailbox | None:
    if test is None or not test.result:
        return None
    mailboxes = SellerMailbox.objects.for_seller(seller).filter(address_key=lookup.mailbox_key(test.mailbox))
    return mailboxes.filter(confirmed_at__isnull=True).first()


def _real() -> tuple[Q, ...]:
    """What makes a notice one of Amazon's about an opt-out, as far as it is proved at all."""
    return (Q(kind=Kind.OPT_OUT.value), Q(grade__in=PROVED))


def _heard(watch: OptOutWatch) -> datetime | None:
    return watch.quiet_since if watch.had_notice else None


def _words(
    test: NoticeTest | None, last_notice_at: datetime | None, is_silent: bool, is_overdue: bool
) -> tuple[str, str, str, str]:
    """Tone, symbol, title and text of the card."""
    if is_silent:
        return "bad", "alert-triangle", "Silent", "Notices should have come by now, and none has. See below why."
    if last_notice_at is not None:
        return "good", "check", "Receiving", "Amazon's notices arrive here."
    if test is not None and test.result in GOOD:
        kept = NoticeTest.Result(test.result).label
        return "good", "check", "Tested", f"The test notice came back. {kept}."
    if test is not None and test.result:
        text = "Notices that come this way prove nothing. Use the direct way: Seller Central's own list."
        return "warn", "alert-triangle", "Tested, and not good enough", text
    if is_overdue:
        return "warn", "mail-question", "The test notice has not come back", "What may be missing is said below."
    if test is not None:
        return "wait", "clock", "Waiting for the test notice", "This card changes by itself when it arrives."
    return "warn", "mail-question", "Nothing received yet", "Choose a way below, then see that it works."


def _missing(test: NoticeTest, asked: tuple[Asked, ...], last_mail_at: datetime | None) -> tuple[str, ...]:
    """What may keep the test from coming, the likeliest first."""
    hints = []
    if asked:
        hints.append("A mailbox provider asks to confirm the forwarding: press its link on this page first.")
    hints.append(f"Did the test arrive at {test.mailbox}? If it lies under spam there, it is not forwarded.")
    hints.append(
        f"A filter for Amazon's mail does not catch the test: let it also catch mail from {sender_address()}, or "
        "forward the test by hand as an attachment."
    )
    provider = provider_of(test.mailbox)
    if provider is None or provider.id in ("outlook", "m365"):
        hints.append(
            "Microsoft 365 blocks forwarding out of the organisation: see its recipe for the administrator's cure."
        )
    elif provider.watch_out:
        hints.append(f"{provider.name}: {provider.watch_out}")
    if last_mail_at is None:
        hints.append(
            "Nothing at all has come to your address so far. Compare it letter by letter with what you entered."
        )
    return tuple(hints)


def diagnosis(seller: Seller, found: Standing, *, now: datetime) -> tuple[str, ...]:
    """What is probably wrong with this seller's way; see `silence.diagnose`. Three queries."""
    watch = OptOutWatch.objects.for_seller(seller).first()
    recent = Notice.objects.for_seller(seller).filter(kind=Kind.OPT_OUT.value, received_at__gt=now - timedelta(days=30))
    grades = list(recent.order_by("-received_at").values_list("grade", flat=True)[:500])
    former = former_addresses(seller, now=now)
    symptoms = silence.Symptoms(
        last_mail_at=found.last_mail_at,
        last_notice_at=found.last_notice_at,
        unproved=sum(grade == "D" for grade in grades),
        proved=sum(grade in PROVED for grade in grades),
        test=found.test.result if found.test else "",
        is_test_missing=found.is_overdue,
        has_request=bool(found.requests),
        on_former=any(address.last_mail_at and address.last_mail_at > address.replaced_at for address in former),
    )
    verdict = silence.Verdict(watch.verdict) if watch else silence.Verdict.OK
    if watch and found.last_notice_at != _heard(watch):
        verdict = silence.Verdict.OK  # a notice has come since the watch
    return silence.diagnose(symptoms, verdict, now=now)


def addresses_with_mail(seller: Seller) -> QuerySet[Any]:
    """The seller's addresses, each with `last_mail_at`."""
    newest = Notice.objects.filter(address=OuterRef("pk")).order_by("-received_at").values("received_at")[:1]
    return (
        InboundAddress.objects.for_seller(seller).annotate(last_mail_at=Subquery(newest)).order_by("created_at", "id")
    )


def former_addresses(seller: Seller, *, now: datetime) -> list[Any]:
    """Addresses that were replaced and still take mail, each with `last_mail_at` and `ends_at`."""
    rows = list(addresses_with_mail(seller).filter(replaced_at__gt=now - OVERLAP))
    for row in rows:
        row.ends_at = row.replaced_at + OVERLAP
    return rows
