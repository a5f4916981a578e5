"""Amazon SES through SNS: a signed envelope around a notification around the mail.

Whoever publishes to a topic of ours is Amazon or ourselves; whoever posts to this URL may be anybody. So: topic on our
list first (a stranger makes us fetch nothing), then the signature, under the certificate of exactly Amazon's host.
Versions 1 (SHA-1) and 2 (SHA-256) as in "Verifying the signatures of Amazon SNS messages".
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Collection
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from optouts.models import Notice
from optouts.receiving import with_proper_lines
from optouts.webhooks import Handed, Unusable

Fetch = Callable[[str], bytes]
"""Address -> content. Raises OSError when it cannot be had."""

_HOST: Final = re.compile(r"sns\.[a-z]{2}(?:-[a-z]+)+-[0-9]\.amazonaws\.com(?:\.cn)?")
_CERTIFICATE: Final = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]{8,64}\.pem")
_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {"1": hashes.SHA1, "2": hashes.SHA256}  # noqa: S303 Amazon's v1


def envelope_of(body: bytes) -> dict[str, str] | None:
    """The text fields of an SNS envelope; None when it is none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    return {name: value for name, value in said.items() if isinstance(value, str)}


def is_genuine(envelope: dict[str, str], *, topics: Collection[str], fetch: Fetch) -> bool:
    """Whether Amazon signed this for a topic of ours. Raises OSError when the certificate cannot be fetched."""
    signed, algorithm = _SIGNED.get(envelope.get("Type", "")), _HASHES.get(envelope.get("SignatureVersion", ""))
    if envelope.get("TopicArn") not in topics or signed is None or algorithm is None:
        return False
    url = envelope.get("SigningCertURL", "")
    if not _is_amazons(url) or not _CERTIFICATE.fullmatch(urlsplit(url).path):
        return False
    text = "".join(f"{name}\n{envelope[name]}\n" for name in signed if name in envelope)
    try:
        key = x509.load_pem_x509_certificate(fetch(url)).public_key()
        signature = base64.b64decode(envelope.get("Signature", ""), validate=True)
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(signature, text.encode(), padding.PKCS1v15(), algorithm())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def confirmation_of(envelope: dict[str, str]) -> str | None:
    """Where to confirm a subscription, of a genuine envelope; None when it is something else."""
    url = envelope.get("SubscribeURL", "")
    return url if envelope.get("Type") == "SubscriptionConfirmation" and _is_amazons(url) else None


def mail_of(envelope: dict[str, str]) -> Handed | None:
    """The mail of a genuine notification; None when it tells of something else. Raises Unusable."""
    try:
        said: Any = json.loads(envelope.get("Message", ""))
    except (ValueError, RecursionError):
        return None
    if (
        envelope.get("Type") != "Notification"
        or not isinstance(said, dict)
        or said.get("notificationType") != "Received"
    ):
        return None
    receipt, content = said.get("receipt"), said.get("content")
    if not isinstance(receipt, dict) or not isinstance(content, str) or not content:
        raise Unusable("the notification has no content: the rule's action must be SNS, not S3")
    recipients = receipt.get("recipients")
    if not isinstance(recipients, list):
        raise Unusable("the receipt has no recipients")
    action = receipt.get("action")
    is_encoded = isinstance(action, dict) and str(action.get("encoding", "")).upper() == "BASE64"
    addresses = tuple(address for address in recipients if isinstance(address, str))
    return Handed(with_proper_lines(_bytes(content, is_encoded)), addresses, Notice.Source.AMAZON_SES)


def _bytes(content: str, is_encoded: bool) -> bytes:
    if not is_encoded:
        return content.encode("utf-8", "replace")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Unusable("the content is not base64") from None


def _is_amazons(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = parts.scheme == "https" and port is None and "@" not in parts.netloc and not parts.fragment
    return plain and parts.netloc == parts.hostname and _HOST.fullmatch(parts.netloc) is not None
