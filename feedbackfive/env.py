"""Strict readers of the environment: a missing, wrong or mistyped setting stops the start with its name.

Every variable begins with FEEDBACKFIVE_. A reader without a default makes the variable compulsory. At the end of
the settings `refuse_unknown` looks for variables with our prefix that nobody read: nearly always a typing error.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

PREFIX = "FEEDBACKFIVE_"


class Environment:
    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables
        self._known: set[str] = set()

    def text(self, name: str, default: str | None = None) -> str:
        self._known.add(PREFIX + name)
        value = self._variables.get(PREFIX + name, "").strip()
        if value:
            return value
        if default is None:
            raise ImproperlyConfigured(f"{PREFIX}{name} is not set.")
        return default

    def secret(self, name: str) -> str:
        """At least 32 characters, and not the same one over and over."""
        value = self.text(name)
        if len(value) < 32 or len(set(value)) < 8:
            raise ImproperlyConfigured(f"{PREFIX}{name} is too short or too simple: use 50 random characters.")
        return value

    def keys(self, name: str) -> list[bytes]:
        """Comma-separated base64 keys of 32 bytes, the one in use first. The text of a key is kept as it was."""
        keys = [key.strip().encode() for key in self.text(name).split(",") if key.strip()]
        for key in keys:
            decode_key(key, PREFIX + name)
        return keys

    def key(self, name: str) -> bytes:
        """One base64 key of 32 bytes, decoded."""
        return decode_key(self.text(name).encode(), PREFIX + name)

    def former_keys(self, name: str) -> dict[int, bytes]:
        """Comma-separated `version:key`, each a base64 key of 32 bytes, decoded, by version. May be empty."""
        former: dict[int, bytes] = {}
        for item in filter(None, (part.strip() for part in self.text(name, "").split(","))):
            version, colon, key = item.partition(":")
            if not colon or not version.isdecimal() or int(version) in former:
                raise ImproperlyConfigured(f"{PREFIX}{name} must be a list of version:key, each version once.")
            former[int(version)] = decode_key(key.encode(), PREFIX + name)
        return former

    def boolean(self, name: str, default: bool) -> bool:
        value = self.text(name, "yes" if default else "no").lower()
        if value not in ("yes", "no", "true", "false", "1", "0"):
            raise ImproperlyConfigured(f"{PREFIX}{name} must be yes or no, not {value!r}.")
        return value in ("yes", "true", "1")

    def choice(self, name: str, default: str, *others: str) -> str:
        value = self.text(name, default).lower()
        if value not in (default, *others):
            raise ImproperlyConfigured(f"{PREFIX}{name} must be {' or '.join((default, *others))}, not {value!r}.")
        return value

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 10**9) -> int:
        value = self.text(name, str(default))
        if not value.removeprefix("-").isdecimal() or not least <= int(value) <= most:
            raise ImproperlyConfigured(f"{PREFIX}{name} must be a whole number from {least} to {most}, not {value!r}.")
        return int(value)

    def url(self, name: str, default: str | None = None, *, schemes: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value and urlsplit(value).scheme not in schemes:
            raise ImproperlyConfigured(f"{PREFIX}{name} must begin with {' or '.join(s + '://' for s in schemes)}.")
        return value

    def smtp(self, name: str) -> SplitResult:
        """smtp://[user:password@]host:port, or smtps:// or smtp+starttls:// (percent-encoded where needed)."""
        parts = urlsplit(self.url(name, schemes=("smtp", "smtps", "smtp+starttls")))
        if not parts.hostname or not parts.port:
            raise ImproperlyConfigured(f"{PREFIX}{name} must name a host and a port.")
        return parts

    def refuse_unknown(self) -> None:
        """Raise ImproperlyConfigured for a variable with our prefix that no reader asked for."""
        unknown = sorted(name for name in self._variables if name.startswith(PREFIX) and name not in self._known)
        if unknown:
            raise ImproperlyConfigured(f"Unknown settings (a typing error?): {', '.join(unknown)}.")


def decode_key(key: bytes, name: str) -> bytes:
    try:
        decoded = base64.b64decode(key, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != 32:
        raise ImproperlyConfigured(f"{name} must hold 32 bytes in base64.")
    return decoded
