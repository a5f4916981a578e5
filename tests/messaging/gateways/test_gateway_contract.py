"""The contract of all gateways, held against the simulated Amazon: five answers, no other exception, nothing twice."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from amazon.client import Application, AsyncAmazonClient, Authorisation
from amazon.marketplaces import Region
from amazon.operations import Operation
from amazon.tokens import TokenCache
from amazon.wire import open_many
from messaging.gateways.base import AccountTrouble, Deferred, Envelope, Gateway, OutcomeUnknown, Receipt, Refused
from messaging.gateways.buyer_email import BuyerEmailGateway
from messaging.gateways.request_review import TOO_EARLY_AFTER, RequestReviewGateway
from tests.amazon.harness import Amazon, Json
from tests.amazon.scripted import AUTHORISATION, closed_port, refusal, scripted
from tests.amazon.scripted import Answer as Said
from tests.messaging.gateways.envelopes import ITALY, LOOP, ask, close, envelope, letter

ACTIONS = "getSolicitationActionsForOrder"
REVIEW = "createProductReviewAndSellerFeedbackSolicitation"
BOTH = pytest.mark.parametrize("kind", ["request review", "buyer email"])


@dataclass
class Scene:
    """An account at Amazon with one order, and the two ways to reach its buyer."""

    amazon: Amazon
    account: Json
    order: Json
    throttled: list[Operation] = field(default_factory=list)
    _connections: list[httpx.AsyncClient] = field(default_factory=list)
    _opened: list[Gateway] = field(default_factory=list)

    def gateway(self, kind: str, **application: Any) -> Gateway:
        gateway = self._review(**application) if kind == "request review" else self._email()
        self._opened.append(gateway)
        return gateway

    def _email(self) -> Gateway:
        relay = urlsplit("smtp://{}:{}".format(*self.amazon.smtp))
        return BuyerEmailGateway(relay, hostname="mail.example.com", timeout=2, verdict_timeout=2)

    def _review(self, **application: Any) -> Gateway:
        given = self.amazon.application
        fields: dict[str, Any] = {
            "client_id": given["client_id"],
            "client_secret": given["client_secret"],
            "application_id": given["application_id"],
            "login_url": f"{self.amazon.base_url}/auth/o2/token",
            "endpoint": self.amazon.base_url,
        }
        authorisation = Authorisation(Region.EU, self.account["refresh_token"])
        ours = Application(**(fields | application))
        connections = open_many(timeout=ours.api_timeout, connect_timeout=ours.connect_timeout, most=2)
        self._connections.append(connections)
        client = AsyncAmazonClient(connections, ours, authorisation, tokens=TokenCache())
        return RequestReviewGateway(client, throttled=self.throttled.append)

    def envelope(self, **changes: Any) -> Envelope:
        order_id = self.order["order_id"]
        ours = {
            "amazon_order_id": order_id,
            "alias": self.order["alias"],
            "sender": self.account["approved_sender"],
            "letter": letter(subject=f"Il tuo ordine {order_id}"),
        }
        return envelope(**(ours | changes))

    def fault(self, kind: str, fault: str, **more: Any) -> None:
        self.amazon.fault("relay" if kind == "buyer email" else REVIEW, fault, **more)

    def receipts(self) -> list[Json]:
        return self.amazon.receipts(self.order["order_id"])

    def close(self) -> None:
        for gateway in self._opened:
            close(gateway)
        for connections in self._connections:
            LOOP.run(connections.aclose())


@pytest.fixture
def scene(amazon: Amazon) -> Iterator[Scene]:
    account = amazon.account(marketplace_ids=[ITALY])
    scene = Scene(amazon, account, amazon.order(account))
    yield scene
    scene.close()


@BOTH
def test_what_amazon_takes_has_a_receipt_and_reaches_the_buyer_once(scene: Scene, kind: str) -> None:
    told = ask(scene.gateway(kind), scene.envelope())
    assert isinstance(told, Receipt) and told.reference
    assert [receipt["outcome"] for receipt in scene.receipts()] == ["delivered"]


def test_the_message_id_leads_back_to_the_row(scene: Scene) -> None:
    given = scene.envelope()
    ask(scene.gateway("buyer email"), given)
    [receipt] = scene.receipts()
    assert receipt["message_id"] == f"<{given.message_id.hex}@mail.example.com>"
    assert receipt["sender"] == given.sender and receipt["subject"] == given.letter.subject  # type: ignore[union-attr]


@BOTH
@pytest.mark.parametrize("fault", ["cut", "cut_after"])
def test_a_cut_that_leaves_nobody_knowing_is_unknown(scene: Scene, kind: str, fault: str) -> None:
    scene.fault(kind, fault)
    told = ask(scene.gateway(kind), scene.envelope())
    assert isinstance(told, OutcomeUnknown) and str(told)
    assert scene.order["alias"] not in str(told)
    assert len(scene.receipts()) == (1 if fault == "cut_after" else 0)


@BOTH
def test_what_amazon_is_never_going_to_take_is_refused(scene: Scene, kind: str) -> None:
    gateway = scene.gateway(kind)
    if kind == "request review":
        ask(gateway, scene.envelope())
        told = ask(gateway, scene.envelope())
        assert told == Refused("Amazon has a request for this order already, sent elsewhere")
        assert len(scene.receipts()) == 1
    else:
        told = ask(gateway, scene.envelope(alias="nobodyatall12@marketplace.amazon.it"))
        assert isinstance(told, Refused) and told.reason.startswith("the mail relay refused it (550): ")
        assert scene.receipts() == []


@BOTH
def test_what_provably_did_not_leave_is_deferred_and_goes_out_later(scene: Scene, kind: str) -> None:
    scene.fault(kind, "throttle" if kind == "request review" else "rcpt451")
    gateway, given = scene.gateway(kind), scene.envelope()
    told = ask(gateway, given)
    assert isinstance(told, Deferred) and (told.after is None or timedelta(0) < told.after <= timedelta(minutes=5))
    assert told.after is None or timedelta(0) < told.after <= timedelta(minutes=5)
    assert scene.receipts() == []
    assert isinstance(ask(gateway, given), Receipt)
    assert len(scene.receipts()) == 1
    assert scene.throttled == ([Operation.REQUEST_REVIEW] if kind == "request review" else [])


@BOTH
def test_what_is_wrong_with_the_account_is_said_as_such(scene: Scene, kind: str) -> None:
    if kind == "request review":
        scene.amazon.do("revocations", selling_partner_id=scene.account["selling_partner_id"])
    else:
        scene.amazon.mailbox(scene.account, approved_senders=["another@example.com"])
    told = ask(scene.gateway(kind), scene.envelope())
    assert isinstance(told, AccountTrouble) and told.is_revoked is (kind == "request review")
    assert scene.receipts() == []


@BOTH
def test_a_gateway_may_be_closed_twice_and_without_use(scene: Scene, kind: str) -> None:
    gateway = scene.gateway(kind)
    close(gateway)
    close(gateway)


@pytest.mark.parametrize("fault", ["html503", "forbidden"])
def test_an_answer_that_is_not_amazons_own_is_unknown(scene: Scene, fault: str) -> None:
    scene.fault("request review", fault)
    assert isinstance(ask(scene.gateway("request review"), scene.envelope()), OutcomeUnknown)
    assert scene.receipts() == []


def test_an_answer_that_comes_too_late_is_unknown(scene: Scene) -> None:
    scene.fault("request review", "slow", seconds=1)
    gateway = scene.gateway("request review", api_timeout=timedelta(seconds=0.3))
    assert isinstance(ask(gateway, scene.envelope()), OutcomeUnknown)
    scene.amazon.wait_for(scene.receipts)  # it was made, only later: to repeat it would have been wrong


@pytest.mark.parametrize("fault", ["html503", "cut"])
def test_trouble_at_login_defers(scene: Scene, fault: str) -> None:
    scene.amazon.fault("token", fault)
    assert isinstance(ask(scene.gateway("request review"), scene.envelope()), Deferred)
    assert scene.amazon.calls(REVIEW) == []


def test_an_amazon_that_is_away_defers(scene: Scene) -> None:
    gateway = scene.gateway("request review", endpoint=closed_port())
    assert isinstance(ask(gateway, scene.envelope()), Deferred)


@pytest.mark.parametrize("days", [1, 60])
def test_outside_of_amazons_window_is_tried_again_until_the_message_expires(scene: Scene, days: int) -> None:
    delivered = datetime.now(UTC) - timedelta(days=days)
    scene.order = scene.amazon.order(scene.account, deliver_by=[delivered, delivered])
    told = ask(scene.gateway("request review"), scene.envelope())
    assert isinstance(told, Deferred) and told.after == TOO_EARLY_AFTER


@pytest.mark.parametrize("order_id", ["", "171-1234567", "S01-1234567-1234567", "../../x", "171-1234567-1234567\n"])
def test_what_is_no_order_number_is_refused_without_a_call(scene: Scene, order_id: str) -> None:
    told = ask(scene.gateway("request review"), scene.envelope(amazon_order_id=order_id))
    assert isinstance(told, Refused) and scene.amazon.calls(REVIEW) == []


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Said(201), Receipt),
        (Said(201, headers={"x-amzn-RequestId": "r" * 900}), Receipt),
        (Said(201, headers={}), OutcomeUnknown),
        (Said(200), OutcomeUnknown),
        (Said(201, b"no json"), OutcomeUnknown),
        (Said(201, {"errors": [{"code": "Odd"}]}), OutcomeUnknown),
        (Said(500, {"errors": [{"code": "InternalFailure", "message": "x"}]}), OutcomeUnknown),
        (Said(302, headers={"location": "https://elsewhere.example", "x-amzn-RequestId": "r"}), OutcomeUnknown),
        (Said(429), Deferred),
        (refusal(403, "Unauthorized", "Access to requested resource is denied."), AccountTrouble),
        (refusal(403, "Unauthorized", "You can't use this feature outside the 5-30 day range"), Deferred),
        (refusal(400, "Odd\0" + "x" * 900, "nobody has seen this yet"), Refused),
        (refusal(404, "NotFound", "x"), Refused),
    ],
)
def test_every_answer_to_a_request_has_its_meaning_and_can_be_stored(said: Said, kind: type) -> None:
    with scripted(said) as server:
        ours = server.application()
        connections = open_many(timeout=ours.api_timeout, connect_timeout=ours.connect_timeout, most=2)
        client = AsyncAmazonClient(connections, ours, AUTHORISATION, tokens=TokenCache())
        told = ask(RequestReviewGateway(client, throttled=lambda operation: None), envelope())
        LOOP.run(connections.aclose())
    assert type(told) is kind, told
    text = str(getattr(told, "reference", "") or getattr(told, "reason", "") or told)
    assert 0 < len(text) <= 200 and text.isprintable()
    assert all(call.body == b"" for call in server.calls)


# --- Where something was tried for this order before ---


def requests(scene: Scene) -> tuple[int, int]:
    """How often Amazon was asked what it offers for an order, and how often for a review."""
    return len(scene.amazon.calls(ACTIONS)), len(scene.amazon.calls(REVIEW))


def test_a_request_in_doubt_asks_amazon_first_and_is_not_made_where_amazon_has_one(scene: Scene) -> None:
    gateway = scene.gateway("request review")
    ask(gateway, scene.envelope())
    before = requests(scene)
    told = ask(gateway, scene.envelope(is_in_doubt=True))
    assert isinstance(told, Deferred) and told.reason == "Amazon offers no request for this order now"
    assert requests(scene) == (before[0] + 1, before[1]) and len(scene.receipts()) == 1


def test_a_request_in_doubt_is_made_where_amazon_still_offers_it(scene: Scene) -> None:
    assert isinstance(ask(scene.gateway("request review"), scene.envelope(is_in_doubt=True)), Receipt)
    assert requests(scene) == (1, 1)


def test_without_doubt_no_question_is_asked(scene: Scene) -> None:
    ask(scene.gateway("request review"), scene.envelope())
    assert requests(scene) == (0, 1)


def test_a_question_that_amazon_does_not_answer_makes_no_request(scene: Scene) -> None:
    scene.amazon.fault(ACTIONS, "html503")
    told = ask(scene.gateway("request review"), scene.envelope(is_in_doubt=True))
    assert isinstance(told, Deferred) and requests(scene)[1] == 0 and scene.receipts() == []


def test_without_leave_for_the_question_the_request_waits(scene: Scene) -> None:
    gateway = scene.gateway("request review")
    assert isinstance(gateway, RequestReviewGateway)
    gateway._may_ask = lambda: False
    assert isinstance(ask(gateway, scene.envelope(is_in_doubt=True)), Deferred)
    assert requests(scene) == (0, 0)
