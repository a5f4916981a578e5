"""Documents that go with letters: taken in, read for the way out, and erased when nothing needs them. Verb.

Place in the flow: a page gives a file to `keep`; campaigns and critical messages name the document in their letters
(`attachment_of`); the gateway of letters reads its bytes just before the hand-over. What may be kept at all is a matter
of `pdf`, a rule.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max, Sum

from accounts import secrets
from accounts.models import Seller, User
from accounts.rowsecurity import across_sellers
from messaging import pdf
from messaging.letters import Attachment
from messaging.models import Document, DocumentContent, Message, Status

TOGETHER: Final = 10_000_000  # bytes that go with one letter (AMAZON.md 4.6: 10 MB in all)
OF_A_SELLER: Final = 200_000_000  # bytes that we keep for one seller
KEPT_UNUSED_FOR: Final = timedelta(days=60)  # longer than any letter waits, or its text is kept
_STRANGE: Final = re.compile(r"[^\w .()-]+")
Purpose = Document.Purpose


class NotTaken(Exception):
    """The file was not taken; the text says why and what to do, for the person who chose it."""


class Gone(Exception):
    """The bytes of a document are not kept any more, or cannot be read."""


def keep(seller: Seller, content: bytes, *, name: str, purpose: str, by: User | None, now: datetime) -> Document:
    """Take a file in, as the first version of its name or the next; the same file again is the version that is there.

    Raises NotTaken. The name counts for nothing but for being shown: what it is, is looked up in the file.
    """
    if len(content) > TOGETHER:
        raise NotTaken("Amazon takes 10 MB of documents with a letter, and this file has more.")
    if (unsound := pdf.examine(content)) is not None:
        raise NotTaken(unsound.value)
    name, digest = clean_name(name), hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        Seller.objects.select_for_update(no_key=True).get(pk=seller.pk)  # two files at once take two versions
        known = Document.objects.for_seller(seller).filter(name=name)
        same = known.filter(digest=digest, purpose=purpose, content__isnull=False).order_by("-version").first()
        if same is not None:
            return same
        kept = Document.objects.for_seller(seller).filter(content__isnull=False).aggregate(size=Sum("size"))["size"]
        if (kept or 0) + len(content) > OF_A_SELLER:
            raise NotTaken("Your documents come to more than 200 MB. Take some away that no letter needs any more.")
        sealed = secrets.seal("document", seller.pk, content)
        return Document.objects.create(
            seller=seller,
            purpose=purpose,
            name=name,
            version=(known.aggregate(last=Max("version"))["last"] or 0) + 1,
            size=len(content),
            digest=digest,
            added_at=now,
            added_by=by,
            unused_since=now,  # until something needs it
            content=DocumentContent.objects.create(seller=seller, content_sealed=sealed),
        )


def clean_name(name: str) -> str:
    """A name that is safe in a mail, on a page and on a buyer's disk: at most 80 letters, with `.pdf` at the end."""
    last = re.split(r"[/\\]", name)[-1]
    plain = " ".join(_STRANGE.sub(" ", last).split())
    stem = re.sub(r"\.pdf$", "", plain, flags=re.IGNORECASE).strip(" .")[:76]
    return f"{stem or 'document'}.pdf"


def attachment_of(document: Document) -> Attachment:
    return Attachment(document.pk, document.name, document.version, document.purpose, document.size, document.digest)


def read(seller_id: int, document_id: int) -> bytes:
    """The bytes. Raises Gone."""
    row = DocumentContent.objects.filter(seller_id=seller_id, document=document_id).first()
    if row is None:
        raise Gone(document_id)
    try:
        return secrets.unseal("document", seller_id, row.content_sealed)
    except secrets.Unreadable:
        raise Gone(document_id) from None


def read_for_sending(attachments: Sequence[Attachment]) -> list[bytes]:
    """The bytes of what goes with a letter, as they were when it was written. Raises Gone."""
    with across_sellers("documents go out with a letter"):
        owners = _owners(attachments)
        contents = [read(owners.get(one.document, 0), one.document) for one in attachments]
    for one, content in zip(attachments, contents, strict=True):
        if hashlib.sha256(content).hexdigest() != one.digest:
            raise Gone(one.document)
    return contents


def to_show(attachments: Sequence[Attachment]) -> list[tuple[str, bytes]]:
    """Names and bytes for a mail to the team itself; what is not to be had is left out."""
    found, owners = [], _owners(attachments)
    for one in attachments:
        with suppress(Gone):
            found.append((one.name, read(owners.get(one.document, 0), one.document)))
    return found


def _owners(attachments: Sequence[Attachment]) -> dict[int, int]:
    """Whose they are, as far as the connection sees them."""
    documents = Document.objects.filter(pk__in=[one.document for one in attachments])
    return dict(documents.values_list("pk", "seller_id"))


def use(documents: Iterable[int]) -> None:
    """Something to come needs them."""
    Document.objects.filter(pk__in=list(documents)).update(unused_since=None)


def let_go(documents: Collection[int], *, now: datetime) -> None:
    """Nothing new will need them; what is under way has two months to."""
    Document.objects.filter(pk__in=documents, unused_since=None).update(unused_since=now)


def erase_unused(*, now: datetime) -> int:
    """Erase the bytes of what has not been needed for two months; returns how many. Name, version and digest stay."""
    with across_sellers("documents that nothing needs are erased"):
        old = Document.objects.filter(unused_since__lt=now - KEPT_UNUSED_FOR, content__isnull=False)
        ids = [pk for pk in old.values_list("pk", flat=True)[:500] if not _is_awaited(pk)]
        erased, _ = DocumentContent.objects.filter(document__in=ids).delete()
    return erased


def _is_awaited(document: int) -> bool:
    coming = [Status.SCHEDULED, Status.HELD, Status.CLAIMED, Status.SENDING]
    return Message.objects.filter(status__in=coming, documents__contains=[document]).exists()
