"""What Amazon's API answers when provably nothing was done, in the words of gateways: for both of its channels."""

from amazon import errors
from messaging.gateways.base import AccountTrouble, Answer, Deferred, Refused


def not_done(trouble: errors.AmazonError, *, role: str) -> Answer:
    """`role` is what the authorisation is for. Not for `Refused` and `Unclear`, which each channel reads by itself."""
    match trouble:
        case errors.Throttled():
            return Deferred("Amazon asks to go slower", trouble.retry_after, is_general=True)
        case errors.AuthorisationLost(mark=mark):
            return AccountTrouble("Amazon no longer accepts the authorisation: connect again", lost=mark)
        case errors.AccessDenied():
            return AccountTrouble(f"Amazon denies access: the authorisation lacks the role for {role}")
    return Deferred("Amazon cannot be reached", is_general=True)


def refused(no: errors.Refused) -> Refused:
    """A "no" that needs no reading. Amazon's code is kept and shown."""
    code = "".join(letter for letter in no.code if letter.isprintable())
    return Refused(f"Amazon refused it ({code[:80]})")
