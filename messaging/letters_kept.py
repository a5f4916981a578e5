"""The letter of a message, out of its sealed column. A read, for the pages that show it."""

from accounts import secrets
from messaging.letters import Letter
from messaging.models import Message


def letter_of(message: Message) -> Letter | None:
    """The text that was or will be sent. None: Amazon writes it, or it has been purged."""
    if message.letter_sealed is None:
        return None
    return Letter.from_bytes(secrets.unseal("letter", message.seller_id, message.letter_sealed))
