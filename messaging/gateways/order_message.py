"""Order messages: a text of ours about one order, by the Messaging API, of a kind that Amazon offers for it."""

from collections.abc import Callable

from amazon import errors
from amazon.client import AsyncAmazonClient
from amazon.errors import RefusalKind
from amazon.values import OrderMessageKind
from messaging.gateways.api import not_done, refused
from messaging.gateways.base import Answer, Envelope, OutcomeUnknown, Receipt, Refused
from optouts.gate import Clearance


class OrderMessageGateway:
    """For one account. `throttled` is told when Amazon says "slower": somebody else took from this account's quota."""

    def __init__(self, client: AsyncAmazonClient, *, throttled: Callable[[], None]) -> None:
        self._client, self._throttled = client, throttled

    async def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
        if envelope.letter is None:
            return Refused("its text has been erased")
        if envelope.kind not in list(OrderMessageKind):
            return Refused("Amazon has no such kind of order message")
        kind, text = OrderMessageKind(envelope.kind), envelope.letter.text.strip()
        try:
            accepted = await self._client.send_order_message(
                kind, envelope.amazon_order_id, envelope.marketplace_id, text
            )
        except ValueError:  # raised before anything is sent
            return Refused("the order's number is none of Amazon's, or the text is too long")
        except errors.Refused as no:
            return _refusal(no)
        except errors.Unclear as trouble:
            raise OutcomeUnknown(f"Amazon's answer did not arrive ({trouble})") from None
        except errors.AmazonError as trouble:
            if isinstance(trouble, errors.Throttled):
                self._throttled()
            return not_done(trouble, role="order messages")
        return Receipt(accepted.request_id[:200])

    async def close(self) -> None:
        """The connections belong to all accounts: whoever opened them closes them."""


def _refusal(no: errors.Refused) -> Answer:
    if no.kind is RefusalKind.NOT_AVAILABLE_TEMPLATE:
        return Refused("Amazon does not offer this kind of message for the order any more")
    return refused(no)
