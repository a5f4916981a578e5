"""A running simulator for tests: a process of its own on free ports, and the scene-setting verbs of its control API.

    with Amazon.running(tmp_path) as amazon:
        account = amazon.account(store_name="Lakeside")
        order = amazon.order(account)

Facts that a test asks about (`receipts`, `calls`, `notices`) are read through the same door. The product's own requests
go over sockets to `amazon.base_url`, `amazon.smtp` and `amazon.dns`.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from tests.amazon.conformance import findings, models_folder, read_journal

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20
Json = dict[str, Any]


@dataclass
class Amazon:
    """A simulator process. Ports stay the same over `restart`, as they would after a crash in production."""

    folder: Path
    ports: dict[str, int] = field(default_factory=dict)
    inbound: tuple[str, int] = ("127.0.0.1", 9)
    site_url: str = "http://127.0.0.1:8000"
    world: str = "empty"
    _process: subprocess.Popen[str] | None = None
    _http: httpx.Client | None = None

    @classmethod
    @contextmanager
    def running(cls, folder: Path, **settings: Any) -> Iterator["Amazon"]:
        """Start a simulator with its state in `folder`; end it with the block."""
        amazon = cls(folder, **settings)
        amazon.start()
        try:
            yield amazon
        finally:
            amazon.stop()
        amazon.assert_all_fits()

    @property
    def base_url(self) -> str:
        """Where SP-API, the login and the page are."""
        return f"http://127.0.0.1:{self.ports['http']}"

    @property
    def smtp(self) -> tuple[str, int]:
        """The relay for buyers' aliases."""
        return "127.0.0.1", self.ports["smtp"]

    @property
    def mail(self) -> tuple[str, int]:
        """The post office for mail to people."""
        return "127.0.0.1", self.ports["mail"]

    @property
    def dns(self) -> tuple[str, int]:
        """The DNS server with the keys, over UDP."""
        return "127.0.0.1", self.ports["dns"]

    @property
    def journal(self) -> Path:
        """The file with one line per SP-API exchange."""
        return self.folder / "journal.jsonl"

    def assert_all_fits(self) -> None:
        """Every request that was made here, and every answer, fits Amazon's models (where these are at hand)."""
        folder = models_folder()
        if folder is not None and self.journal.exists():
            if wrong := findings(read_journal(self.journal), folder):
                raise AssertionError("Amazon's models do not know this:\n" + "\n".join(wrong))

    # The process

    def start(self) -> None:
        """Start the process and wait for its ports."""
        command = [sys.executable, "-m", "amazon.simulator", "--world", self.world, "--site-url", self.site_url]
        for name in ("http", "smtp", "mail", "dns"):
            command += [f"--{name}", f"127.0.0.1:{self.ports.get(name, 0)}"]
        command += ["--inbound", "{}:{}".format(*self.inbound)]
        command += ["--state", str(self.folder / "state.sqlite3"), "--journal", str(self.journal)]
        environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulator ended with {self._process.wait()} before it was ready")
        self.ports = json.loads(line)
        self._http = httpx.Client(base_url=self.base_url, timeout=START_SECONDS)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the process; returns its exit code."""
        if self._http is not None:
            self._http.close()
        if self._process is None:
            return 0
        self._process.send_signal(how)
        code = self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    def restart(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill the process and start it again on the same state and ports."""
        self.stop(how)
        self.start()

    # The control API

    def read(self, name: str, **query: str) -> Json:
        """GET /control/<name>."""
        return self._answer("GET", name, params=query)

    def do(self, name: str, **given: Any) -> Json:
        """POST /control/<name>. Raises ValueError with the simulator's reason when it cannot."""
        return self._answer("POST", name, json=given)

    def _answer(self, method: str, name: str, **more: Any) -> Json:
        assert self._http is not None, "the simulator is not running"
        response = self._http.request(method, f"/control/{name}", **more)
        if response.status_code == 400:
            raise ValueError(response.json()["problem"])
        response.raise_for_status()
        answer: Json = response.json()
        return answer

    def reset(self) -> None:
        """An empty world again, no faults, full quotas, nothing in the queue; the journal goes on."""
        self.do("reset")
        self.do("inbound", host=self.inbound[0], port=self.inbound[1])

    def account(self, **wanted: Any) -> Json:
        """Open a selling partner account (US, English, notices stay in the mailbox, unless told otherwise)."""
        return self.do("accounts", **wanted)

    def order(self, account: Json, **wanted: Any) -> Json:
        """Place an order; by default merchant-fulfilled, shipped, promised for 9 to 8 days ago."""
        return self.do("orders", selling_partner_id=account["selling_partner_id"], **_plain(wanted))

    def orders(self, account: Json, many: list[Json]) -> list[Json]:
        """Place many orders in one call."""
        named = [{"selling_partner_id": account["selling_partner_id"], **_plain(each)} for each in many]
        placed: list[Json] = self.do("orders", orders=named)["orders"]
        return placed

    def opt_out(self, alias: str, opted_out: bool = True) -> Json:
        """The buyer wants no unsolicited messages any more (or wants them again)."""
        return self.do("opt-outs", alias=alias, opted_out=opted_out)

    def mailbox(self, account: Json, **wanted: Any) -> Json:
        """Set `inbound_address`, `mode` (direct, gmail, none), `mailbox`, `approved_senders` of an account."""
        return self.do("mailboxes", selling_partner_id=account["selling_partner_id"], **wanted)

    def deliver_to(self, host: str, port: int) -> None:
        """Where the product's mail listener is."""
        self.do("inbound", host=host, port=port)

    def letter(self, raw: bytes, recipient: str, envelope_from: str = "", delay: float = 0) -> Json:
        """Send any raw mail to an inbound address."""
        encoded = base64.b64encode(raw).decode()
        return self.do("letters", raw=encoded, recipient=recipient, envelope_from=envelope_from, delay=delay)

    def fault(self, operation: str, kind: str, times: int = 1, seconds: float = 0) -> None:
        """The next calls of an operation (`token`, `relay`, `*` for any) go wrong.

        HTTP: html503, cut, cut_after, slow, forbidden, denied, throttle. Relay: rcpt451, cut, cut_after.
        """
        self.do("faults", operation=operation, kind=kind, times=times, seconds=seconds)

    def quota(self, operation: str, rate: float, burst: int) -> None:
        """Give every account another usage plan for an operation."""
        self.do("quotas", operation=operation, rate=rate, burst=burst)

    @property
    def application(self) -> Json:
        """The application's `application_id`, `client_id`, `client_secret`."""
        application: Json = self.read("world")["application"]
        return application

    def receipts(self, order_id: str = "") -> list[Json]:
        """Everything that reached a buyer, or would have."""
        found: list[Json] = self.read("receipts", order_id=order_id)["receipts"]
        return found

    def calls(self, operation: str = "") -> list[Json]:
        """The calls over HTTP, oldest first."""
        found: list[Json] = self.read("calls", operation=operation)["calls"]
        return found

    def outgoing(self) -> list[Json]:
        """Mail to the product with its state: queued, delivered, refused."""
        found: list[Json] = self.read("notices")["outgoing"]
        return found

    def notices(self) -> list[Json]:
        """Notices that Amazon wrote to sellers."""
        found: list[Json] = self.read("notices")["notices"]
        return found

    def access_token(self, account: Json) -> str:
        """Log in as the application for this seller."""
        application = self.application
        given = {
            "grant_type": "refresh_token",
            "refresh_token": account["refresh_token"],
            "client_id": application["client_id"],
            "client_secret": application["client_secret"],
        }
        return str(httpx.post(f"{self.base_url}/auth/o2/token", data=given).json()["access_token"])

    def wait_for(self, condition: Any, seconds: float = 10) -> Any:
        """Ask again and again until the answer is true; returns it, or raises TimeoutError."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if answer := condition():
                return answer
            time.sleep(0.05)
        raise TimeoutError("it did not come true in time")


def _plain(value: Any) -> Any:
    """Datetimes as ISO 8601, however deep."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
