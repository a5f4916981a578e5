"""The control API: how tests and the demo's seeding set the scene and read what happened. JSON, under `/control/`.

It is no part of Amazon, and stands for what a person would do at Amazon: open an account, place an order, opt out.
"""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from amazon.simulator import accounts, buyers, clock, notices, order_requests, orders, outgoing, queue_api, receipts
from amazon.simulator.faults import Fault
from amazon.simulator.quotas import Plan
from amazon.simulator.simulation import APPLICATION_ID, CLIENT_ID, CLIENT_SECRET, Simulation
from amazon.simulator.web_safety import refuse_other_sites
from amazon.simulator.world import demo, letters

Command = Callable[[Simulation, dict[str, Any]], dict[str, Any]]


def blueprint(simulation: Simulation) -> Blueprint:
    """Reading by GET, changing by POST; a request that makes no sense is answered 400 with the reason."""
    doors = Blueprint("control", __name__, url_prefix="/control")
    for name, read in READS.items():
        doors.add_url_rule(f"/{name}", f"read_{name}", _reader(simulation, read))
    for name, command in COMMANDS.items():
        doors.add_url_rule(f"/{name}", f"do_{name}", _writer(simulation, command), methods=["POST"])
    return doors


def _reader(simulation: Simulation, read: Callable[[Simulation], dict[str, Any]]) -> Callable[[], Response]:
    return lambda: jsonify(read(simulation))


def _writer(simulation: Simulation, command: Command) -> Callable[[], Response]:
    def run() -> Response:
        refuse_other_sites()
        given = request.get_json()
        try:
            return jsonify(command(simulation, given))
        except (ValueError, KeyError, TypeError) as problem:
            response = jsonify({"problem": str(problem)})
            response.status_code = 400
            return response

    return run


def _world(simulation: Simulation) -> dict[str, Any]:
    return {
        "application": {
            "application_id": APPLICATION_ID,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": simulation.store.setting("redirect_uri"),
        },
        "site_url": simulation.site_url,
        "inbound": list(simulation.inbound),
        "accounts": [account.as_json() for account in accounts.all_accounts(simulation.store)],
        "orders": simulation.store.number("SELECT count(*) FROM orders"),
        "buyers": simulation.store.number("SELECT count(*) FROM buyers"),
        "opted_out": simulation.store.number("SELECT count(*) FROM buyers WHERE opted_out_at IS NOT NULL"),
    }


def _receipts(simulation: Simulation) -> dict[str, Any]:
    order_id = request.args.get("order_id", "")
    return {
        "receipts": receipts.as_json(simulation.store, order_id),
        "doubles": receipts.doubles(simulation.store),
    }


def _calls(simulation: Simulation) -> dict[str, Any]:
    operation = request.args.get("operation", "")
    rows = simulation.store.rows("SELECT * FROM calls WHERE ? IN ('', operation) ORDER BY call_id", operation)
    return {"calls": [dict(row) | {"at": clock.iso(row["at"])} for row in rows]}


def _notices(simulation: Simulation) -> dict[str, Any]:
    return {"notices": notices.as_json(simulation.store), "outgoing": outgoing.as_json(simulation.store)}


def _mail(simulation: Simulation) -> dict[str, Any]:
    rows = simulation.store.rows(
        "SELECT mail_id, at, sender, recipient, subject, body FROM people_mail"
        " WHERE ? IN ('', recipient) ORDER BY mail_id",
        request.args.get("recipient", ""),
    )
    return {"mail": [dict(row) | {"at": clock.iso(row["at"])} for row in rows]}


def _relay_refusals(simulation: Simulation) -> dict[str, Any]:
    rows = simulation.store.rows("SELECT * FROM relay_refusals ORDER BY refusal_id")
    return {"refusals": [dict(row) | {"at": clock.iso(row["at"])} for row in rows]}


def _orders(simulation: Simulation) -> dict[str, Any]:
    """The orders of an account with their present situation; the buyer in full, as only Amazon knows him."""
    found = []
    for order in orders.of_account(simulation.store, request.args.get("selling_partner_id", "")):
        state = orders.situation(order, clock.now())
        buyer = buyers.of_order(simulation.store, order.buyer_id)
        found.append(
            {
                "order_id": order.order_id,
                "marketplace_id": order.marketplace_id,
                "fulfilled_by": order.fulfilled_by,
                "status": state.status,
                "updated_at": clock.iso(state.updated_at),
                "deliver_by": [clock.iso(each) for each in order.deliver_by],
                "buyer_id": buyer.buyer_id,
                "alias": buyer.alias,
                "opted_out": buyer.is_opted_out,
                "is_returned": order.returned_at is not None and order.returned_at <= clock.now(),
                "is_refunded": order.is_refunded,
                "feedback_rating": order.feedback_rating,
            }
        )
    return {"orders": found}


