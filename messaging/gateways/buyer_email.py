"""Buyer-Seller e-mail: SMTP to the buyer's alias at Amazon's relay, from the seller's approved address."""

import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final
from urllib.parse import SplitResult

from amazon.marketplaces import ALIAS_DOMAINS
from messaging.gateways.base import AccountTrouble, Answer, Deferred, Envelope, OutcomeUnknown, Receipt, Refused
from messaging.gateways.enclosing import enclose
from messaging.gateways.mail import Frame, compose, is_address
from messaging.gateways.pool import Pool
from messaging.gateways.room import Room
from messaging.gateways.smtp import Cut, Moment, NotShown, Route, Said
from messaging.letters import Attachment
from optouts.gate import Clearance

# Both far below the lease after which a hand-over counts as unknown. The relay may read a letter before it answers.
TIMEOUT_SECONDS: Final = 15.0
VERDICT_SECONDS: Final = 45.0
OURS: Final = frozenset({530, 534, 535, 538})  # the relay wants a login or encryption: an operator's matter
TOO_LARGE: Final = 552
ENCLOSED_AT_ONCE: Final = 12_000_000  # bytes
PATIENCE_SECONDS: Final = 60.0
TOO_LARGE_AGAIN_AFTER: Final = timedelta(hours=1)
NOT_APPROVED: Final = AccountTrouble("Amazon does not accept the sender address: approve it in Seller Central")


Enclosures = Callable[[Sequence[Attachment]], Awaitable[list[bytes] | None]]
"""The bytes of what goes with a letter, or None: they are not to be had."""


async def _none(attachments: Sequence[Attachment]) -> None:
    return None


class BuyerEmailGateway:
    """For any number of sellers and letters at the same time, over a pool of kept connections to the one relay.

    Documents of at most 12 MB are under way at a time: a letter may have 10 MB, and memory has to stay bounded.
    """

    def __init__(
        self,
        relay: SplitResult,
        *,
        hostname: str,
        timeout: float = TIMEOUT_SECONDS,
        verdict_timeout: float = VERDICT_SECONDS,
        encryption: ssl.SSLContext | None = None,
        enclosures: Enclosures = _none,
    ) -> None:
        self._hostname, self._enclosures, self._room = hostname, enclosures, Room(ENCLOSED_AT_ONCE)
        self._pool = Pool(Route(relay, hostname, timeout, verdict_timeout, encryption or _encryption()))

    async def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
        if not envelope.sender:
            return AccountTrouble("no approved sender address is entered for this marketplace")
        if not is_address(envelope.sender):
            return AccountTrouble("the approved sender address of this marketplace is not a mail address")
        if envelope.letter is None or envelope.alias is None:
            return Refused("the buyer's address at Amazon is not known any more")
        if envelope.alias.rpartition("@")[2] not in ALIAS_DOMAINS:  # exact: a suffix would let strangers in
            return Refused("the buyer's address is not one of Amazon's")
        frame = Frame(envelope.sender, envelope.alias, f"{envelope.message_id.hex}@{self._hostname}", at=clearance.at)
        try:
            mail = compose(envelope.letter, frame)
        except ValueError:  # a line break in a header, an address that is none
            return Refused("the letter cannot be written as a mail")
        if not envelope.letter.attachments:
            return await self._show(frame, mail)
        return await self._with_documents(frame, mail, envelope.letter.attachments)

    async def _with_documents(self, frame: Frame, mail: bytes, attachments: Sequence[Attachment]) -> Answer:
        try:
            async with self._room.of(sum(one.size for one in attachments), patience=PATIENCE_SECONDS):
                contents = await self._enclosures(attachments)
                if contents is None:
                    return Deferred("a document that goes with it is not to be had")
                enclosures = list(zip(attachments, contents, strict=True))
                return await self._show(frame, enclose(mail, enclosures))
        except TimeoutError:  # of the room's: the network's own never leave the pool
            return Deferred("other letters with documents are on their way")

    async def _show(self, frame: Frame, mail: bytes) -> Answer:
        try:
            return _read(await self._pool.deliver(frame.sender, frame.recipient, mail))
        except NotShown as trouble:
            return Deferred(f"the mail relay cannot be reached ({trouble})", is_general=True)
        except Cut as trouble:
            raise OutcomeUnknown(f"the connection broke after the letter was shown ({trouble})") from None

    async def close(self) -> None:
        await self._pool.close()


def _encryption() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _read(said: Said) -> Answer:
    """What the relay's words mean. Raises OutcomeUnknown where the letter was shown and the words mean nothing."""
    is_no = said.code >= 500
    match said.moment:
        case Moment.SIZE:
            return Deferred("with its documents it is larger than Amazon's relay takes", TOO_LARGE_AGAIN_AFTER)
        case Moment.SENDER:
            # The relay has heard of nothing but the sender: its "no" would meet every letter of his.
            return NOT_APPROVED if is_no and said.code not in OURS and said.code != TOO_LARGE else _no(said)
        case Moment.RECIPIENT:
            return NOT_APPROVED if is_no and "5.7.1" in said.text else _no(said)
        case Moment.LETTER:
            return _no(said)
        case Moment.VERDICT if said.is_yes:
            return Receipt(_words(said)[:200])
    if not 400 <= said.code < 600:
        raise OutcomeUnknown(f"the mail relay gave an answer that nobody understands ({said.code})")
    if is_no and "5.7.1" in said.text and "sender" in said.text:  # not only this letter's content
        return NOT_APPROVED
    return _no(said)


def _no(said: Said) -> Answer:
    """Any answer but "yes", given while nothing has been taken."""
    if said.code < 500 or said.code in OURS:
        return Deferred(f"the mail relay asks to wait ({said.code})")
    return Refused(f"the mail relay refused it ({said.code}): {_words(said)}"[:200])


def _words(said: Said) -> str:
    """The relay's words, printable and without addresses: they are kept and shown."""
    words = said.text
    if not words.isprintable():
        words = "".join(letter if letter.isprintable() else " " for letter in words)
    return re.sub(r"\S+@\S+", "...", words) if "@" in words else words
