"""What became of an order, in one plain sentence: the answer to "Why?". Pure on loaded rows.

Out of the order's messages and follow-ups, both read by `orders`; in between nothing is asked of anybody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from campaigns.eligibility import Reason, Verdict
from campaigns.eligibility.sentences import why_not
from campaigns.models import FollowUp
from messaging.models import Channel, Message, Status
from orders.clocks import spoken

STILL_OPEN: Final = frozenset({Reason.SHIPPED.value, Reason.DELIVERY_KNOWN.value})  # time alone may turn them
NOT_DECIDED: Final = "Not decided yet: orders are planned soon after they have been read."
OPTED_OUT: Final = "the buyer has opted out"
NO_ACTIVE_CAMPAIGN: Final = "no campaign is active"


@dataclass(frozen=True, slots=True)
class Story:
    """`tone` is a badge's (see parts/status.html), `label` for a list, `sentence` for the order's own page."""

    tone: str
    symbol: str
    label: str
    sentence: str
    detail: str = ""  # beside the label in a list
    at: datetime | None = None  # the instant that the sentence names


def tell(marketplace_id: str, messages: Sequence[Message], follow_ups: Sequence[FollowUp]) -> Story:
    """The story of one order. `messages` newest first, `follow_ups` by their campaign's priority, campaign loaded."""
    live = next((message for message in messages if message.status != Status.CANCELLED), None)
    if live is not None:
        return _of_message(live, marketplace_id)
    last = next(iter(messages), None)
    if last is not None and not last.frees_order:
        return _of_cancelled(last)  # by a person: no campaign takes the order again
    refusal = _refusal(follow_ups)
    if refusal is not None:
        return refusal
    return _of_cancelled(last) if last else Story("quiet", "hourglass", "Not decided yet", NOT_DECIDED)


def _of_cancelled(message: Message) -> Story:
    return Story("quiet", "x", "Cancelled", f"Not written to: cancelled. {_reason(message)}".strip(), message.reason)


def _of_message(message: Message, marketplace_id: str) -> Story:
    what = "Request a Review" if message.channel == Channel.REQUEST_REVIEW else f"The letter “{message.title}”"
    due = spoken(message.due_at, marketplace_id)
    settled_at = message.settled_at or message.handed_over_at or message.touched_at
    label, reason = Status(message.status).label, _reason(message)
    match Status(message.status):
        case Status.SCHEDULED:
            later = f" {reason}" if message.attempts else ""
            return Story("wait", "clock", label, f"{what} goes out on {due}.{later}", at=message.due_at)
        case Status.HELD:
            return Story(
                "warn", "player-pause", label, f"Held: {reason} It was due on {due}.", message.reason, message.due_at
            )
        case Status.CLAIMED | Status.SENDING:
            return Story("wait", "send", label, f"{what} is being handed to Amazon at this moment.")
        case Status.SENT:
            sentence = f"Sent on {spoken(settled_at, marketplace_id)}. {_receipt(message)}"
            return Story("good", "check", label, f"{sentence} {reason}".strip(), at=settled_at)
        case Status.BLOCKED:
            handed = message.handed_over_at or settled_at
            sentence = f"Sent on {spoken(handed, marketplace_id)}, and Amazon did not deliver it: {OPTED_OUT}."
            return Story("stop", "hand-stop", "Blocked by Amazon", sentence, OPTED_OUT, handed)
        case Status.UNKNOWN:
            return Story(
                "warn",
                "help-circle",
                label,
                f"We do not know whether it was sent: {reason} It is never sent again by itself.",
                message.reason,
            )
        case Status.REFUSED:
            return Story("bad", "circle-x", label, f"Not sent: {reason}", message.reason)
        case status:
            tone, symbol = ("stop", "hand-stop") if status is Status.SUPPRESSED else ("quiet", "hourglass-empty")
            return Story(tone, symbol, label, f"Not written to: {reason}", message.reason)


def _receipt(message: Message) -> str:
    if not message.receipt:
        return "Amazon gave no receipt."
    if message.channel == Channel.REQUEST_REVIEW:
        return f"Amazon's request id is {message.receipt}."
    return f"Amazon's mail server answered: {message.receipt}."


def _refusal(follow_ups: Sequence[FollowUp]) -> Story | None:
    """Why no campaign writes. None: nothing has said no."""
    if not follow_ups:
        return None
    failed = [(follow_up, [check for check in follow_up.checks if not check["passed"]]) for follow_up in follow_ups]
    active = [(f, checks) for f, checks in failed if Reason.CAMPAIGN_ACTIVE.value not in _reasons(checks)]
    if not active:
        return Story(
            "quiet", "player-pause", "Not written to", f"Not written to: {NO_ACTIVE_CAMPAIGN}.", NO_ACTIVE_CAMPAIGN
        )
    if any(not checks for _, checks in active):
        return None
    # The campaign that came nearest says why: the others ruled themselves out earlier.
    _, checks = min(active, key=lambda pair: len(pair[1]))
    why = why_not(checks)
    if all(reason in STILL_OPEN for reason in _reasons(checks)) or _is_later(active):
        return Story(
            "wait", "hourglass", "Waiting", f"Waiting: {why}. The order is looked at again when that changes.", why
        )
    is_opt_out = Reason.NOT_SUPPRESSED.value in _reasons(checks)
    tone, symbol = ("stop", "hand-stop") if is_opt_out else ("quiet", "circle-minus")
    return Story(tone, symbol, "Not written to", f"Not written to: {why}.", why)


def _is_later(active: Iterable[tuple[FollowUp, list[dict[str, Any]]]]) -> bool:
    return any(follow_up.verdict == Verdict.LATER for follow_up, _ in active)


def _reasons(checks: Iterable[dict[str, Any]]) -> set[str]:
    return {check["reason"] for check in checks}


def _reason(message: Message) -> str:
    """The message's reason as the end of a sentence."""
    return f"{message.reason.rstrip('.')}." if message.reason else ""
