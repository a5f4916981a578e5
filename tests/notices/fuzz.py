"""A fuzzer for what reads mail: no crash, no hang, and no grade raised by what Amazon did not sign.

    python -m tests.notices.fuzz [--seconds 60] [--seed N]

Takes honest mails of every grade and changes what no signature covers (fields, frames, charsets, line ends), what one
does cover (texts, signatures themselves), or both. Each seed runs some hundred mails and is printed with a failure, and
the mail is left in `test-results/`. It lies there while it is read, too, so that one which ends the process is found.
"""

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from optouts.authenticity import Resolver
from optouts.decisions import Grade
from optouts.examination import Context, Finding, examine
from tests.notices.builder import (
    ATTESTED,
    EN_SENTENCE,
    EN_SUBJECT,
    ENGLISH,
    GMAIL,
    GOOGLE,
    INBOUND,
    ITALIAN,
    MAILBOX,
    ORDER,
    FakeDns,
    Seller,
    attached,
    gmail_forwarded,
    italian_html,
    signed,
)
from tests.notices.sealing import Sealer

PROVED: Final = (Grade.A1, Grade.A2, Grade.A4, Grade.A3, Grade.A4_UNKNOWN, Grade.B, Grade.C)
SLOWEST: Final = 1.0  # CPU seconds for one mail
ROUND: Final = 200  # mails of one seed
RESULTS: Final = Path("test-results")
OTHER_ORDER: Final = "408-9999999-8888888"
SELLER: Final = Seller(mailboxes=frozenset({MAILBOX, "alice@gmail.com"}))

