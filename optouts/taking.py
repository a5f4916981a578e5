"""The body of a mail as it comes over the wire, chunk by chunk, until the lone dot (RFC 5321, 4.5.2 and 4.1.1.4).

A rule: bytes in, bytes out. Only CR LF . CR LF ends a mail, so no line can smuggle a second one in (a bare CR or LF
is refused by whoever reads `refusal`). Memory is bounded by the largest mail: the rest of a larger one is let go.
"""

from typing import Final

END: Final = b"\r\n.\r\n"
LONGEST_LINE: Final = 1000  # with its CRLF; 998 characters by RFC 5322


class Taking:
    """One mail being taken in. Feed it until it returns what came behind its end."""

    def __init__(self, *, largest: int) -> None:
        # The line end of the DATA command counts as the first of the body: an empty mail is just a dot.
        self._taken, self._largest = bytearray(b"\r\n"), largest
        self.is_too_big = False

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return len(self._taken)

    def feed(self, chunk: bytes) -> bytes | None:
        """Take a chunk. None: there is more to come; else what follows the end of the mail, often nothing."""
        searched = max(0, len(self._taken) - len(END) + 1)
        self._taken += chunk
        end = self._taken.find(END, searched)
        if end < 0:
            if len(self._taken) > self._largest + len(END) + 2:
                self._let_go()
            return None
        behind = bytes(self._taken[end + len(END) :])
        del self._taken[end + 2 :]
        if len(self._taken) - 2 > self._largest:
            self._let_go()
        return behind

    def forget(self) -> None:
        """Hold nothing of this mail any longer; its end is still looked for."""
        self._let_go()

    def refusal(self) -> str | None:
        """Why this mail cannot be taken, as an answer; None when it can. Call when it has ended."""
        if self.is_too_big:
            return "552 5.3.4 Too much mail data"
        lines = bytes(self._taken).split(b"\r\n")
        if not len(lines) - 1 == self._taken.count(b"\n") == self._taken.count(b"\r"):
            return (
                "550 5.6.0 Lines must end in CRLF"  # bare ones are how mails are smuggled; no genuine server sends any
            )
        if max(map(len, lines)) > LONGEST_LINE - 1:  # 2 less for the CRLF, 1 more for a dot
            return "500 5.5.2 Line too long"
        return None

    def mail(self) -> bytes:
        """The mail, each line without the dot that protected it. Call when it has ended and is not refused."""
        return bytes(self._taken.replace(b"\r\n.", b"\r\n")[2:])

    def _let_go(self) -> None:
        self.is_too_big = True
        self._largest = 0
        del self._taken[: -len(END) + 1]
