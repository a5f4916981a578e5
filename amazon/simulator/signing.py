"""Keys of the simulated mail domains, and DKIM signatures in the form of Amazon's (INBOUND.md 1.3).

The signatures are computed here from RFC 6376 and not by the library that the product verifies with, so that one
mistake cannot hide behind the other.
"""

import base64
import hashlib
import re
import secrets
import string
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from amazon.simulator.store import Store

_SELECTOR_CHARACTERS = string.ascii_lowercase + string.digits
# Amazon's keys have 1024 bits and 32-character selectors; Google's are longer and dated.
_KNOWN_SELECTORS = {"google.com": "arc-20240605", "gmail.com": "20251104", "microsoft.com": "arcselector10001"}
UNREACHABLE = "unreachable"  # a selector about which the name server has trouble
_AMAZON = {"amazon.com", "amazon.co.jp", "amazonses.com"}
PREPARED = (*sorted(_AMAZON), *_KNOWN_SELECTORS)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A domain's key pair: the private half as PEM (PKCS 1), the public half as the TXT record carries it."""

    domain: str
    selector: str
    private_pem: str
    public_base64: str

    @property
    def txt(self) -> str:
        """The TXT record at `<selector>._domainkey.<domain>`."""
        return f"v=DKIM1; k=rsa; p={self.public_base64}"


def key_of(store: Store, domain: str) -> SigningKey:
    """The key of a domain; made and kept when it is asked for the first time."""
    row = store.row("SELECT * FROM signing_keys WHERE domain = ?", domain)
    if row is None:
        made = _make(domain)
        with store.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO signing_keys VALUES (?, ?, ?, ?)",
                (made.domain, made.selector, made.private_pem, made.public_base64),
            )
        return key_of(store, domain)
    return SigningKey(row["domain"], row["selector"], row["private_pem"], row["public_base64"])


def record_at(store: Store, name: str) -> str | None:
    """The TXT record at a DNS name (without the final dot), or None."""
    selector, _, domain = name.lower().partition("._domainkey.")
    row = store.row("SELECT domain FROM signing_keys WHERE domain = ? AND selector = ?", domain, selector)
    return key_of(store, domain).txt if row else None


def is_unreachable(name: str) -> bool:
    """Whether a question for this DNS name (without the final dot) is answered by SERVFAIL."""
    return name.lower().startswith(f"{UNREACHABLE}._domainkey.")


def _make(domain: str) -> SigningKey:
    is_amazon = domain in _AMAZON
    private = rsa.generate_private_key(65537, 1024 if is_amazon else 2048)  # noqa: S505 - as short as Amazon's are
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    length = 32 if is_amazon else 10
    selector = _KNOWN_SELECTORS.get(domain) or "".join(secrets.choice(_SELECTOR_CHARACTERS) for _ in range(length))
    return SigningKey(domain, selector, pem.decode(), base64.b64encode(public).decode())


def sign(raw: bytes, key: SigningKey, names: list[str], at: float) -> bytes:
    """The DKIM-Signature header (with its CRLF) over the named headers and the body, `c=relaxed/simple`.

    Every name must occur in the mail as often as it is named; a missing one raises LookupError.
    """
    head, _, body = raw.partition(b"\r\n\r\n")
    unsigned = (
        "DKIM-Signature: v=1; a=rsa-sha256; q=dns/txt; c=relaxed/simple;\r\n"
        f"\ts={key.selector}; d={key.domain}; t={int(at)};\r\n"
        f"\th={':'.join(names)};\r\n\tbh={digest(simple_body(body))};\r\n\tb="
    )
    return finish(unsigned, chosen_headers(head, names), key)


def finish(unsigned: str, covered: bytes, key: SigningKey) -> bytes:
    """A signature header whose `b=` is still empty -> the same with the signature over `covered` and itself."""
    private = serialization.load_pem_private_key(key.private_pem.encode(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("a signing key must be an RSA key")
    signed = private.sign(covered + relaxed_header(unsigned.encode()), padding.PKCS1v15(), hashes.SHA256())
    text = base64.b64encode(signed).decode()
    folded = "\r\n\t ".join(text[start : start + 66] for start in range(0, len(text), 66))
    return f"{unsigned}{folded}\r\n".encode()


def chosen_headers(head: bytes, names: list[str]) -> bytes:
    """The named headers, canonical; of several with one name the lowest is taken first (RFC 6376, 5.4.2)."""
    left: dict[str, list[bytes]] = {}
    for field in re.split(rb"\r\n(?![ \t])", head):
        left.setdefault(field.partition(b":")[0].decode().lower(), []).append(field)
    return b"".join(relaxed_header(left[name.lower()].pop()) + b"\r\n" for name in names)


def relaxed_header(field: bytes) -> bytes:
    """RFC 6376, 3.4.2."""
    name, _, value = field.partition(b":")
    value = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" \t")
    return name.strip().lower() + b":" + value


def simple_body(body: bytes) -> bytes:
    """RFC 6376, 3.4.3: empty lines at the end do not count."""
    return re.sub(rb"(\r\n)+\Z", b"", body) + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376, 3.4.4: blanks at line ends and empty lines at the end do not count, blanks inside are one."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def digest(body: bytes) -> str:
    """The body hash of a canonical body."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()
