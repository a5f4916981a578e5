"""What can go wrong when we talk to Amazon, in our words.

Place in the flow: raised by `client`, `tokens` and `login`, caught by gateways and by the order sync. The question that
every caller has is "did it happen?", so the classes are cut along its answers:

- `Refused`, `AccessDenied`, `Throttled`: Amazon itself said no, or not now. It did not happen.
- `NotReached`, `ApplicationRejected`, `AuthorisationLost`: nothing arrived at the operation. It did not happen.
- `Unclear`: everything else. It may have happened: a message is never sent again because of it.

No exception shows a token, an address with a query, or a body, in `str`, in `repr` or in a chained exception. Each can
be pickled, because Celery pickles what a task raises.
"""

import hashlib
import re
from datetime import timedelta
from enum import StrEnum


class AmazonError(Exception):
    """Base of all errors of this package that are about Amazon."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class RefusalKind(StrEnum):
    """What a "no" of Amazon's is about. The status and the code are the same for all: only the message tells."""

    ALREADY_REQUESTED = "Amazon does not offer a review request for this order (any more)"
    OUTSIDE_WINDOW = "outside the 5 to 30 days after delivery"
    NOT_AVAILABLE_TEMPLATE = "Amazon does not offer this kind of message for this order"
    ACCESS = "Amazon denies access: the token, the authorisation or a role of the application"
    OTHER = "Amazon gave another reason"


# Matched against the message in lower case with everything but letters, digits and hyphens made one blank: Amazon's
# apostrophes have been seen broken in more than one way. No pattern can backtrack.
_REFUSALS: tuple[tuple[RefusalKind, re.Pattern[str]], ...] = (
    (RefusalKind.ALREADY_REQUESTED, re.compile(r"requested solicitation is not available")),
    (RefusalKind.OUTSIDE_WINDOW, re.compile(r"outside the 5-30 day|day range after the order delivery")),
    (RefusalKind.NOT_AVAILABLE_TEMPLATE, re.compile(r"template combination")),
    (
        RefusalKind.ACCESS,
        re.compile(
            r"access to (?:the )?requested resource is denied|access denied|access token|not authorized to access"
            r"|security token|missing authentication token|does not have permission|missing role"
        ),
    ),
)


def read_refusal(message: str) -> RefusalKind:
    """Tell from Amazon's message what a refusal is about.

    A message that nobody has seen yet is `OTHER`: it stops the one thing that was asked, not the whole account.
    """
    plain = re.sub(r"[^a-z0-9-]+", " ", message[:2000].lower())
    return next((kind for kind, pattern in _REFUSALS if pattern.search(plain)), RefusalKind.OTHER)


class _Said(AmazonError):
    """An answer in Amazon's own form: a request id and a list of errors, of which the first is kept."""

    def __init__(self, status: int, code: str, message: str, request_id: str = "") -> None:
        super().__init__(status, code, message, request_id)
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id

    @property
    def kind(self) -> RefusalKind:
        """What the refusal is about."""
        return read_refusal(self.message)

    def __str__(self) -> str:
        # The message stays out: Amazon may quote in it what it was sent.
        return f"{self.status} {self.code} [{self.kind.name}] request {self.request_id}"


class Refused(_Said):
    """Amazon said no to this request, for a reason that lies in the request. It did not happen; asking again is useless
    until the order, or the request, has changed."""


class AccessDenied(_Said):
    """Amazon does not let this application, or this seller's authorisation, do this at all. It did not happen, and the
    account's other requests will fail as well."""


class Throttled(AmazonError):
    """Amazon said: not now (429). It did not happen. `retry_after` is the time in which one call comes in; `rate` is
    Amazon's own figure in calls a second where it gave one."""

    def __init__(self, retry_after: timedelta, rate: float | None = None) -> None:
        super().__init__(retry_after, rate)
        self.retry_after = retry_after
        self.rate = rate

    def __str__(self) -> str:
        return f"try again after {self.retry_after.total_seconds():g} s"


class _Because(AmazonError):
    """A trouble with a short reason of ours, which never quotes what went over the wire."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class NotReached(_Because):
    """Provably nothing arrived: no connection, or no access token to ask with. It did not happen; try later."""


class ApplicationRejected(NotReached):
    """Login with Amazon does not accept our own client id, secret or request. Nothing was sent for any seller. It is an
    operator's matter (a rotated secret), so it counts as `NotReached` for those who only wait."""


class Unclear(_Because):
    """Nobody knows: a time-out or a cut after sending, a 5xx, an answer that is not in Amazon's form, a success with
    another status than the model's. It may have happened."""


class AuthorisationLost(_Because):
    """The seller's authorisation is gone (revoked, or a year old), or a consent code was used, wrong or too old.
    Nothing was sent. `reason` is the code of Login with Amazon; `mark` tells which refresh token it was (`mark_of`), so
    that an answer which comes late is not taken for one about a token that has been given since."""

    def __init__(self, reason: str, mark: str = "") -> None:
        super().__init__(reason)
        self.mark = mark


def mark_of(refresh_token: str) -> str:
    """By this two tokens can be told apart, and neither can be had from it."""
    return hashlib.sha256(refresh_token.encode()).hexdigest()[:32]
