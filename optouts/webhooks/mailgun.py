"""Mailgun's routes with the raw mail: the URL must end in `mime`, then `body-mime` holds the original.

Signed with HMAC-SHA256 over timestamp and token under the account's webhook signing key.
"""

import hmac
import re
from collections.abc import Mapping
from typing import Final

from optouts.models import Notice
from optouts.receiving import with_proper_lines
from optouts.webhooks import Handed, Unusable

FRESH_SECONDS: Final = 300
_TIMESTAMP: Final = re.compile(r"[0-9]{9,12}")
_TOKEN: Final = re.compile(r"[0-9A-Za-z_-]{16,128}")


def is_genuine(fields: Mapping[str, str], *, key: str, now: float) -> bool:
    """Whether Mailgun signed this within five minutes of `now` (seconds since 1970). Says nothing about repeats."""
    timestamp, token, signature = (fields.get(name, "") for name in ("timestamp", "token", "signature"))
    if not _TIMESTAMP.fullmatch(timestamp) or not _TOKEN.fullmatch(token):
        return False
    expected = hmac.new(key.encode(), (timestamp + token).encode(), "sha256").hexdigest()
    signed = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
    return signed and abs(now - int(timestamp)) <= FRESH_SECONDS


def mail_of(fields: Mapping[str, str]) -> Handed:
    """The mail. `fields` were decoded as Latin-1, which keeps every byte. Raises Unusable."""
    if not fields.get("body-mime"):
        raise Unusable("body-mime is missing: the route's URL must end in mime")
    raw = with_proper_lines(fields["body-mime"].encode("latin-1"))
    recipients = tuple(part.strip() for part in fields.get("recipient", "").split(",") if part.strip())
    return Handed(raw, recipients, Notice.Source.MAILGUN)
