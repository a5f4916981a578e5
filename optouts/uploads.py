"""A member hands in a mail that she saved from her mailbox: the third door.

Flow: page -> `take` -> a notice with source "upload" and its uploader -> `intake`, which grades it by
`grading.grade_handed_in`: a file that Amazon signed proves itself, as an attached original does; without a valid
signature it is her word, and a grade of C at best.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from accounts.models import Seller, User
from optouts import receiving
from optouts.addresses import open_address
from optouts.examination import without_envelope
from optouts.models import Notice

LARGEST: Final = 5 * 1_048_576  # bytes
MOST_AT_ONCE: Final = 20
_COMPOUND_FILE: Final = b"\xd0\xcf\x11\xe0"  # what Outlook saves by itself
_NAMED: Final = (b"from:", b"received:", b"return-path:", b"delivered-to:", b"date:", b"subject:", b"message-id:")


class File(Protocol):
    """What Django calls an uploaded file."""

    name: str | None
    size: int | None

    def read(self) -> bytes: ...


class Refusal(StrEnum):
    TOO_BIG = "It is larger than 5 MB."
    EMPTY = "It is empty."
    OUTLOOK_ITEM = "This is a file that only Outlook reads (.msg). Outlook on the web saves mails as .eml."
    NO_MAIL = "This is not a saved mail (.eml). In your mail program choose “Save as” or “Download message”."


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file: its notice, or why there is none."""

    name: str
    notice_id: int | None = None
    refusal: Refusal | None = None


def take(files: Iterable[File], *, seller: Seller, by: User, now: datetime) -> list[Taken]:
    """Store each file as a notice at the seller's own address; the answers come in the same order.

    Committed one by one. The same file twice is one notice.
    """
    address = open_address(seller)
    answers = []
    for file in files:
        name = (file.name or "a file")[:120]
        raw = b"" if (file.size or 0) > LARGEST else receiving.with_proper_lines(without_envelope(file.read()))
        refusal = Refusal.TOO_BIG if (file.size or 0) > LARGEST else _refusal(raw)
        if refusal is not None:
            answers.append(Taken(name, refusal=refusal))
            continue
        stored = receiving.receive(address, raw, now=now, source=Notice.Source.UPLOAD, uploaded_by=by)
        answers.append(Taken(name, stored))
    return answers


def _refusal(raw: bytes) -> Refusal | None:
    """Only what is obviously something else is refused here; the gate looks closer."""
    if not raw.strip():
        return Refusal.EMPTY
    if raw.startswith(_COMPOUND_FILE):
        return Refusal.OUTLOOK_ITEM
    head = b"\r\n" + raw[:65_536].lower()
    return None if b":" in raw[:1000] and any(b"\r\n" + name in head for name in _NAMED) else Refusal.NO_MAIL
