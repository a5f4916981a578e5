"""Mail providers hand their mails over by HTTP. Each module is a rule: request in, `Handed` out, or nothing.

Flow: provider -> `views` (the raw body first) -> the provider's module (who says so? which mail, for whom?) ->
`receiving.store` -> 200. None means "not from the provider": 403, without a word more.
"""

from dataclasses import dataclass

from optouts.models import Notice


@dataclass(frozen=True, slots=True)
class Handed:
    """A mail that a provider handed over, byte for byte, and the addresses that it was sent to."""

    raw: bytes
    recipients: tuple[str, ...]
    source: Notice.Source


class Unusable(Exception):
    """The provider is who it says, but there is no mail in it: a setting over there is wrong. The text says which."""
