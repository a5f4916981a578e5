"""Request a Review: Amazon's own fixed text, by the Solicitations API, once per order."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from amazon import errors
from amazon.client import AsyncAmazonClient
from amazon.errors import RefusalKind
from amazon.operations import Operation
from messaging.gateways.api import not_done, refused
from messaging.gateways.base import (
    Answer,
    Deferred,
    Envelope,
    OutcomeUnknown,
    Receipt,
    Refused,
    TooLate,
)
from optouts.gate import Clearance

TOO_EARLY_AFTER: Final = timedelta(hours=12)
ASKED_AFTER: Final = timedelta(seconds=5)
OFFERED_AGAIN_AFTER: Final = timedelta(hours=12)
SURELY_TOO_LATE: Final = timedelta(days=17)  # after delivery: nearer to the end of Amazon's time than to its beginning
REVIEW_REQUEST: Final = "productReviewAndSellerFeedback"


class RequestReviewGateway:
    """For one account. `throttled` is told when Amazon says "slower": somebody else took from this account's quota.

    `may_ask` is leave for one question about an order, for the few of which something was tried before.
    """

    def __init__(
        self,
        client: AsyncAmazonClient,
        *,
        throttled: Callable[[Operation], None],
        may_ask: Callable[[], bool] = lambda: True,
    ) -> None:
        self._client, self._throttled, self._may_ask = client, throttled, may_ask

    async def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
        if envelope.is_in_doubt and (no := await self._not_offered(envelope)) is not None:
            return no
        try:
            accepted = await self._client.request_review(envelope.amazon_order_id, envelope.marketplace_id)
        except ValueError:  # raised before anything is sent
            return Refused("the order's number is none of Amazon's")
        except errors.Refused as no:
            return _refusal(no, envelope, clearance)
        except errors.Unclear as trouble:
            raise OutcomeUnknown(f"Amazon's answer did not arrive ({trouble})") from None
        except errors.AmazonError as trouble:
            return self._not_done(trouble, Operation.REQUEST_REVIEW)
        return Receipt(accepted.request_id[:200])

    async def close(self) -> None:
        """The connections belong to all accounts: whoever opened them closes them."""

    async def _not_offered(self, envelope: Envelope) -> Answer | None:
        """Something was tried for this order before: does Amazon still offer the request? None: it does."""
        if not self._may_ask():
            return Deferred("Amazon is asked about this order first, and its pace says wait", ASKED_AFTER)
        try:
            offered = await self._client.solicitation_actions(envelope.amazon_order_id, envelope.marketplace_id)
        except ValueError:
            return Refused("the order's number is none of Amazon's")
        except (errors.Refused, errors.Unclear):  # a question changes nothing, so nothing is unknown
            return Deferred("Amazon could not say whether a request was made", OFFERED_AGAIN_AFTER)
        except errors.AmazonError as trouble:
            return self._not_done(trouble, Operation.SOLICITATION_ACTIONS)
        if REVIEW_REQUEST in offered:
            return None
        # An empty list is "not now": Amazon has been seen to offer nothing for any order for days.
        return Deferred("Amazon offers no request for this order now", OFFERED_AGAIN_AFTER)

    def _not_done(self, trouble: errors.AmazonError, operation: Operation) -> Answer:
        if isinstance(trouble, errors.Throttled):
            self._throttled(operation)
        return not_done(trouble, role="review requests")


def _refusal(no: errors.Refused, envelope: Envelope, clearance: Clearance) -> Answer:
    if no.kind is RefusalKind.OUTSIDE_WINDOW:
        # Amazon reckons from a delivery date that it does not tell; which end of its time it means, ours tells.
        if envelope.delivered_by is not None and clearance.at - envelope.delivered_by > SURELY_TOO_LATE:
            return TooLate("Amazon says: more than 30 days after delivery")
        return Deferred("Amazon says: outside the 5 to 30 days after delivery", TOO_EARLY_AFTER)
    if no.kind is RefusalKind.ALREADY_REQUESTED:
        return Refused("Amazon has a request for this order already, sent elsewhere")
    return refused(no)
