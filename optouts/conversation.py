"""What is said on one connection, by RFC 5321 (or LMTP, RFC 2033): bytes in, answers and mails out.

A rule: no socket, no clock, no rows. Flow: `listener` hands it what it hears, writes what it answers, and does what it
asks for: store a mail, begin TLS, hang up. It tells nothing: an address that does not exist is answered like one that
does, and VRFY, EXPN, AUTH and HELP always alike. The limits are those of `INBOUND.md` 7.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from optouts.taking import Taking

LARGEST: Final = 1_048_576  # bytes; genuine notices have 7 to 100 KB
LONGEST_COMMAND: Final = 512  # bytes with its line end (RFC 5321, 4.5.3.1.4)
MOST_RECIPIENTS: Final = 10
MOST_COMMANDS: Final = {"MAIL": 50, "DATA": 50, "RCPT": 200, "*": 50}  # of each kind, per connection
MOST_UNKNOWN: Final = 5  # commands that are none
OK: Final = "250 2.0.0 OK"
NO_ROOM: Final = "452 4.3.1 No room at the moment, please try again later"
TOO_LONG: Final = "500 5.5.2 Line too long"
NOT_NOW: Final = "503 5.5.1 Bad sequence of commands"
UNKNOWN_PARAMETERS: Final = "555 5.5.4 Parameters not recognised"
# A path with its parameters. The three alternatives inside exclude one another, so it takes linear time.
PATH: Final = re.compile(r'<((?:"(?:[^"\\]|\\.)*"|[^<>\s"])*)>(?: +(.*))?|([^<>\s]+)(?: +(.*))?')
WORDS: Final = {"FROM": re.compile(r"FROM: *", re.IGNORECASE), "TO": re.compile(r"TO: *", re.IGNORECASE)}


@dataclass(frozen=True, slots=True)
class Mail:
    """A whole mail, which waits for its answer: see `Conversation.answer`."""

    recipients: tuple[str, ...]
    content: bytes


class Wish(Enum):
    """What only the listener can do."""

    BEGIN_TLS = auto()
    HANG_UP = auto()


class Conversation:
    """One connection's talk. `is_ours` says whether an address could be one of ours; `is_local`: LMTP."""

    def __init__(
        self, *, hostname: str, is_ours: Callable[[str], bool], offers_tls: bool = False, is_local: bool = False
    ) -> None:
        self._hostname, self._is_ours = hostname, is_ours
        self._offers_tls, self._is_local = offers_tls, is_local
        self._heard = bytearray()
        self._said: list[str] = [f"220 {hostname} FeedbackFive"]
        self._counts: Counter[str] = Counter()
        self._is_skipping = False  # the rest of a line that was too long already
        self._wish: Wish | None = None
        self._taking: Taking | None = None
        self._is_full = False
        self._mail: Mail | None = None
        self._knows_parameters = False  # it greeted by EHLO or LHLO
        self._greeted = self._has_sender = self._is_inside = False
        self._recipients: list[str] = []
        self.turns = 0  # commands that were understood, and mails; whoever only sends noise gets no more time

    @property
    def is_in_mail(self) -> bool:
        """Whether a mail is being taken in."""
        return self._taking is not None

    @property
    def held(self) -> int:
        """Bytes of the mail that is being taken in."""
        return self._taking.held if self._taking else 0

    @property
    def waiting(self) -> int:
        """Bytes that were heard and not dealt with yet."""
        return len(self._heard)

    def hear(self, chunk: bytes) -> None:
        """Take in what has come over the wire; `go_on` deals with it."""
        self._heard += chunk

    def said(self) -> bytes:
        """The answers since the last call, to be written as they are; empty when there are none."""
        lines, self._said = self._said, []
        return "".join(f"{line}\r\n" for line in lines).encode("ascii") if lines else b""

    def go_on(self) -> Mail | Wish | None:
        """Deal with what was heard, up to where somebody else has to act; None: up to its end.

        After a mail nothing goes on before `answer`; after a wish to begin TLS, before `begin_anew`.
        """
        while self._mail is None and self._wish is None:
            if self._taking is not None:
                if not self._take():
                    return None
            elif (line := self._line()) is not None:
                self._obey(line)
            else:
                return None
        return self._mail or self._wish

    def let_go(self) -> None:
        """There is no room for the mail that is being taken in: its end is awaited, nothing of it is kept."""
        if self._taking is not None:
            self._is_full = True
            self._taking.forget()

    def answer(self, said: str) -> None:
        """Answer the mail that `go_on` returned; LMTP has an answer for each recipient."""
        assert self._mail is not None
        self._say_of_mail(said, len(self._mail.recipients))
        self._mail = None

    def begin_anew(self) -> None:
        """TLS is on: what was said in the clear, and what a stranger may have added to it, is forgotten."""
        self._heard.clear()
        self._said.clear()
        self._offers_tls = self._greeted = self._knows_parameters = False
        self._is_inside, self._wish = True, None
        self._forget_envelope()

    # --- Lines and mails ---

    def _line(self) -> bytes | None:
        """The next line, without its end; None when there is none. One that is too long is answered and skipped."""
        while True:
            end = self._heard.find(b"\n")
            if end < 0:
                if len(self._heard) > LONGEST_COMMAND:
                    self._is_skipping = True
                    self._heard.clear()
                return None
            line = bytes(self._heard[:end])
            del self._heard[: end + 1]
            if not self._is_skipping and end < LONGEST_COMMAND:
                return line.rstrip(b"\r")
            self._is_skipping = False
            self._say(TOO_LONG)

    def _take(self) -> bool:
        """Go on with a mail; False: there is more to come."""
        assert self._taking is not None
        chunk = bytes(self._heard)
        self._heard.clear()
        behind = self._taking.feed(chunk)
        if behind is None:
            return False
        self._heard += behind  # the next commands
        taking, recipients, self._taking = self._taking, tuple(self._recipients), None
        self.turns += 1
        self._forget_envelope()
        if refusal := NO_ROOM if self._is_full else taking.refusal():
            self._say_of_mail(refusal, len(recipients))
        else:
            self._mail = Mail(recipients, taking.mail())
        self._is_full = False
        return True

    def _say_of_mail(self, said: str, recipients: int) -> None:
        self._said += [said] * (recipients if self._is_local else 1)

    def _say(self, line: str) -> None:
        self._said.append(line)

    def _forget_envelope(self) -> None:
        self._has_sender = False
        self._recipients = []

    # --- Commands ---

    def _obey(self, line: bytes) -> None:
        try:
            verb, _, argument = line.decode("ascii").partition(" ")
        except UnicodeDecodeError:
            self._not_understood("500 5.5.2 Only ASCII is understood")
            return
        verb, argument = verb.upper(), argument.strip()
        method = COMMANDS.get(verb)
        if method is None:
            self._not_understood("500 5.5.1 Command not recognised")
            return
        self._counts[verb] += 1
        if self._counts[verb] > MOST_COMMANDS.get(verb, MOST_COMMANDS["*"]):
            self._say(f"421 4.7.0 {verb} sent too many times")
            self._wish = Wish.HANG_UP
            return
        self.turns += 1
        method(self, argument)

    def _not_understood(self, said: str) -> None:
        self._counts[""] += 1
        if self._counts[""] >= MOST_UNKNOWN:
            self._say("502 5.5.1 Too many commands that are none, goodbye")
            self._wish = Wish.HANG_UP
            return
        self._say(said)

    def _helo(self, name: str) -> None:
        if self._is_local:
            self._say("500 5.5.1 Say LHLO")
        elif self._has_greeted(name):
            self._say(f"250 {self._hostname}")

    def _ehlo(self, name: str) -> None:
        if self._is_local:
            self._say("500 5.5.1 Say LHLO")
        else:
            self._offer(name)

    def _lhlo(self, name: str) -> None:
        if self._is_local:
            self._offer(name)
        else:
            self._say("500 5.5.1 Say EHLO")

    def _offer(self, name: str) -> None:
        if not self._has_greeted(name):
            return
        self._knows_parameters = True
        offered = [self._hostname, f"SIZE {LARGEST}", "8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING"]
        if self._offers_tls:
            offered.append("STARTTLS")
        self._said += [f"250-{line}" for line in offered] + ["250 HELP"]

    def _has_greeted(self, name: str) -> bool:
        self._forget_envelope()
        self._greeted, self._knows_parameters = bool(name) or self._greeted, False
        if not name:
            self._say("501 5.5.4 Your name is missing")
        return bool(name)

    def _mail_from(self, argument: str) -> None:
        if not self._greeted or self._has_sender:
            self._say(NOT_NOW)
            return
        found = _path(argument, "FROM")
        if found is None:
            self._say("501 5.5.4 Syntax: MAIL FROM:<address>")
            return
        # The sender's address is read by nobody: every envelope can be forged, and we never answer by mail.
        refusal = self._objection(found[1])
        if refusal is None:
            self._has_sender = True
        self._say(refusal or OK)

    def _objection(self, parameters: str) -> str | None:
        """What is wrong with MAIL's parameters."""
        if parameters and not self._knows_parameters:
            return UNKNOWN_PARAMETERS
        for parameter in parameters.upper().split():
            name, _, value = parameter.partition("=")
            if name == "SIZE" and value.isdecimal() and len(value) <= 20:
                if int(value) > LARGEST:
                    return "552 5.3.4 Too much mail data"
            elif name != "BODY" or value not in ("7BIT", "8BITMIME"):
                return UNKNOWN_PARAMETERS
        return None

    def _rcpt_to(self, argument: str) -> None:
        if not self._has_sender:
            self._say(NOT_NOW)
            return
        found = _path(argument, "TO")
        if found is None or not found[0]:
            self._say("501 5.5.4 Syntax: RCPT TO:<address>")
        elif found[1]:
            self._say(UNKNOWN_PARAMETERS)
        elif not self._is_ours(found[0]):
            self._say("550 5.1.1 No such address")
        elif len(self._recipients) >= MOST_RECIPIENTS:
            self._say("452 4.5.3 Too many recipients")
        else:
            self._recipients.append(found[0])
            self._say(OK)

    def _data(self, argument: str) -> None:
        if argument:
            self._say("501 5.5.4 Syntax: DATA")
        elif not self._recipients:
            self._say(NOT_NOW)
        else:
            self._taking = Taking(largest=LARGEST)
            self._say("354 End data with <CR><LF>.<CR><LF>")

    def _starttls(self, argument: str) -> None:
        if argument:
            self._say("501 5.5.4 Syntax: STARTTLS")
        elif not self._knows_parameters or self._is_inside:
            self._say(NOT_NOW)
        elif not self._offers_tls:
            self._say("454 4.7.0 TLS is not to be had")
        else:
            self._say("220 2.0.0 Ready to start TLS")
            self._wish = Wish.BEGIN_TLS

    def _noop(self, argument: str) -> None:
        self._say(OK)

    def _rset(self, argument: str) -> None:
        self._forget_envelope()
        self._say(OK)

    def _quit(self, argument: str) -> None:
        self._say("221 2.0.0 Bye")
        self._wish = Wish.HANG_UP

    def _silent(self, argument: str) -> None:
        self._say("502 5.5.1 Not implemented")

    def _help(self, argument: str) -> None:
        self._say("214 2.0.0")


COMMANDS: Final[dict[str, Callable[[Conversation, str], None]]] = {
    "HELO": Conversation._helo,
    "EHLO": Conversation._ehlo,
    "LHLO": Conversation._lhlo,
    "MAIL": Conversation._mail_from,
    "RCPT": Conversation._rcpt_to,
    "DATA": Conversation._data,
    "RSET": Conversation._rset,
    "NOOP": Conversation._noop,
    "QUIT": Conversation._quit,
    "STARTTLS": Conversation._starttls,
    "VRFY": Conversation._silent,
    "EXPN": Conversation._silent,
    "AUTH": Conversation._silent,
    "HELP": Conversation._help,
}


def _path(argument: str, word: str) -> tuple[str, str] | None:
    """The address and the parameters of MAIL or RCPT; None when they cannot be read."""
    begins = WORDS[word].match(argument)
    found = PATH.fullmatch(argument, begins.end()) if begins else None
    if found is None:
        return None
    if found[1] is not None:
        return found[1], found[2] or ""
    return found[3], found[4] or ""
