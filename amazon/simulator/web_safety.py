"""What keeps the simulator's pages safe in a visitor's browser: a content policy, and forms from this site only."""

from urllib.parse import urlsplit

from flask import abort, request
from werkzeug.wrappers import Response


def content_policy(response: Response, form_targets: str = "") -> None:
    """Own files only, nothing inline, no frames. `form_targets` are sites that a form's answer may redirect to."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self';"
        f" form-action 'self' {form_targets}; frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"


def refuse_other_sites() -> None:
    """Answer 403 to a form or a call that a page of another site sent through the visitor's browser."""
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None and fetch_site not in ("same-origin", "none"):
        abort(403, "This request comes from another site.")
    origin = request.headers.get("Origin")
    if fetch_site is None and origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        abort(403, "This request comes from another site.")
