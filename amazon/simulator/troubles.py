"""A planned fault -> what the caller sees of it over HTTP: a strange answer, a late one, or none."""

import json
import secrets
import socket
import time

from flask import Response, request

from amazon.simulator.faults import Fault

DENIED = "Access to requested resource is denied."  # a missing role (AMAZON.md 1.0)
OUTAGE = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"


def before(fault: Fault | None) -> Response | None:
    """What is answered instead of processing the request, or None to go on (after a `slow` pause)."""
    match fault.kind if fault else None:
        case "html503":
            # A proxy's page: no JSON, none of Amazon's headers (AMAZON.md 0.5).
            return Response(OUTAGE, status=503, mimetype="text/html")
        case "forbidden":
            return Response(json.dumps({"message": "Forbidden"}), status=403, mimetype="application/json")
        case "denied":
            return _errors(403, "Unauthorized", DENIED)
        case "throttle":
            return throttled()
        case "cut":
            _hang_up()
            return Response(status=500)
        case "slow":
            time.sleep(fault.seconds if fault else 0.0)
    return None


def after(fault: Fault | None, response: Response) -> Response:
    """The answer, or, for `cut_after`, a closed connection although everything was done."""
    if fault is not None and fault.kind == "cut_after":
        _hang_up()
    return response


def throttled() -> Response:
    """Amazon's 429 (AMAZON.md 1.0)."""
    return _errors(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")


def _errors(status: int, code: str, message: str) -> Response:
    error = {"code": code, "message": message, "details": ""}
    response = Response(json.dumps({"errors": [error]}), status=status, mimetype="application/json")
    response.headers["x-amzn-RequestId"] = secrets.token_hex(16)
    return response


def _hang_up() -> None:
    """Close the connection under the server: whatever is written to it afterwards goes nowhere."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
