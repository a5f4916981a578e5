"""How the way of a seller's notices stands, for the card and the page: reads.

The rows that setting up (`setup`), intake and the watch (`watching`) have written go in; what the seller is told comes
out. Nothing here writes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts import lookup
from accounts.models import Seller
from optouts import silence
from optouts.addresses import OVERLAP
from optouts.models import InboundAddress, Notice, NoticeTest, OptOutWatch, SellerMailbox
from optouts.reasons import Kind
from optouts.recipes import provider_of
from optouts.setup import GOOD, PROVED, Asked, requests, sender_address
from optouts.watching import STALE_AFTER

A_FEW_MINUTES: Final = timedelta(minutes=3)  # after which a test is overdue
WATCHED_FOR: Final = timedelta(hours=1)  # by the page that waits for it


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


def standing_of(seller: Seller, *, now: datetime) -> Standing:
    """How this seller's way stands. Five or six queries."""
    asked = tuple(requests(seller))
    test = NoticeTest.objects.for_seller(seller).order_by("-sent_at", "-id").first()
    watch = _watch(seller, now)
    newest = Notice.objects.for_seller(seller).order_by("-received_at", "-id").values_list("received_at", flat=True)
    last_mail_at, last_notice_at = newest.first(), newest.filter(*_real()).first()
    is_waiting = test is not None and not test.result and test.sent_at > now - WATCHED_FOR
    is_overdue = test is not None and not test.result and test.sent_at <= now - A_FEW_MINUTES
    is_silent = watch is not None and watch.verdict == silence.Verdict.SILENT and not _has_ended(watch, last_notice_at)
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


def _watch(seller: Seller, now: datetime) -> OptOutWatch | None:
    return OptOutWatch.objects.for_seller(seller).filter(watched_at__gt=now - STALE_AFTER).first()


def _has_ended(watch: OptOutWatch, last_notice_at: datetime | None) -> bool:
    """Has a notice come since the silence that was watched?"""
    return last_notice_at is not None and last_notice_at > watch.quiet_since


def _words(
    test: NoticeTest | None, last_notice_at: datetime | None, is_silent: bool, is_overdue: bool
) -> tuple[str, str, str, str]:
    """Tone, symbol, title and text of the card."""
    if is_silent:
        return "bad", "alert-triangle", "Silent", "Notices should have come by now, and none has."
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
    return "warn", "mail-question", "Nothing received yet", "Set one way up, then see that it works."


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
    watch = _watch(seller, now)
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
    if watch and _has_ended(watch, found.last_notice_at):
        verdict = silence.Verdict.OK
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
