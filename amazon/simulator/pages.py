"""The pages on which a visitor plays Amazon: boxes, opt-outs, notices, calls, people's mail.

Reading by GET, opting out and in by forms of this site only; own files, no inline script or style.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes

from flask import Blueprint, Response, abort, redirect, render_template, request
from markupsafe import Markup, escape
from werkzeug.wrappers import Response as AnyResponse

from amazon.simulator import accounts, buyers, clock, mail_reading, orders, page_queries
from amazon.simulator.places import PLACES
from amazon.simulator.simulation import Simulation
from amazon.simulator.web_safety import content_policy, refuse_other_sites

_URL = re.compile(r"https?://[^\s<>\"']{1,500}")


def blueprint(simulation: Simulation) -> Blueprint:
    """All pages; every answer carries the content policy."""
    pages = Blueprint("pages", __name__)
    store = simulation.store
    pages.add_app_template_filter(ago)
    pages.add_app_template_filter(exact)
    pages.add_app_template_filter(_linker(simulation.site_url), "linked")
    pages.app_context_processor(lambda: {"site_url": simulation.site_url, "places": PLACES})

    @pages.after_request
    def protect(response: Response) -> Response:
        content_policy(response)
        return response

    @pages.get("/")
    def overview() -> str:
        return render_template(
            "overview.html",
            figures=page_queries.figures(store),
            accounts=page_queries.account_figures(store),
            latest=page_queries.latest_receipts(store, 12),
        )

    @pages.get("/buyers")
    def list_buyers() -> str:
        search, only = request.args.get("q", ""), request.args.get("only", "")
        found = page_queries.buyers(store, search, only == "opted-out", _number())
        return render_template("buyers.html", found=found, search=search, only=only)

    @pages.get("/buyers/<int:buyer_id>")
    def show_buyer(buyer_id: int) -> str:
        buyer = buyers.find(store, buyer_id) or abort(404)
        sold = [(row, orders.read(row)) for row in page_queries.orders_of(store, buyer_id)]
        now = clock.now()
        bought = [(row, order, orders.situation(order, now)) for row, order in sold]
        box = page_queries.box(store, buyer_id)
        return render_template("buyer.html", buyer=buyer, box=box, bought=bought, now=now)

    @pages.post("/buyers/<int:buyer_id>/opt-out")
    def opt_out(buyer_id: int) -> AnyResponse:
        refuse_other_sites()
        buyer = buyers.find(store, buyer_id) or abort(404)
        buyers.set_opted_out(store, buyer.buyer_id, request.form.get("opted_out") == "yes")
        return redirect(f"/buyers/{buyer_id}", 303)

    @pages.post("/accounts/<selling_partner_id>/throttle")
    def throttle(selling_partner_id: str) -> AnyResponse:
        refuse_other_sites()
        account = accounts.find(store, selling_partner_id) or abort(404)
        accounts.throttle(store, account.selling_partner_id, request.form.get("throttled") == "yes")
        return redirect("/", 303)

    @pages.get("/opt-out")
    def pick() -> str:
        search = request.args.get("q", "")
        found = page_queries.coming(store, search, _number())
        after = page_queries.CHECK_IN_AFTER
        return render_template("opt_out.html", found=found, search=search, check_in_after=after)

    @pages.get("/notices")
    def list_notices() -> str:
        found = page_queries.notices(store, _number())
        return render_template("notices.html", found=found, others=page_queries.other_letters(store))

    @pages.get("/notices/<int:notice_id>")
    def show_notice(notice_id: int) -> str:
        row = store.row("SELECT * FROM notices WHERE notice_id = ?", notice_id) or abort(404)
        read = mail_reading.read_mail(row["raw"])
        headers = [(name, str(value)) for name, value in message_from_bytes(row["raw"]).items()]
        return render_template("notice.html", notice=row, read=read, headers=headers)

    @pages.get("/calls")
    def list_calls() -> str:
        operation, seller = request.args.get("operation", ""), request.args.get("seller", "")
        refused = request.args.get("refused", "")
        found = page_queries.calls(store, operation, seller, bool(refused), _number())
        return render_template(
            "calls.html",
            found=found,
            operation=operation,
            seller=seller,
            refused=refused,
            operations=page_queries.operations(store),
            accounts=page_queries.account_figures(store),
        )

    @pages.get("/mail")
    def list_mail() -> str:
        search = request.args.get("q", "")
        return render_template("mail.html", found=page_queries.people_mail(store, search, _number()), search=search)

    @pages.get("/mail/<int:mail_id>")
    def show_mail(mail_id: int) -> str:
        row = store.row("SELECT * FROM people_mail WHERE mail_id = ?", mail_id) or abort(404)
        return render_template("mail_one.html", mail=row)

    @pages.get("/relay")
    def list_refusals() -> str:
        return render_template("relay.html", found=page_queries.relay_refusals(store, _number()))

    return pages


def _number() -> int:
    text = request.args.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def ago(at: float) -> str:
    """An instant as a person says it: `12 s ago`, `in 3 h`."""
    seconds = clock.now() - at
    amount = abs(seconds)
    for unit, size, limit in (("s", 1.0, 100), ("min", 60.0, 100), ("h", 3600.0, 48), ("d", 86400.0, 10**9)):
        if amount / size < limit:
            said = f"{amount / size:.0f} {unit}"
            break
    return f"{said} ago" if seconds >= 0 else f"in {said}"


def exact(at: float) -> str:
    """An instant in full, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _linker(site_url: str) -> Callable[[str], Markup]:
    """A filter that makes links of the product's own addresses in a text, and leaves all others as text."""

    def linked(text: str) -> Markup:
        parts, end = [], 0
        for match in _URL.finditer(text):
            parts.append(escape(text[end : match.start()]))
            url, end = match[0], match.end()
            is_own = url == site_url or url.startswith(f"{site_url}/")
            shown = escape(url)
            parts.append(Markup('<a href="{}">{}</a>').format(shown, shown) if is_own else shown)
        parts.append(escape(text[end:]))
        return Markup("").join(parts)

    return linked
