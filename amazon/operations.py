"""The operations of Amazon's that this product uses, and the usage plan of each.

Place in the flow: a pure table, read by `client` (which operation is this?) and `quotas` (how fast may it be called?).

Source of the figures: the "Usage Plan" table in the description of each operation in Amazon's own models
(orders_2026-01-01, solicitations, messaging, sellers). They are defaults: Amazon may give an account more, and says so
in the header `x-amzn-RateLimit-Limit`.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Operation(StrEnum):
    """One of Amazon's operations, named as in Amazon's models."""

    SEARCH_ORDERS = "searchOrders"
    GET_ORDER = "getOrder"
    MARKETPLACE_PARTICIPATIONS = "getMarketplaceParticipations"
    SOLICITATION_ACTIONS = "getSolicitationActionsForOrder"
    REQUEST_REVIEW = "createProductReviewAndSellerFeedbackSolicitation"
    MESSAGING_ACTIONS = "getMessagingActionsForOrder"
    BUYER_ATTRIBUTES = "GetAttributes"
    UNEXPECTED_PROBLEM = "createUnexpectedProblem"


@dataclass(frozen=True, slots=True)
class Plan:
    """A token bucket: `rate` calls a second come in, `burst` can be saved up."""

    rate: float
    burst: int

    def interval(self) -> timedelta:
        """The time in which one call comes in."""
        return timedelta(seconds=1 / self.rate)


PLANS: dict[Operation, Plan] = {
    Operation.SEARCH_ORDERS: Plan(rate=0.0056, burst=20),
    Operation.GET_ORDER: Plan(rate=0.5, burst=30),
    Operation.MARKETPLACE_PARTICIPATIONS: Plan(rate=0.016, burst=15),
    Operation.SOLICITATION_ACTIONS: Plan(rate=1, burst=5),
    Operation.REQUEST_REVIEW: Plan(rate=1, burst=5),
    Operation.MESSAGING_ACTIONS: Plan(rate=1, burst=5),
    Operation.BUYER_ATTRIBUTES: Plan(rate=1, burst=5),
    Operation.UNEXPECTED_PROBLEM: Plan(rate=1, burst=5),
}
