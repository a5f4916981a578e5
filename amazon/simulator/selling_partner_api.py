"""The gate of the Selling Partner API: who calls, may he, how often; then the operation; then the books.

In: an HTTP request. Out: Amazon's answer, a row in the list of calls, a line in the journal. The operations
themselves are plain functions from an `Inquiry` to an `Answer`.
"""

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, request

from amazon.simulator import accounts, clock, troubles
from amazon.simulator.accounts import Account
from amazon.simulator.calls import Call, record
from amazon.simulator.faults import Fault
from amazon.simulator.quotas import Plan
from amazon.simulator.simulation import Simulation

DENIED = troubles.DENIED
HAL = "application/hal+json"


class ApiRefused(Exception):
    """The API says no: a status, Amazon's code and message."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details


def invalid_parameters(*names: str) -> ApiRefused:
    """400 in the words of AMAZON.md 1.2."""
    return ApiRefused(400, "InvalidInput", f"Missing or invalid request parameters: [{', '.join(names)}]")


def body_of(inquiry: "Inquiry") -> dict[str, Any]:
    """The JSON object that was sent. Raises the refusal for anything else."""
    try:
        wanted = json.loads(inquiry.body)
    except ValueError:
        raise invalid_parameters("body") from None
    if not isinstance(wanted, dict):
        raise invalid_parameters("body")
    return wanted


def unauthorized(message: str) -> ApiRefused:
    """403 `Unauthorized`: Amazon's normal no (AMAZON.md 0.9)."""
    return ApiRefused(403, "Unauthorized", message)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A request that has passed the gate. `query` keeps repeated names apart; lists may also come with commas."""

    simulation: Simulation
    account: Account
    order_id: str
    query: dict[str, list[str]]
    body: bytes

    def only(self, *names: str) -> None:
        """Refuse parameters that the model does not know: they are a client's mistake that should be seen."""
        unknown = sorted(set(self.query) - set(names))
        if unknown:
            raise invalid_parameters(*unknown)

    def value(self, name: str) -> str | None:
        """The one value of a parameter, or None."""
        given = self.query.get(name)
        if given is None:
            return None
        if len(given) != 1 or not given[0]:
            raise invalid_parameters(name)
        return given[0]

    def values(self, name: str) -> list[str]:
        """All values of a list parameter."""
        return [part for given in self.query.get(name, []) for part in given.split(",") if part]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation says when it says yes."""

    body: dict[str, Any]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of Amazon's model: its name there, its path template, its usage plan and what it does."""

    name: str
    method: str
    template: str
    plan: Plan
    run: Callable[[Inquiry], Answer]
    content_type: str = "application/json"
    is_grantless: bool = False
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(re.sub(r"\{\w+\}", r"([^/]+)", self.template)))


