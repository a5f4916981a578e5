"""Every way that leads to a buyer goes through the gate: the code is read, call by call."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from messaging.gateways.base import Gateway
from optouts import gate
from tests.messaging.gateways.envelopes import CLEARANCE

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("feedbackfive", "campaigns", "messaging", "optouts", "orders", "accounts", "amazon")

# Who may make or call what, as "module:function". A new caller has to be written here, and to be thought about.
WAYS = {
    # A clearance is minted by the gate alone, ...
    "Clearance": {"optouts/gate.py:clear", "optouts/gate.py:clear_many", "optouts/gate.py:clear_critical"},
    "clear_many": {"messaging/dispatch.py:_ask_the_gate"},
    "clear_critical": {"messaging/dispatch.py:_ask_the_gate"},  # for what a person wrote for one of Amazon's reasons
    "_ask_the_gate": {"messaging/dispatch.py:take_up"},
    # ... becomes a parcel in the transaction that moves the message, ...
    "Parcel": {"messaging/dispatch.py:take_up"},
    "take_up": {"messaging/dispatch.py:_send_channel", "messaging/engine.py:_take_up"},
    # ... which is handed over in two places, ...
    "hand_over": {"messaging/dispatch.py:all_of_them", "messaging/engine.py:_carry"},
    # ... each by a gateway that asks for the clearance.
    "deliver": {
        "messaging/dispatch.py:hand_over",
        "messaging/doors.py:deliver",
        "messaging/gateways/buyer_email.py:_show",
        "messaging/gateways/pool.py:_through",
    },
    "request_review": {"messaging/gateways/request_review.py:deliver", "amazon/client.py:request_review"},
    "report_unexpected_problem": set(),
    "send_order_message": {"messaging/gateways/order_message.py:deliver"},
    "OrderMessageGateway": {"messaging/doors.py:_gateway_to_amazon"},
    "AsyncAmazonClient": {"messaging/doors.py:_gateway_to_amazon"},
    "BuyerEmailGateway": {"messaging/doors.py:gateway"},
    "RequestReviewGateway": {"messaging/doors.py:_gateway_to_amazon"},
    "Pool": {"messaging/gateways/buyer_email.py:__init__"},
}


def calls(tree: ast.AST, function: str = "") -> Iterator[tuple[str, str]]:
    """What is called, and the function that it is called in."""
    for node in ast.iter_child_nodes(tree):
        inside = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            yield name, inside
        yield from calls(node, inside)


def found() -> dict[str, set[str]]:
    ways: dict[str, set[str]] = {name: set() for name in WAYS}
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            if "simulator" in place or "migrations" in place or "/demo/" in place:
                continue
            for name, function in calls(ast.parse(path.read_text())):
                if name in ways:
                    ways[name].add(f"{place}:{function}")
    return ways


@pytest.mark.parametrize("name", list(WAYS))
def test_only_these_functions_come_near_a_buyer(name: str) -> None:
    assert found()[name] <= WAYS[name], "a way to buyers that nobody has looked at"


def test_the_product_sends_no_mail_to_buyers_by_other_means() -> None:
    for path in (ROOT / "messaging").rglob("*.py"):
        text = path.read_text()
        assert "smtplib" not in text and "EmailMessage(" not in text and "send_mail(" not in text, path


def test_nobody_else_can_make_a_clearance() -> None:
    with pytest.raises(TypeError):
        gate.Clearance(CLEARANCE.buyer, CLEARANCE.at, object())


def test_every_gateway_asks_for_one() -> None:
    assert Gateway.deliver.__annotations__["clearance"] is gate.Clearance
