"""A letter: what a buyer will read. Pure."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that goes with a letter: which one, and what is said of it. Its bytes are elsewhere."""

    document: int
    name: str
    version: int
    purpose: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Letter:
    """Rendered and final; `text` and `html` say the same."""

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        parts: list[Any] = [self.subject, self.text, self.html]
        if self.attachments:
            parts.append([asdict(one) for one in self.attachments])
        return json.dumps(parts).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Letter":
        subject, text, html, *more = json.loads(content)
        return cls(subject, text, html, tuple(Attachment(**one) for one in more[0]) if more else ())
