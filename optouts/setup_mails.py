"""Mails by which a provider asks whether a mailbox may forward to us: a rule.

Flow: unwrapping -> parsing -> [setup_mails]. Recognised by sender and link, for the subject comes in every language and
since 2026 without its code (INBOUND.md 2.3). The link is shown to the seller and never followed by us: whoever knows an
inbound address could otherwise have us approve his own forwarding.
"""

import re
from dataclasses import dataclass

from optouts.wording import Text, normalise

SENDERS: frozenset[str] = frozenset({"forwarding-noreply@google.com", "forwarding-noreply@googlemail.com"})

# `/mail/vf-` confirms; `/mail/uf-`, one letter away, cancels.
_LINK = re.compile(r"https://(?:mail-settings|mail)\.google\.com/mail/vf-[A-Za-z0-9%._~-]{8,600}")
_SUBJECT_CODE = re.compile(r"\(#([0-9]{6,12})\)")
_BODY_CODE = re.compile(r"confirmation code ?: ?([0-9]{6,12})(?![0-9])")
_ADDRESS = re.compile(r"(?<![a-z0-9._+-])[a-z0-9._+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,5}")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the seller needs to confirm his forwarding. Each may be missing; show the link only when DKIM passed."""

    link: str | None = None
    code: str | None = None
    mailbox: str | None = None


def is_setup_sender(address: str) -> bool:
    """Whether mail from `address` is a provider's question, if its signature proves the sender."""
    return address in SENDERS


def find_confirmation(subject: str, texts: tuple[Text, ...]) -> Confirmation:
    """Return link, code and asking mailbox, as far as they are there."""
    plain = normalise(subject)
    flats = [text.flat() for text in texts]
    links = (_LINK.fullmatch(link) for text in texts for link in text.links)
    link = next((match[0] for match in links if match), None)
    codes = [_SUBJECT_CODE.search(plain), *(_BODY_CODE.search(flat) for flat in flats)]
    mailboxes = [_ADDRESS.search(plain), *(_ADDRESS.search(flat) for flat in flats)]
    return Confirmation(
        link=link,
        code=next((match[1] for match in codes if match), None),
        mailbox=next((match[0] for match in mailboxes if match), None),
    )
