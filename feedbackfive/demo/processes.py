"""The processes of the demo, as one would start them by hand."""

import sys
from pathlib import Path
from typing import Final

from feedbackfive.demo.environment import site_url
from feedbackfive.demo.home import Home
from feedbackfive.demo.ports import HOST, Ports
from feedbackfive.devservices import Child

WORKERS: Final = 2  # of the site and of the queue each: a laptop should stay quiet


def simulator(home: Home, ports: Ports, checkout: Path) -> Child:
    return _python(
        home, checkout, "simulator", "-m", "amazon.simulator",
        "--http", f"{HOST}:{ports.amazon}", "--smtp", f"{HOST}:{ports.relay}", "--mail", f"{HOST}:{ports.people_mail}",
        "--dns", f"{HOST}:{ports.dns}", "--inbound", f"{HOST}:{ports.inbound}",
        "--state", str(home.folder / "amazon.sqlite3"), "--site-url", site_url(ports),
    )  # fmt: skip


def of_the_site(home: Home, ports: Ports, checkout: Path) -> list[Child]:
    """The site's own. Never `worker -B`: its beat would survive a kill -9 of the worker."""
    return [
        _python(
            home, checkout, "web", "-m", "gunicorn", "feedbackfive.wsgi", "--bind", f"{HOST}:{ports.site}",
            "--worker-class", "gthread", "--workers", str(WORKERS), "--threads", "4", "--graceful-timeout", "5",
            "--no-control-socket", "--log-level", "warning",
        ),
        _python(
            home, checkout, "worker", "-m", "celery", "-A", "feedbackfive", "worker", "--concurrency", str(WORKERS),
            "--without-gossip", "--without-mingle", "-n", "demo@localhost",
        ),
        _python(
            home, checkout, "beat", "-m", "celery", "-A", "feedbackfive", "beat", "--pidfile=",
            "--schedule", str(home.folder / "beat-schedule"),
        ),
        _python(home, checkout, "dispatcher", "manage.py", "dispatch"),
        _python(home, checkout, "listener", "manage.py", "listen"),
        _python(home, checkout, "reader", "manage.py", "read_notices"),
    ]  # fmt: skip


def preparation(home: Home, ports: Ports, checkout: Path) -> Child:
    """Migrates and seeds, and ends."""
    return _python(home, checkout, "preparation", "manage.py", "prepare_demo", "--amazon", f"http://{HOST}:{ports.amazon}")


def _python(home: Home, checkout: Path, name: str, *arguments: str) -> Child:
    return Child(name, [sys.executable, *arguments], home.logs / f"{name}.log", {"cwd": checkout})
