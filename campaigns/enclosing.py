"""The documents that go with the letters of campaigns: how many, how large, and which are needed no more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from campaigns.models import Template
from messaging import documents
from messaging.letters import Attachment
from messaging.models import Document

MOST: Final = 5  # of a letter


class TooMuch(Exception):
    """The documents of a letter would come to more than Amazon takes; the text says so to a person."""


def with_document(enclosed: Sequence[Attachment], document: Document) -> tuple[Attachment, ...]:
    """These documents and one more, which takes the place of another version of itself. Raises TooMuch."""
    added = documents.attachment_of(document)
    others = [one for one in enclosed if one.name != added.name]
    if len(others) >= MOST:
        raise TooMuch(f"A letter takes {MOST} documents at most. Take one away first.")
    if sum(one.size for one in others) + added.size > documents.TOGETHER:
        raise TooMuch("Amazon takes 10 MB of documents with a letter, all together. Take one away first.")
    return (*others, added)


def let_go_of_unnamed(seller_id: int, *, now: datetime) -> None:
    """Documents that no letter of this seller names any more may go in their time."""
    named = {
        one["document"]
        for attachments in Template.objects.filter(seller_id=seller_id)
        .exclude(attachments=[])
        .values_list("attachments", flat=True)
        for one in attachments
    }
    used = Document.objects.filter(seller_id=seller_id, unused_since=None).values_list("pk", flat=True)
    documents.let_go([pk for pk in used if pk not in named], now=now)
