"""The demo as a visitor meets it: one long journey (about half a minute), and its small troubles (quick)."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from feedbackfive.demo import cast, readiness
from feedbackfive.demo.environment import kept_secrets
from feedbackfive.demo.home import Home
from feedbackfive.demo.supervisor import Supervisor
from feedbackfive.demo.trouble import Trouble
from feedbackfive.devservices import Child
from tests.frame.processes import below, child_named, running, wait_until

CHECKOUT = Path(__file__).resolve().parent.parent.parent
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def free_pair() -> int:
    """A port that is free, and so is the next one."""
    for port in range(31_000, 32_000, 2):
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise AssertionError("no two free ports")


def demo(home: Path, port: int | str) -> list[str]:
    return [sys.executable, "-m", "feedbackfive.demo", "--home", str(home), "--port", str(port)]


def refusal(home: Path, port: int | str) -> str:
    """What a demo says that cannot start. It must be one line."""
    ended = subprocess.run(demo(home, port), cwd=CHECKOUT, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    return ended.stderr


class Running:
    """A demo that has said that it is ready."""

    def __init__(self, home: Path) -> None:
        self.port = free_pair()
        self.output = home.parent / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                demo(home, self.port), cwd=CHECKOUT, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )

    def wait_until_ready(self) -> None:
        wait_until(lambda: "is ready" in self.said() or self.process.poll() is not None, seconds=110, why="not ready")
        assert "is ready" in self.said(), self.said()

    def said(self) -> str:
        return self.output.read_text()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Running]:
    running_demo = Running(tmp_path / "home")
    yield running_demo
    running_demo.process.kill()
    running_demo.process.wait()


def sign_in(browser: httpx.Client, page: str, fields: dict[str, str]) -> httpx.Response:
    form = browser.get(page).raise_for_status()
    found = CSRF.search(form.text)
    assert found
    return browser.post(form.url, data={**fields, "csrfmiddlewaretoken": found[1]}, headers={"Referer": str(form.url)})


def assert_people_can_sign_in(port: int) -> None:
    for person in (cast.TEAMS[0].owner, cast.TEAMS[1].manager, cast.TEAMS[2].viewer):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as browser:
            answer = sign_in(browser, "/people/login/", {"login": person.email, "password": cast.PASSWORD})
            assert answer.status_code == 302, person
            assert browser.get("/").status_code == 200, person
    for operator in (cast.OPERATOR, cast.SECOND_OPERATOR):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as browser:
            sign_in(browser, "/people/login/", {"login": operator.email, "password": cast.PASSWORD})
            assert browser.get("/admin/").status_code == 200


def kill_and_see_it_come_back(supervisor: int, words: str) -> None:
    victim = child_named(supervisor, words)
    assert victim
    os.kill(victim.pid, signal.SIGKILL)

    def is_back() -> bool:
        successor = child_named(supervisor, words)
        return successor is not None and successor.pid != victim.pid

    wait_until(is_back, seconds=20, why=f"{words} did not come back")


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_visitors_journey_start_sign_in_kill_a_child_and_stop(started: Running) -> None:
    started.wait_until_ready()
    supervisor = started.process.pid
    assert_people_can_sign_in(started.port)
    assert httpx.get(f"http://127.0.0.1:{started.port + 1}/", trust_env=False).status_code == 200

    kill_and_see_it_come_back(supervisor, "manage.py listen")
    kill_and_see_it_come_back(supervisor, "bin/postgres")
    assert started.said().count("was killed by signal 9 and is started again") == 2
    page = f"http://127.0.0.1:{started.port}/people/login/"
    wait_until(lambda: httpx.get(page, trust_env=False).status_code == 200, seconds=20, why="the site stays down")

    all_of_them = {process.pid for process in below(supervisor)} | {supervisor}
    started.process.send_signal(signal.SIGTERM)
    assert started.process.wait(40) == 0
    assert not all_of_them & running().keys()


def test_a_port_in_use_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} cannot be had" in refusal(tmp_path / "home", port)


@pytest.mark.parametrize("port", ["eight thousand", "0", "65535", "-1"])
def test_a_wrong_port_is_told_in_one_sentence(tmp_path: Path, port: str) -> None:
    assert "PORT must be a number" in refusal(tmp_path / "home", f"{port}")


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert "cannot write its folder" in refusal(tmp_path / "file" / "home", free_pair())


@pytest.mark.skipif(not os.geteuid(), reason="root may write anywhere")
def test_a_folder_that_became_read_only_is_told_in_one_sentence(tmp_path: Path) -> None:
    with Home(tmp_path):
        pass
    tmp_path.chmod(0o500)
    assert "cannot write its folder" in refusal(tmp_path, free_pair())


def test_a_child_that_does_not_stay_up_is_named_when_it_has_ended_three_times(tmp_path: Path) -> None:
    supervisor = Supervisor(lambda line: None)
    supervisor.start(Child("frail", [sys.executable, "-c", ""], tmp_path / "frail.log"), os.environ)
    try:
        with pytest.raises(Trouble, match="The frail does not stay up"):
            readiness.wait_for({"nobody": lambda: False}, supervisor, logs=tmp_path)
    finally:
        supervisor.stop()


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with Home(tmp_path / "home"):
        assert "already runs from this folder" in refusal(tmp_path / "home", free_pair())


def test_a_demo_that_was_killed_is_noticed_by_the_next_one(tmp_path: Path) -> None:
    with Home(tmp_path) as first:
        assert not first.had_sudden_end
    (tmp_path / "lock").write_text("12345")
    with Home(tmp_path) as second:
        assert second.had_sudden_end


def test_secrets_are_made_once_kept_and_for_the_owners_eyes(tmp_path: Path) -> None:
    made = kept_secrets(tmp_path)

    assert kept_secrets(tmp_path) == made
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_data_without_their_secrets_are_not_mixed_with_new_ones(tmp_path: Path) -> None:
    (tmp_path / "pgdata").mkdir()
    with pytest.raises(Trouble, match="make demo-reset"):
        kept_secrets(tmp_path)


def test_a_reset_removes_everything_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Home(tmp_path) as home:
        kept_secrets(home.folder)
        home.begin_logs()
        home.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    assert str(tmp_path) in capsys.readouterr().out
