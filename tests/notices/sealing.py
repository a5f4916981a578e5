"""ARC sets made to measure (RFC 8617), with the test keys. Written from the RFC; shares no code with what verifies."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.notices.builder import NOW, Signer, _fields, _key, _last_of_each, _relaxed

PASSED = "mx.google.com; dkim=pass header.i=@amazon.com header.s=x header.b=Ab12Cd34; dkim=pass header.i=@amazonses.com"
SEALED = ("MIME-Version", "Subject", "Message-ID", "To", "Reply-To", "From", "Date", "Content-Type", "DKIM-Signature")
MICROSOFT = Signer("microsoft.com")
ZOHO = Signer("zohomail.com")


@dataclass(frozen=True)
class Sealer:
    """A forwarder that seals. `results` is what it says about the mail as it came to it."""

    signer: Signer
    results: str = PASSED
    signed: Sequence[str] = SEALED
    at: datetime | None = NOW

    def seal(
        self, raw: bytes, *, instance: int = 1, cv: str | None = None, tags: Mapping[str, str] | None = None
    ) -> bytes:
        """Return `raw` with one ARC set on top; instance and cv follow RFC 8617 unless they are given."""
        stamp = f"; t={int(self.at.timestamp())}" if self.at else ""
        results = ("ARC-Authentication-Results", f"i={instance}; {self.results}".encode())
        message = ("ARC-Message-Signature", self._message(raw, instance, stamp, tags or {}))
        cv = cv or ("none" if instance == 1 else "pass")
        text = f"i={instance}; a=rsa-sha256{stamp}; cv={cv}; d={self.signer.domain}; s={self.signer.selector}; b="
        earlier = [field for number in range(1, instance) for field in _set(raw, number)]
        lines = [_relaxed(name, value) for name, value in [*earlier, results, message]]
        digest = b"".join(lines) + _relaxed("ARC-Seal", text.encode()).removesuffix(b"\r\n")
        seal = ("ARC-Seal", text.encode() + self._sign(digest))
        return b"".join(name.encode() + b": " + value + b"\r\n" for name, value in (seal, message, results)) + raw

    def _message(self, raw: bytes, instance: int, stamp: str, tags: Mapping[str, str]) -> bytes:
        head, _, body = raw.partition(b"\r\n\r\n")
        present = {name.lower() for name, _ in _fields(head)}
        names = [name for name in self.signed if name.lower() in present]
        bh = base64.b64encode(hashlib.sha256(_relaxed_body(body)).digest()).decode()
        values = {
            "i": str(instance), "a": "rsa-sha256", "c": "relaxed/relaxed", "d": self.signer.domain,
            "s": self.signer.selector, "h": ":".join(names).lower(), "bh": bh, **tags,
        }  # fmt: skip
        text = "; ".join(f"{name}={value}" for name, value in values.items()) + f"{stamp}; b="
        lines = [_relaxed(name, value) for name, value in _last_of_each(_fields(head), names)]
        digest = b"".join(lines) + _relaxed("ARC-Message-Signature", text.encode()).removesuffix(b"\r\n")
        return text.encode() + self._sign(digest)

    def _sign(self, digest: bytes) -> bytes:
        return base64.b64encode(_key(self.signer.bits).sign(digest, padding.PKCS1v15(), hashes.SHA256()))


def _set(raw: bytes, instance: int) -> list[tuple[str, bytes]]:
    """Return the fields of one instance in the order in which a seal covers them."""
    fields = _fields(raw.partition(b"\r\n\r\n")[0])
    names = ("ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal")
    mark = re.compile(rb"\s*i=%d;" % instance)
    return [next(field for field in fields if field[0] == name and mark.match(field[1])) for name in names]


def _relaxed_body(body: bytes) -> bytes:
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)
