"""A letter: what a buyer will read. Pure."""

import hashlib
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    """Rendered and final; `text` and `html` say the same."""

    subject: str
    text: str
    html: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        return json.dumps([self.subject, self.text, self.html]).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Letter":
        return cls(*json.loads(content))
