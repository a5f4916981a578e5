"""Request a Review: Amazon's own fixed text, by the Solicitations API, once per order."""

from datetime import timedelta
from typing import Final

from amazon.client import AmazonClient
from amazon.errors import (
    AccessDenied,
    AuthorisationLost,
    NotReached,
    RefusalKind,
    Refused as AmazonRefused,
    Throttled,
    Unclear,
)
from messaging.gateways.base import AccountTrouble, Answer, Deferred, Envelope, OutcomeUnknown, Receipt, Refused
from optouts.gate import Clearance

RETRY_AFTER: Final = timedelta(minutes=5)
TOO_EARLY_AFTER: Final = timedelta(hours=12)


class RequestReviewGateway:
    def __init__(self, client: AmazonClient) -> None:
        self._client = client

    def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
        try:
            accepted = self._client.request_review(envelope.amazon_order_id, envelope.marketplace_id)
        except AmazonRefused as no:
            return _refusal(no)
        except Throttled as slow:
            return Deferred("Amazon asks to go slower", slow.retry_after)
        except NotReached:
            return Deferred("Amazon cannot be reached", RETRY_AFTER)
        except AuthorisationLost:
            return AccountTrouble("Amazon no longer accepts the authorisation: connect again", is_revoked=True)
        except AccessDenied:
            return AccountTrouble("Amazon denies access: the authorisation lacks the role for review requests")
        except Unclear as trouble:
            raise OutcomeUnknown(f"Amazon's answer did not arrive ({trouble})") from None
        return Receipt(accepted.request_id)

    def close(self) -> None:
        self._client.close()


def _refusal(no: AmazonRefused) -> Answer:
    if no.kind is RefusalKind.OUTSIDE_WINDOW:
        # Amazon reckons from a delivery date that it does not tell. Too late ends by itself: the message expires.
        return Deferred("Amazon says: outside the 5 to 30 days after delivery", TOO_EARLY_AFTER)
    if no.kind is RefusalKind.ALREADY_REQUESTED:
        return Refused("Amazon has a request for this order already, sent elsewhere")
    return Refused(f"Amazon refused it ({no.code})")
