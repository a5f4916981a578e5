"""The letter of a message, out of its sealed column. A read, for the pages that show it."""

from dataclasses import dataclass

from accounts import secrets
from messaging.letters import Letter
from messaging.models import Document, Message


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page says of a message's letter: the text, that it was purged, or that Amazon writes it."""

    message: Message
    is_kept: bool
    is_ours: bool
    subject: str = ""
    documents: tuple[Document, ...] = ()  # which went with it is known also when the text has been erased


def letter_of(message: Message) -> Letter | None:
    """The text that was or will be sent. None: Amazon writes it, or it has been purged."""
    if message.letter_sealed is None:
        return None
    return Letter.from_bytes(secrets.unseal("letter", message.seller_id, message.letter_sealed))


def shown(message: Message) -> Shown:
    letter = letter_of(message)
    subject = letter.subject if letter else ""
    documents = tuple(Document.objects.filter(pk__in=message.documents).order_by("pk")) if message.documents else ()
    return Shown(message, letter is not None, bool(message.letter_digest), subject, documents)
