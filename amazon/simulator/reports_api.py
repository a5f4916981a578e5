"""Reports v2021-06-30: asking for a report, asking how far it is, and fetching it (AMAZON.md 1.6).

A report is in progress for `report_seconds` (a setting; 2 seconds). Its document holds what was true when it was done.
"""

import gzip
import json
import re
import secrets
from typing import Any

from flask import Blueprint, Response, abort, request

from amazon.simulator import clock, report_texts
from amazon.simulator.quotas import Plan
from amazon.simulator.selling_partner_api import (
    DENIED,
    Answer,
    ApiRefused,
    Inquiry,
    Operation,
    body_of,
    invalid_parameters,
)
from amazon.simulator.simulation import Simulation

ADDRESS_SECONDS = 5 * clock.MINUTE


def create_report(inquiry: Inquiry) -> Answer:
    """Take an order for a report; 202."""
    wanted = body_of(inquiry)
    marketplace_ids = wanted.get("marketplaceIds")
    if wanted.get("reportType") not in report_texts.TYPES:
        raise invalid_parameters("reportType")
    if not isinstance(marketplace_ids, list) or not 1 <= len(marketplace_ids) <= 25:
        raise invalid_parameters("marketplaceIds")
    if any(each not in inquiry.account.marketplace_ids for each in marketplace_ids):
        raise ApiRefused(403, "Unauthorized", DENIED)
    start, end = (_instant(wanted, name) for name in ("dataStartTime", "dataEndTime"))
    if (end or clock.now()) - (start or clock.now()) > 31 * clock.DAY:
        raise invalid_parameters("dataStartTime")
    report_id = f"{secrets.randbelow(10**14):014d}"
    store = inquiry.simulation.store
    with store.write() as connection:
        connection.execute(
            "INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                report_id, inquiry.account.selling_partner_id, wanted["reportType"], json.dumps(marketplace_ids),
                start, end, clock.now(), store.setting("next_report_status", "DONE"),
            ),
        )  # fmt: skip
    store.set_setting("next_report_status", "DONE")
    return Answer({"reportId": report_id}, 202)


def get_report(inquiry: Inquiry) -> Answer:
    """How far it is."""
    row = _row(inquiry, inquiry.order_id)
    age = clock.now() - row["created_at"]
    seconds = float(inquiry.simulation.store.setting("report_seconds", "2"))
    status = row["status"] if age >= seconds else "IN_QUEUE" if age < seconds / 2 else "IN_PROGRESS"
    shown: dict[str, Any] = {
        "reportId": row["report_id"],
        "reportType": row["report_type"],
        "marketplaceIds": json.loads(row["marketplace_ids"]),
        "createdTime": clock.iso(row["created_at"]),
        "processingStatus": status,
    }
    if status == "DONE":
        shown["reportDocumentId"] = f"amzn1.spdoc.1.{row['report_id']}"
    return Answer(shown)


def get_report_document(inquiry: Inquiry) -> Answer:
    """An address that works for five minutes."""
    _row(inquiry, inquiry.order_id.removeprefix("amzn1.spdoc.1."))
    key = secrets.token_urlsafe(24)
    with inquiry.simulation.store.write() as connection:
        report_id = inquiry.order_id.removeprefix("amzn1.spdoc.1.")
        connection.execute("INSERT INTO documents VALUES (?, ?, ?)", (key, report_id, clock.now() + ADDRESS_SECONDS))
    address = f"{request.host_url}documents/{key}"
    shown = {"reportDocumentId": inquiry.order_id, "url": address, "compressionAlgorithm": "GZIP"}
    return Answer(shown)


def documents(simulation: Simulation) -> Blueprint:
    """Where the documents lie. Whoever knows an address gets it, as with Amazon's storage."""
    doors = Blueprint("documents", __name__)

    @doors.get("/documents/<key>")
    def document(key: str) -> Response:
        row = simulation.store.row(
            "SELECT r.* FROM documents d JOIN reports r ON r.report_id = d.report_id"
            " WHERE d.key = ? AND d.expires_at > ?",
            key,
            clock.now(),
        )
        if row is None:
            abort(Response("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", 403))
        text = report_texts.text_of(
            simulation.store,
            row["selling_partner_id"],
            row["report_type"],
            set(json.loads(row["marketplace_ids"])),
            (row["data_start"], row["data_end"]),
        )
        return Response(gzip.compress(text), mimetype="application/octet-stream")

    return doors


def _instant(wanted: dict[str, Any], name: str) -> float | None:
    try:
        return clock.instant(wanted[name]) if name in wanted else None
    except (ValueError, TypeError):
        raise invalid_parameters(name) from None


def _row(inquiry: Inquiry, report_id: str) -> Any:
    row = inquiry.simulation.store.row(
        "SELECT * FROM reports WHERE report_id = ? AND selling_partner_id = ?",
        re.sub(r"[^0-9]", "", report_id),
        inquiry.account.selling_partner_id,
    )
    if row is None:
        raise ApiRefused(404, "NotFound", "The requested report does not exist.")
    return row


OPERATIONS = [
    Operation("createReport", "POST", "/reports/2021-06-30/reports", Plan(0.0167, 15), create_report),
    Operation("getReport", "GET", "/reports/2021-06-30/reports/{reportId}", Plan(2, 15), get_report),
    Operation(
        "getReportDocument", "GET", "/reports/2021-06-30/documents/{reportDocumentId}", Plan(0.0167, 15),
        get_report_document,
    ),
]  # fmt: skip