def _open_account(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    return accounts.open_account(simulation.store, given).as_json()


def _place_orders(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    """One order, or many under `orders`; each names its `selling_partner_id`."""
    made = []
    for wanted in given.get("orders") or [given]:
        account = accounts.find(simulation.store, str(wanted["selling_partner_id"]))
        if account is None:
            raise ValueError(f"unknown selling partner {wanted['selling_partner_id']}")
        made.append(order_requests.build(simulation.store, account, wanted))
    orders.add(simulation.store, made)
    shown = [
        {
            "order_id": order.order_id,
            "marketplace_id": order.marketplace_id,
            "buyer_id": order.buyer_id,
            "alias": buyers.of_order(simulation.store, order.buyer_id).alias,
        }
        for order in made
    ]
    return {"orders": shown} if "orders" in given else shown[0]


def _add_buyer(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    buyer = buyers.add(simulation.store, given, "marketplace.amazon.com")
    return {"buyer_id": buyer.buyer_id, "alias": buyer.alias, "opted_out": buyer.is_opted_out}


def _opt_out(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    """`buyer_id` or `alias`, and `opted_out` (true unless told otherwise)."""
    if "buyer_id" in given:
        buyer = buyers.find(simulation.store, int(given["buyer_id"]))
    else:
        buyer = buyers.by_alias(simulation.store, str(given["alias"]))
    if buyer is None:
        raise ValueError("unknown buyer")
    buyers.set_opted_out(simulation.store, buyer.buyer_id, bool(given.get("opted_out", True)))
    return {"buyer_id": buyer.buyer_id, "alias": buyer.alias, "opted_out": bool(given.get("opted_out", True))}


def _set_mailbox(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    account = accounts.set_mailbox(simulation.store, str(given["selling_partner_id"]), given)
    letters.queue_once(simulation, account)
    return account.as_json()


def _revoke(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    return {"revoked": accounts.revoke(simulation.store, str(given["selling_partner_id"]))}


def _throttle(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    """`is_throttled`: true unless told otherwise."""
    is_throttled = bool(given.get("is_throttled", True))
    accounts.throttle(simulation.store, str(given["selling_partner_id"]), is_throttled)
    return {"is_throttled": is_throttled}


def _age_codes(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    """As if consent had been given `seconds` earlier."""
    with simulation.store.write() as connection:
        aged = connection.execute("UPDATE codes SET expires_at = expires_at - ?", (float(given["seconds"]),))
        return {"codes": aged.rowcount}


def _letter(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    """Queue a raw mail: `raw` (base64), `recipient`, `envelope_from`, `delay` in seconds."""
    try:
        raw = base64.b64decode(str(given["raw"]), validate=True)
    except binascii.Error as problem:
        raise ValueError("raw is not base64") from problem
    letter = outgoing.Letter(str(given.get("envelope_from", "")), str(given["recipient"]), raw)
    return {"outgoing_id": outgoing.queue(simulation, letter, delay=float(given.get("delay", 0)))}


def _notice(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    """Send the opt-out notice of an order without anybody having written: `order_id`, `language` if another."""
    order = orders.find(simulation.store, str(given["order_id"]))
    if order is None:
        raise ValueError(f"unknown order {given['order_id']}")
    return {"notice_id": notices.send_opted_out(simulation, order, language=str(given.get("language", "")))}


def _fault(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    """`operation` (a name, `token`, `relay` or `*`), `kind`, `times`, `seconds`; or `clear`."""
    if given.get("clear"):
        simulation.faults.clear()
        return {"cleared": True}
    fault = Fault(str(given.get("operation", "*")), str(given["kind"]), int(given.get("times", 1)))
    fault.seconds = float(given.get("seconds", 0))
    simulation.faults.plan(fault)
    return {"planned": fault.kind}


def _quota(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    plan = Plan(float(given["rate"]), int(given["burst"]))
    simulation.quotas.override(str(given["operation"]), plan)
    return {"operation": given["operation"], "rate": plan.rate, "burst": plan.burst}


def _inbound(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    simulation.inbound = (str(given["host"]), int(given["port"]))
    simulation.mail_waiting.set()
    return {"inbound": list(simulation.inbound)}


def _application(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    simulation.store.set_setting("redirect_uri", str(given["redirect_uri"]))
    return {"redirect_uri": given["redirect_uri"]}


def _populate(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    """Make the demo world now, with this moment as its start; nothing happens where it exists."""
    demo.populate_once(simulation)
    return _world(simulation)


def _order_change(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    """Put an ORDER_CHANGE into the queue, of an `order_id` with `seller_id` and `notification_id` if others; or any
    `raw` text."""
    if "raw" in given:
        return {"message_id": queue_api.send(simulation, str(given["raw"]))}
    order = orders.find(simulation.store, str(given["order_id"]))
    if order is None:
        raise ValueError(f"unknown order {given['order_id']}")
    parts = {name: str(given[name]) for name in ("seller_id", "notification_id") if name in given}
    text = json.dumps(queue_api.notification(simulation, order, clock.now(), **parts))
    return {"message_id": queue_api.send(simulation, text)}


def _queue(simulation: Simulation) -> dict[str, Any]:
    return {"messages": [row["body"] for row in simulation.store.rows("SELECT body FROM queue ORDER BY rowid")]}


def _reports(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    """`seconds` that a report takes, and the `status` in which the next one ends."""
    if "seconds" in given:
        simulation.store.set_setting("report_seconds", str(float(given["seconds"])))
    if "status" in given:
        simulation.store.set_setting("next_report_status", str(given["status"]))
    return {"reports": simulation.store.number("SELECT count(*) FROM reports")}


def _reset(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    simulation.reset()
    return {"reset": True}


READS: dict[str, Callable[[Simulation], dict[str, Any]]] = {
    "world": _world,
    "receipts": _receipts,
    "calls": _calls,
    "notices": _notices,
    "mail": _mail,
    "refusals": _relay_refusals,
    "orders": _orders,
    "queue": _queue,
}
COMMANDS: dict[str, Command] = {
    "accounts": _open_account,
    "orders": _place_orders,
    "buyers": _add_buyer,
    "opt-outs": _opt_out,
    "mailboxes": _set_mailbox,
    "revocations": _revoke,
    "throttles": _throttle,
    "codes": _age_codes,
    "letters": _letter,
    "notices": _notice,
    "faults": _fault,
    "quotas": _quota,
    "inbound": _inbound,
    "application": _application,
    "order-changes": _order_change,
    "reports": _reports,
    "populate": _populate,
    "reset": _reset,
}
