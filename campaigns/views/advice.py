"""What the dashboard says about an account in trouble: what is stopped, what goes on, and what the seller can do."""

from dataclasses import dataclass
from typing import Final

from accounts.health import ROLES, Ability
from accounts.models import AmazonAccount
from messaging.reports import AccountToday
from messaging.troubles import Trouble


@dataclass(frozen=True, slots=True)
class Advice:
    """Of one trouble. `place` is the name of the page where something can be done or seen."""

    text: str
    action: str
    place: str


@dataclass(frozen=True, slots=True)
class Ill:
    """An account that does not send as it should."""

    account: AmazonAccount
    advice: list[Advice]


def about(accounts: list[AccountToday]) -> list[Ill]:
    """The accounts in trouble, with advice for each trouble."""
    return [Ill(one.account, [ADVICE[trouble] for trouble in one.troubles]) for one in accounts if one.troubles]


ADVICE: Final = {
    Trouble.REVOKED: Advice(
        "Amazon no longer accepts our authorisation. Nothing is read or sent for this account. What waits goes out "
        "when you have connected it again, unless Amazon's time for the order is over by then.",
        "Connect it again",
        "settings",
    ),
    Trouble.RESTRICTED: Advice(
        "Amazon has stopped Buyer-Seller e-mail of this account. Letters wait, review requests go on. Read what Amazon "
        "wrote, put it right in Seller Central, then open the account again.",
        "Read it in Settings",
        "settings",
    ),
    Trouble.REFUSALS: Advice(
        "Amazon refused far more letters than usual, so we stopped them before Amazon stops the account. Review "
        "requests go on. See why, change the letter, then open the account again.",
        "Read it in Settings",
        "settings",
    ),
    Trouble.SENDER: Advice(
        "Amazon does not know the sender address that is entered here. Letters wait, review requests go on. Compare it "
        "with the approved senders in Seller Central, letter by letter, and save it again.",
        "Check the sender address",
        "senders",
    ),
    Trouble.NO_ORDERS: Advice(
        f"The authorisation lacks the role “{ROLES[Ability.READ_ORDERS]}”: no new orders are read, so nothing new is "
        "sent; what is scheduled goes on. Add the role in Seller Central and connect again.",
        "Connect it again",
        "settings",
    ),
    Trouble.NO_REQUESTS: Advice(
        f"The authorisation lacks the role “{ROLES[Ability.REQUEST_REVIEWS]}”: no reviews are requested, and what "
        "waits is held. Add the role in Seller Central and connect again.",
        "Connect it again",
        "settings",
    ),
    Trouble.NO_MESSAGES: Advice(
        f"The authorisation lacks the role “{ROLES[Ability.ORDER_MESSAGES]}”: order messages cannot be sent. Add the "
        "role in Seller Central and connect again.",
        "Connect it again",
        "settings",
    ),
    Trouble.PUT_OFF: Advice(
        "Amazon puts messages off again and again. Provably none of these was taken; each is tried again by itself "
        "until Amazon's time for its order is over. If it lasts, see whether another tool asks for reviews for the "
        "same account: Amazon counts both against one quota.",
        "See what waits",
        "scheduling",
    ),
}