Examine = Callable[[bytes, Resolver, Context], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Honest:
    """A mail as it came, and the best that it proves."""

    name: str
    raw: bytes
    grade: Grade | None


def _honest() -> tuple[Honest, ...]:
    own, stale = replace(ITALIAN, to=MAILBOX), replace(ITALIAN, to="stranger@elsewhere.example")
    touched = signed(stale).replace(b"Gentile", b"[EXTERNAL] Gentile")
    by_hand = replace(
        ENGLISH, sender="alice@gmail.com", subject="Fwd: " + EN_SUBJECT,
        body="From: Amazon <auto-communication@amazon.com>\r\n\r\n" + EN_SENTENCE.format(order=ORDER),
    )  # fmt: skip
    refund = replace(ENGLISH, sender="Amazon <donotreply@amazon.com>", body=f"Refund for {ORDER}.", subject="Refund")
    buyer = replace(ENGLISH, sender="Paola <x7c2m9q4t1w8z5b@marketplace.amazon.it>", subject=EN_SUBJECT)
    return (
        *(Honest(f"direct {name}", signed(mail), Grade.A1) for name, mail in ATTESTED.items()),
        Honest("forwarded by Gmail", gmail_forwarded(signed(own)), Grade.A2),
        Honest("to nobody's mailbox", signed(stale), Grade.A3),
        Honest("attached", attached(signed(own)), Grade.A4),
        Honest("attached in base64", attached(signed(stale), encoding="base64"), Grade.A4_UNKNOWN),
        Honest("sealed", Sealer(GOOGLE).seal(touched), Grade.B),
        Honest("by hand", GMAIL.sign(by_hand.build()), Grade.C),
        Honest("by hand of nobody", by_hand.build(), None),
        Honest("forged", ITALIAN.build(), None),
        Honest("broken", gmail_forwarded(touched), None),
        Honest("another mail of Amazon's", signed(refund), None),
        Honest("a buyer's message", signed(buyer), None),
    )


HONEST: Final = _honest()
OTHERS: Final = (ENGLISH.build(), replace(ITALIAN, body=italian_html(OTHER_ORDER)).build())
FIELDS: Final = (
    "From", "Sender", "To", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding", "Content-Disposition", "X-Space-Notification-Type", "X-Marketplace-ID", "Received",
    "Delivered-To", "X-Forwarded-To", "X-Forwarded-For", "Authentication-Results", "ARC-Seal", "ARC-Message-Signature",
    "ARC-Authentication-Results", "DKIM-Signature", "Resent-From", "List-Id", "Auto-Submitted", "X-Anything",
)  # fmt: skip
VALUES: Final = (
    "BUYER_OPTED_OUT_BSM_MESSAGES", "REFUND_ISSUED", "APJ6JRA9NG5V4", "ATVPDKIKX0DER", EN_SUBJECT, INBOUND, MAILBOX,
    '"Amazon.it" <auto-communication@amazon.com>', "auto-communication@amazon.com", "alice@gmail.com", "1.0", "base64",
    "quoted-printable", "text/plain; charset=utf-16", "text/html; charset=utf-7", "message/rfc822",
    'multipart/mixed; boundary="----=_Part_1_2.3"', "multipart/digest; boundary=x", "<other@eu-west-1.amazonses.com>",
    "mx.google.com; dkim=pass header.i=@amazon.com header.d=amazon.com",
    "i=1; mx.google.com; dkim=pass header.d=amazon.com",
    "i=2; a=rsa-sha256; cv=pass; d=google.com; s=test; t=1789041600; b=AA==",
    "v=1; a=rsa-sha256; d=amazon.com; s=test; h=from:to:subject:date:message-id:content-type; bh=AA==; b=AA==",
    f"{ORDER}", f"{OTHER_ORDER}", "auto-replied", "",
)  # fmt: skip
CHARSETS: Final = (
    "utf-7", "utf-16", "utf-32", "cp037", "iso-2022-jp", "gb18030", "x-user-defined", "zlib", "utf-8\0", "us-ascii",
)  # fmt: skip
TRICKS: Final = ("\u200b", "\u00ad", "\u202e", "\u2060", "\uff0d", "\u0301", "\0", "=00", "&#45;", "<!--", "-->")


# --- Changes: (mail, chance) -> mail --------------------------------------------------------------------------------


def _head_and_body(raw: bytes) -> tuple[list[bytes], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    return re.split(rb"\r\n(?![ \t])", head), body


def _joined(fields: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join(fields) + b"\r\n\r\n" + body


def _made_up(chance: random.Random) -> bytes:
    name, value = chance.choice(FIELDS), chance.choice(VALUES)
    colon = chance.choice((":", ": ", ":\t", " :", ":\r\n ", ":\r", ": \r"))
    name = chance.choice((name, name.lower(), name.upper(), f" {name}"))
    return f"{name}{colon}{value}".encode("utf-8", "replace")


def add_fields(raw: bytes, chance: random.Random) -> bytes:
    fields, body = _head_and_body(raw)
    for _ in range(chance.randint(1, 4)):
        fields.insert(chance.choice((0, len(fields), chance.randint(0, len(fields)))), _made_up(chance))
    return _joined(fields, body)


def repeat_a_field(raw: bytes, chance: random.Random) -> bytes:
    fields, body = _head_and_body(raw)
    name = chance.choice(fields).partition(b":")[0]
    fields.insert(chance.choice((0, len(fields))), name + b": " + chance.choice(VALUES).encode("utf-8"))
    return _joined(fields, body)


def change_a_field(raw: bytes, chance: random.Random) -> bytes:
    fields, body = _head_and_body(raw)
    place = chance.randrange(len(fields))
    fields[place] = fields[place].partition(b":")[0] + b": " + chance.choice(VALUES).encode("utf-8")
    return _joined(fields, body)


def drop_or_move_a_field(raw: bytes, chance: random.Random) -> bytes:
    fields, body = _head_and_body(raw)
    field = fields.pop(chance.randrange(len(fields)))
    if chance.random() < 0.5:
        fields.insert(chance.randint(0, len(fields)), field)
    return _joined(fields, body)


def tamper_with_a_signature(raw: bytes, chance: random.Random) -> bytes:
    tag = chance.choice((b"; l=10", b"; l=0", b"; x=1", b"; t=9999999999", b"; i=@evil.example", b"; h=from", b"; q=x"))
    return raw.replace(b"; d=", tag + b"; d=", chance.choice((1, 2)))


def put_text_into_the_body(raw: bytes, chance: random.Random) -> bytes:
    fields, body = _head_and_body(raw)
    sentence = EN_SENTENCE.format(order=chance.choice((ORDER, OTHER_ORDER)))
    added = chance.choice((sentence, italian_html(OTHER_ORDER), f"<p>{sentence}</p>", f"> {sentence}", "\r\n\r\n", " "))
    place = chance.choice((0, len(body), chance.randint(0, len(body))))
    return _joined(fields, body[:place] + added.encode() + body[place:])


def change_the_order(raw: bytes, chance: random.Random) -> bytes:
    return raw.replace(ORDER.encode(), OTHER_ORDER.encode(), chance.choice((1, 2, -1)))


def change_the_frame(raw: bytes, chance: random.Random) -> bytes:
    """Another boundary in the field, a part more, a part inside a part."""
    boundary = b"----=_Part_1_2.3"
    begin, end = b"--" + boundary + b"\r\n", b"--" + boundary + b"--"
    extra = b"Content-Type: text/html; charset=utf-8\r\n\r\n" + italian_html(OTHER_ORDER).encode() + b"\r\n"
    return chance.choice((
        lambda: raw.replace(boundary, b"other", 1),
        lambda: raw.replace(end, begin + extra + end),
        lambda: raw.replace(begin, begin + extra + begin, 1),
        lambda: raw.replace(b"multipart/alternative", b"multipart/mixed", 1),
        lambda: raw.replace(b"multipart/alternative", b"text/plain", 1),
        lambda: raw.replace(b"text/html", b"message/rfc822", 1),
        lambda: raw.replace(end, b"", 1),
    ))()  # fmt: skip


def change_the_charset(raw: bytes, chance: random.Random) -> bytes:
    fields, body = _head_and_body(raw)
    name = chance.choice(CHARSETS).encode()
    changed = re.sub(rb"(?i)charset=[^\s;]+", b"charset=" + name, _joined(fields, body), count=chance.choice((0, 1)))
    trick = chance.choice(TRICKS).encode()
    return changed.replace(b"-", trick, 1) if chance.random() < 0.3 else changed


def change_the_encoding(raw: bytes, chance: random.Random) -> bytes:
    encodings = (b"base64", b"8bit", b"binary", b"quoted-printable", b"uuencode", b"7bit")
    return re.sub(rb"(?i)(transfer-encoding:)[^\r]+", rb"\1 " + chance.choice(encodings), raw, count=1)


def change_the_lines(raw: bytes, chance: random.Random) -> bytes:
    ends = (b"\n", b"\r", b"\r\r\n", b"\r\n\r\n", b"\r\n ")
    return raw.replace(b"\r\n", chance.choice(ends), chance.choice((1, 3, -1)))


def change_bytes(raw: bytes, chance: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def splice(raw: bytes, chance: random.Random) -> bytes:
    """The header of this mail over the body of another, or its signatures over another mail."""
    other = chance.choice(OTHERS)
    fields, body = _head_and_body(raw)
    if chance.random() < 0.5:
        return _joined(fields, _head_and_body(other)[1])
    signatures = [field for field in fields if field.lower().startswith((b"dkim-", b"arc-"))]
    return b"".join(field + b"\r\n" for field in signatures) + other


def attach(raw: bytes, chance: random.Random) -> bytes:
    sender = chance.choice(("Bob <bob@evil.example>", "auto-communication@amazon.com", "alice@gmail.com"))
    others = chance.choice(((), (ITALIAN.build(),)))
    return attached(*others, raw, sender=sender, encoding=chance.choice(("7bit", "base64")))


def grow(raw: bytes, chance: random.Random) -> bytes:
    fields, body = _head_and_body(raw)
    piece = chance.choice((b" ", b"<", b"-----", b"> ", b"\r\n", b"=?utf-8?q?a?=", b"((", b"<!--", b"From: ", b"a@b, "))
    blob = piece * chance.choice((50, 2_000, 20_000))
    if chance.random() < 0.5:
        return _joined([*fields, b"X-Much: " + blob.replace(b"\r\n", b"\r\n ")], body)
    return _joined(fields, body + blob)


CHANGES: Final = (
    add_fields, repeat_a_field, change_a_field, drop_or_move_a_field, tamper_with_a_signature, put_text_into_the_body,
    change_the_order, change_the_frame, change_the_charset, change_the_encoding, change_the_lines, change_bytes, splice,
    attach, grow,
)  # fmt: skip


# --- What must hold -------------------------------------------------------------------------------------------------


class Broken(AssertionError):
    """A mail for which the promise does not hold. The text says what came of it."""


def rank(grade: Grade | None) -> int:
    return PROVED.index(grade) if grade in PROVED else len(PROVED)


def check(honest: Honest, raw: bytes, examine_: Examine) -> None:
    """Raises Broken, or whatever the reader raises."""
    started = time.process_time()
    findings = examine_(raw, FakeDns(), SELLER.context())
    seconds = time.process_time() - started
    if seconds > SLOWEST:
        raise Broken(f"{seconds:.2f} s for {len(raw)} bytes")
    if not findings:
        raise Broken("no finding")
    for finding in findings:
        if rank(finding.grade) < rank(honest.grade):
            raise Broken(f"{honest.grade} became {finding.grade}: {finding.reason}")
        if finding.grade in PROVED and finding.order_id not in (None, ORDER):
            raise Broken(f"{finding.grade} for an order that nobody signed")


def _examine(raw: bytes, resolver: Resolver, context: Context) -> Sequence[Finding]:
    return examine(raw, resolver=resolver, context=context)


def run(number: int, *, examine_: Examine = _examine, folder: Path = RESULTS) -> int:
    """Read the mails of one seed; returns how many. Raises what was found, with the mail left in `folder`."""
    read = 0
    current = folder / f"fuzz-{number}.eml"

    @seed(number)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        honest=st.sampled_from(HONEST),
        changes=st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4),
        chance=st.randoms(use_true_random=False),
    )
    def one(honest: Honest, changes: list[Callable[[bytes, random.Random], bytes]], chance: random.Random) -> None:
        nonlocal read
        raw = honest.raw
        for change in changes:
            raw = change(raw, chance)[:1_500_000]
        folder.mkdir(exist_ok=True)  # a run of the tests beside this one empties it
        current.write_bytes(raw)
        read += 1
        check(honest, raw, examine_)
        current.unlink(missing_ok=True)

    one()
    return read


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    until, number, read = time.monotonic() + arguments.seconds, arguments.seed, 0
    print(f"Fuzzing what reads mail for {arguments.seconds:.0f} s, from seed {number} ...", flush=True)
    while time.monotonic() < until:
        try:
            read += run(number)
        except Exception as trouble:  # whatever the reader raises is a finding
            print(f"Seed {number}: {type(trouble).__name__}: {trouble}", file=sys.stderr)
            print(f"The mail is test-results/fuzz-{number}.eml; --seed {number} makes it again.", file=sys.stderr)
            return 1
        number += 1
    print(f"{read} mails, {number - arguments.seed} seeds: no crash, no hang, no grade raised.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
