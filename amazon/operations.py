"""The operations of Amazon's that this product uses, and the usage plan of each.

Place in the flow: a pure table, read by `client` (which operation is this?) and `quotas` (how fast may it be called?).

Source of the figures: the "Usage Plan" table in the description of each operation in Amazon's own models
(orders_2026-01-01, solicitations, messaging, sellers, reports_2021-06-30,
notifications). They are defaults: Amazon may give an account more, and says so
in the header `x-amzn-RateLimit-Limit`.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from amazon.values import OrderMessageKind


class Operation(StrEnum):
    """One of Amazon's operations, named as in Amazon's models."""

    SEARCH_ORDERS = "searchOrders"
    GET_ORDER = "getOrder"
    MARKETPLACE_PARTICIPATIONS = "getMarketplaceParticipations"
    SOLICITATION_ACTIONS = "getSolicitationActionsForOrder"
    REQUEST_REVIEW = "createProductReviewAndSellerFeedbackSolicitation"
    MESSAGING_ACTIONS = "getMessagingActionsForOrder"
    BUYER_ATTRIBUTES = "GetAttributes"
    CONFIRM_CUSTOMISATION = "confirmCustomizationDetails"
    CONFIRM_DELIVERY = "createConfirmDeliveryDetails"
    CONFIRM_ORDER = "createConfirmOrderDetails"
    CONFIRM_SERVICE = "createConfirmServiceDetails"
    UNEXPECTED_PROBLEM = "createUnexpectedProblem"
    CREATE_REPORT = "createReport"
    GET_REPORT = "getReport"
    GET_REPORT_DOCUMENT = "getReportDocument"
    GET_SUBSCRIPTION = "getSubscription"
    CREATE_SUBSCRIPTION = "createSubscription"
    DELETE_SUBSCRIPTION = "deleteSubscriptionById"
    GET_DESTINATIONS = "getDestinations"
    CREATE_DESTINATION = "createDestination"


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
    Operation.CONFIRM_CUSTOMISATION: Plan(rate=1, burst=5),
    Operation.CONFIRM_DELIVERY: Plan(rate=1, burst=5),
    Operation.CONFIRM_ORDER: Plan(rate=1, burst=5),
    Operation.CONFIRM_SERVICE: Plan(rate=1, burst=5),
    Operation.UNEXPECTED_PROBLEM: Plan(rate=1, burst=5),
    Operation.CREATE_REPORT: Plan(rate=0.0167, burst=15),
    Operation.GET_REPORT: Plan(rate=2, burst=15),
    Operation.GET_REPORT_DOCUMENT: Plan(rate=0.0167, burst=15),
    Operation.GET_SUBSCRIPTION: Plan(rate=1, burst=5),
    Operation.CREATE_SUBSCRIPTION: Plan(rate=1, burst=5),
    Operation.DELETE_SUBSCRIPTION: Plan(rate=1, burst=5),
    Operation.GET_DESTINATIONS: Plan(rate=1, burst=5),
    Operation.CREATE_DESTINATION: Plan(rate=1, burst=5),
}

ORDER_MESSAGES: dict[OrderMessageKind, Operation] = {
    OrderMessageKind.CUSTOMISATION: Operation.CONFIRM_CUSTOMISATION,
    OrderMessageKind.DELIVERY: Operation.CONFIRM_DELIVERY,
    OrderMessageKind.ORDER: Operation.CONFIRM_ORDER,
    OrderMessageKind.SERVICE: Operation.CONFIRM_SERVICE,
    OrderMessageKind.PROBLEM: Operation.UNEXPECTED_PROBLEM,
}
"""The operation that sends an order message of each kind."""

# The status by which Amazon's model says yes: 201 to a POST and 200 to the others, but for these.
_YES: dict[Operation, int] = {
    Operation.CREATE_REPORT: 202,
    Operation.CREATE_SUBSCRIPTION: 200,
    Operation.CREATE_DESTINATION: 200,
}


def yes_of(operation: Operation, method: str) -> int:
    """The one status that counts as a success."""
    return _YES.get(operation, 201 if method == "POST" else 200)