def blueprint(simulation: Simulation, operations: list[Operation]) -> Blueprint:
    """Every path of the API behind one door."""
    doors = Blueprint("selling_partner_api", __name__)

    def answer(path: str) -> Response:
        operation, order_id = _find(operations, request.method, request.path)
        name = operation.name if operation else "unknown"
        fault = simulation.faults.take(name)
        early = troubles.before(fault)
        if early is not None:
            return _book(simulation, operation, None, early, fault)
        account, response = _process(simulation, operation, order_id)
        return troubles.after(fault, _book(simulation, operation, account, response, fault))

    for prefix in ("orders", "solicitations", "messaging", "sellers", "tokens", "uploads", "reports", "notifications"):
        doors.add_url_rule(f"/{prefix}/<path:path>", prefix, answer, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    return doors


def _find(operations: list[Operation], method: str, path: str) -> tuple[Operation | None, str]:
    for operation in operations:
        match = operation.pattern.fullmatch(path)
        if match and operation.method == method:
            return operation, match.group(1) if match.groups() else ""
    return None, ""


def _process(simulation: Simulation, operation: Operation | None, order_id: str) -> tuple[Account | None, Response]:
    account = _application(simulation) if operation and operation.is_grantless else _caller(simulation)
    if account is None:
        return None, _refusal(unauthorized(DENIED), operation)
    if operation is None:
        return account, _refusal(ApiRefused(404, "NotFound", "The requested resource doesn't exist."), operation)
    plan = simulation.quotas.plan(operation.name, operation.plan)
    if not simulation.quotas.take(account.selling_partner_id, operation.name, plan) or (
        operation.template.startswith("/solicitations/")
        and accounts.is_throttled(simulation.store, account.selling_partner_id)
    ):
        response = troubles.throttled()
    else:
        query = {name: request.args.getlist(name) for name in request.args}
        inquiry = Inquiry(simulation, account, order_id, query, request.get_data())
        try:
            said = operation.run(inquiry)
            response = Response(json.dumps(said.body), status=said.status, mimetype=operation.content_type)
        except ApiRefused as refused:
            response = _refusal(refused, operation)
    if response.status_code != 403:
        # Amazon's models declare the rate on every answer but 403.
        response.headers["x-amzn-RateLimit-Limit"] = f"{plan.rate:g}"
    return account, response


def _caller(simulation: Simulation) -> Account | None:
    """The selling partner whose access token was sent, while it lives."""
    now = clock.now()
    row = simulation.store.row(
        "SELECT t.selling_partner_id FROM access_tokens t JOIN grants g USING (refresh_token)"
        " WHERE t.access_token = ? AND t.expires_at > ? AND (g.revoked_at IS NULL OR g.revoked_at > ?)",
        request.headers.get("x-amz-access-token", ""),
        now,
        now,
    )
    return accounts.find(simulation.store, row["selling_partner_id"]) if row and row["selling_partner_id"] else None


def _application(simulation: Simulation) -> Account | None:
    """The application itself, where a token of its own was sent: a caller with no marketplace and no orders."""
    row = simulation.store.row(
        "SELECT 1 FROM access_tokens WHERE access_token = ? AND expires_at > ? AND selling_partner_id IS NULL",
        request.headers.get("x-amz-access-token", ""),
        clock.now(),
    )
    nobody = "", "", "", "", (), "", "", "none", "", (), False, ""
    return Account(*nobody) if row else None


def _refusal(refused: ApiRefused, operation: Operation | None) -> Response:
    error = {"code": refused.code, "message": refused.message, "details": refused.details}
    content_type = operation.content_type if operation else "application/json"
    return Response(json.dumps({"errors": [error]}), status=refused.status, mimetype=content_type)


def _book(
    simulation: Simulation,
    operation: Operation | None,
    account: Account | None,
    response: Response,
    fault: Fault | None,
) -> Response:
    """Write the exchange down: the page's list, and the journal where one is kept."""
    text = response.get_data(as_text=True)
    is_json = (response.mimetype or "").endswith("json")
    body: Any = json.loads(text) if is_json else text
    if is_json and (fault is None or fault.kind == "slow"):  # late, but Amazon's own
        response.headers.setdefault("x-amzn-RequestId", secrets.token_hex(16))
    message = str(body["errors"][0]["message"]) if is_json and body.get("errors") else ""
    if fault is not None:
        message = f"planned trouble: {fault.kind}. {message}".strip()
    query = request.query_string.decode("ascii", "replace")
    name = operation.name if operation else "unknown"
    record(
        simulation.store,
        Call(
            name, request.method, request.path, query, account.selling_partner_id if account else "",
            response.status_code, message, response.headers.get("x-amzn-RequestId", ""),
        ),
    )  # fmt: skip
    simulation.journal.write(
        {
            "at": clock.iso(clock.now()),
            "operation": name,
            "template": operation.template if operation else None,
            "method": request.method,
            "path": request.path,
            "query": [[key, value] for key, value in request.args.items(multi=True)],
            "header_names": sorted(key.lower() for key in request.headers.keys()),
            "body": _body_for_journal(request.get_data()),
            "status": response.status_code,
            "response_header_names": sorted(key.lower() for key in response.headers.keys()),
            "response": body,
            "fault": fault.kind if fault else None,
        }
    )
    return response


def _body_for_journal(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
