"""How much one mail may ask of the DNS: a rule, around whichever resolver is handed in.

Flow: examination wraps its resolver -> [patience] -> authenticity and arc. Strangers choose the signatures of a mail,
of every original attached to it, and the name servers that answer for them: without a bound, one mail of fifty
originals asks hundreds of slow names, and its reader is killed before it has read the next one.
"""

import time
from collections.abc import Callable
from typing import Final

from optouts.authenticity import DnsTrouble, Resolver

MOST_NAMES: Final = 20  # an honest mail of many forwarded notices has a handful: Amazon's, and its forwarders'
MOST_SECONDS: Final = 5.0  # of waiting, after which nothing new is asked


class Patience:
    """A resolver for one mail and all that is attached to it: each name once, few names, little waiting.

    Beyond a bound it raises DnsTrouble, as a silent name server does: the mail is undecided and will be examined again.
    """

    def __init__(self, resolver: Resolver, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._resolver, self._monotonic = resolver, monotonic
        self._answers: dict[str, bytes | None | DnsTrouble] = {}
        self._waited = 0.0

    def txt(self, name: str, /) -> bytes | None:
        """Return what the resolver returns or has returned, or raise what it raises or has raised."""
        if name not in self._answers:
            self._answers[name] = self._ask(name)
        answer = self._answers[name]
        if isinstance(answer, DnsTrouble):
            raise DnsTrouble(*answer.args)
        return answer

    def _ask(self, name: str) -> bytes | None | DnsTrouble:
        if len(self._answers) >= MOST_NAMES or self._waited >= MOST_SECONDS:
            return DnsTrouble("this mail has asked enough")
        began = self._monotonic()
        try:
            return self._resolver.txt(name)
        except DnsTrouble as trouble:
            return trouble
        finally:
            self._waited += self._monotonic() - began
