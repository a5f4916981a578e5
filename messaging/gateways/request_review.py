"""Request a Review: Amazon's own fixed text, by the Solicitations API, once per order."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from amazon import errors
from amazon.client import AmazonClient
from amazon.errors import RefusalKind
from messaging.gateways.base import AccountTrouble, Answer, Deferred, Envelope, OutcomeUnknown, Receipt, Refused
from optouts.gate import Clearance

TOO_EARLY_AFTER: Final = timedelta(hours=12)


class RequestReviewGateway:
    """`throttled` is told when Amazon says "slower": somebody else took from this account's quota."""

    def __init__(self, client: AmazonClient, *, throttled: Callable[[], None]) -> None:
        self._client, self._throttled = client, throttled

    def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
        try:
            accepted = self._client.request_review(envelope.amazon_order_id, envelope.marketplace_id)
        except ValueError:  # raised before anything is sent
            return Refused("the order's number is none of Amazon's")
        except errors.Refused as no:
            return _refusal(no)
        except errors.Throttled as slow:
            self._throttled()
            return Deferred("Amazon asks to go slower", slow.retry_after, is_general=True)
        except errors.NotReached:
            return Deferred("Amazon cannot be reached", is_general=True)
        except errors.AuthorisationLost:
            return AccountTrouble("Amazon no longer accepts the authorisation: connect again", is_revoked=True)
        except errors.AccessDenied:
            return AccountTrouble("Amazon denies access: the authorisation lacks the role for review requests")
        except errors.Unclear as trouble:
            raise OutcomeUnknown(f"Amazon's answer did not arrive ({trouble})") from None
        return Receipt(accepted.request_id[:200])

    def close(self) -> None:
        self._client.close()


def _refusal(no: errors.Refused) -> Answer:
    if no.kind is RefusalKind.OUTSIDE_WINDOW:
        # Amazon reckons from a delivery date that it does not tell. Too late ends by itself: the message expires.
        return Deferred("Amazon says: outside the 5 to 30 days after delivery", TOO_EARLY_AFTER)
    if no.kind is RefusalKind.ALREADY_REQUESTED:
        return Refused("Amazon has a request for this order already, sent elsewhere")
    code = "".join(letter for letter in no.code if letter.isprintable())  # it is kept and shown
    return Refused(f"Amazon refused it ({code[:80]})")
