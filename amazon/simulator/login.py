"""Login with Amazon and the consent page: codes, refresh tokens and access tokens (AMAZON.md 1.8)."""

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

from amazon.simulator import accounts, clock, troubles
from amazon.simulator.calls import Call, record
from amazon.simulator.simulation import APPLICATION_ID, CLIENT_ID, CLIENT_SECRET, Simulation
from amazon.simulator.web_safety import content_policy, refuse_other_sites

CODE_SECONDS = 5 * clock.MINUTE
TOKEN_SECONDS = 3600
STATES = URLSafeTimedSerializer(secrets.token_hex(16), salt="appstore")
LOOPBACK = {"127.0.0.1", "localhost", "::1", "testserver"}


class LoginRefused(Exception):
    """Login with Amazon says no: an OAuth error code, its description and an HTTP status."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


def blueprint(simulation: Simulation) -> Blueprint:
    """The two doors of the login: the token endpoint and the consent page."""
    doors = Blueprint("login", __name__)

    @doors.post("/auth/o2/token")
    def token() -> Response:
        fault = simulation.faults.take("token")
        early = troubles.before(fault)
        if early is not None:
            return early
        given: Mapping[str, Any] = request.get_json(silent=True) or request.form
        try:
            answer, status = _grant(simulation, given), 200
        except LoginRefused as refused:
            answer = {"error": refused.error, "error_description": refused.description}
            status = refused.status
        request_id = secrets.token_hex(16)
        note = str(answer.get("error", given.get("grant_type", "")))
        record(simulation.store, Call("token", "POST", "/auth/o2/token", "", "", status, note, request_id))
        response = jsonify(answer)
        response.status_code = status
        response.headers["x-amzn-RequestId"] = request_id
        response.headers["Cache-Control"] = "no-store"
        return troubles.after(fault, response)

    @doors.get("/apps/authorize/consent")
    def consent() -> AnyResponse:
        problem = _consent_problem(simulation, request.args)
        page = render_template(
            "consent.html",
            problem=problem,
            asked=request.args,
            accounts=accounts.all_accounts(simulation.store),
            visitor=accounts.likely_visitor(simulation.store),
        )
        response = Response(page, status=400 if problem else 200)
        # Chromium applies form-action to the redirect that answers the form, too.
        target = urlsplit(_redirect_uri(simulation, request.args))
        content_policy(response, form_targets=f"{target.scheme}://{target.netloc}" if target.netloc else "")
        return response

    @doors.post("/apps/authorize/consent")
    def decide() -> AnyResponse:
        refuse_other_sites()
        if problem := _consent_problem(simulation, request.form):
            return Response(problem, status=400, mimetype="text/plain")
        target = _redirect_uri(simulation, request.form)
        answer = {"state": request.form.get("state", "")}
        account = accounts.find(simulation.store, request.form.get("selling_partner_id", ""))
        if request.form.get("decision") != "allow" or account is None:
            answer["error"] = "access_denied"
        else:
            answer["selling_partner_id"] = account.selling_partner_id
            answer["spapi_oauth_code"] = _new_code(simulation, account.selling_partner_id, target)
        return redirect(f"{target}{'&' if '?' in target else '?'}{urlencode(answer)}")

    @doors.get("/apps/appstore/<selling_partner_id>")
    def appstore(selling_partner_id: str) -> AnyResponse:
        """The seller chose the application in the appstore: on to its Login URI."""
        account = accounts.find(simulation.store, selling_partner_id)
        if account is None:
            return Response("There is no such seller.", status=404, mimetype="text/plain")
        asked = {
            "amazon_callback_uri": urljoin(request.url_root, f"/apps/authorize/confirm/{account.region}"),
            "amazon_state": STATES.dumps(selling_partner_id),
            "selling_partner_id": selling_partner_id,
        }
        return redirect(f"{simulation.site_url}/amazon/start/?{urlencode(asked)}")

    @doors.get("/apps/authorize/confirm/<region>")
    def confirm(region: str) -> AnyResponse:
        """The application knows the seller now, and has sent its own state along."""
        target, state = request.args.get("redirect_uri", ""), request.args.get("state", "")
        try:
            partner: str = STATES.loads(request.args.get("amazon_state", ""), max_age=int(CODE_SECONDS))
        except BadData:
            return Response("This authorisation was not begun here.", status=400, mimetype="text/plain")
        if problem := _consent_problem(simulation, {**request.args, "application_id": APPLICATION_ID}):
            return Response(problem, status=400, mimetype="text/plain")
        code = _new_code(simulation, partner, target)
        answer = {"state": state, "selling_partner_id": partner, "spapi_oauth_code": code}
        return redirect(f"{target}{'&' if '?' in target else '?'}{urlencode(answer)}")

    return doors


def _consent_problem(simulation: Simulation, asked: Mapping[str, str]) -> str:
    """Why the consent page cannot be shown, or an empty text."""
    if asked.get("application_id") != APPLICATION_ID:
        return "The application that asks is not known here."
    if not asked.get("state"):
        return "The request carries no state."
    target = urlsplit(_redirect_uri(simulation, asked))
    site = urlsplit(simulation.site_url)
    is_known = target.scheme in ("http", "https") and (target.hostname in LOOPBACK or target.netloc == site.netloc)
    return "" if is_known else "The redirect URI is not one that the application registered."


def _redirect_uri(simulation: Simulation, asked: Mapping[str, str]) -> str:
    return asked.get("redirect_uri") or simulation.store.setting("redirect_uri")


def _new_code(simulation: Simulation, selling_partner_id: str, redirect_uri: str) -> str:
    code = secrets.token_urlsafe(20)
    with simulation.store.write() as connection:
        connection.execute(
            "INSERT INTO codes VALUES (?, ?, ?, ?, NULL)",
            (code, selling_partner_id, redirect_uri, clock.now() + CODE_SECONDS),
        )
    return code


def _grant(simulation: Simulation, given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("client_id") != CLIENT_ID or given.get("client_secret") != CLIENT_SECRET:
        raise LoginRefused("invalid_client", "Client authentication failed", 401)
    match given.get("grant_type"):
        case "refresh_token":
            return _refresh(simulation, str(given.get("refresh_token", "")))
        case "authorization_code":
            return _exchange(simulation, str(given.get("code", "")), given.get("redirect_uri"))
        case "client_credentials":
            return _grantless(simulation, str(given.get("scope", "")))
        case _:
            raise LoginRefused(
                "unsupported_grant_type", "The authorization grant type is not supported by the authorization server"
            )


def _refresh(simulation: Simulation, refresh_token: str) -> dict[str, Any]:
    row = simulation.store.row(
        "SELECT * FROM grants WHERE refresh_token = ? AND (revoked_at IS NULL OR revoked_at > ?)",
        refresh_token,
        clock.now(),
    )
    if row is None:
        raise LoginRefused("invalid_grant", "The request has an invalid grant parameter : refresh_token")
    return _issue(simulation, row["selling_partner_id"], refresh_token)


def _exchange(simulation: Simulation, code: str, redirect_uri: Any) -> dict[str, Any]:
    refresh_token, now = accounts.new_refresh_token(), clock.now()
    with simulation.store.write() as connection:
        row = connection.execute(
            "UPDATE codes SET used_at = ? WHERE code = ? AND used_at IS NULL AND expires_at > ?"
            " AND (? IS NULL OR redirect_uri = ?) RETURNING selling_partner_id",
            (now, code, now, redirect_uri, redirect_uri),
        ).fetchone()
        if row is None:
            raise LoginRefused("invalid_grant", "The request has an invalid grant parameter : code")
        connection.execute("INSERT INTO grants VALUES (?, ?, ?, NULL)", (refresh_token, row["selling_partner_id"], now))
    return _issue(simulation, row["selling_partner_id"], refresh_token)


def _grantless(simulation: Simulation, scope: str) -> dict[str, Any]:
    if not scope.startswith("sellingpartnerapi::"):
        raise LoginRefused("invalid_scope", "The request has an invalid scope parameter")
    issued = _issue(simulation, None, "")
    del issued["refresh_token"]
    return issued | {"scope": scope}


def _issue(simulation: Simulation, selling_partner_id: str | None, refresh_token: str) -> dict[str, Any]:
    access_token, now = f"Atza|{secrets.token_urlsafe(60)}", clock.now()
    with simulation.store.write() as connection:
        connection.execute("DELETE FROM access_tokens WHERE expires_at < ?", (now,))
        connection.execute(
            "INSERT INTO access_tokens VALUES (?, ?, ?, ?)",
            (access_token, selling_partner_id, refresh_token, now + TOKEN_SECONDS),
        )
    return {
        "access_token": access_token,
        "token_type": "bearer",
        "expires_in": TOKEN_SECONDS,
        "refresh_token": refresh_token,
    }
