"""The private PostgreSQL and Valkey: they die with their parent, and they treat us as production would."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from feedbackfive.devservices import Services
from tests.frame.processes import below, running, wait_until

CHECKOUT = Path(__file__).resolve().parent.parent.parent
HOLDER = """
import sys, time
from pathlib import Path
from feedbackfive.devservices import Services
Services(Path(sys.argv[1])).start()
print("ready", flush=True)
time.sleep(60)
"""
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="other kernels tell no child of its parent's end")


def start_holder(home: Path) -> subprocess.Popen[bytes]:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(home)], cwd=CHECKOUT, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == b"ready\n"
    return holder


@only_linux
def test_services_die_with_a_parent_that_is_killed_and_their_data_stay(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    theirs = {process.pid for process in below(holder.pid)}
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    wait_until(lambda: not theirs & running().keys(), seconds=10, why="services outlive their parent")
    again = start_holder(tmp_path)
    again.terminate()
    again.wait(20)


@pytest.mark.django_db
def test_the_sites_role_cannot_step_over_row_level_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select rolsuper, rolbypassrls from pg_roles where rolname = current_user")
        assert cursor.fetchone() == (False, False)


def test_throw_away_services_leave_nothing_behind() -> None:
    services = Services()
    services.start()
    postgres = services.running["postgres"].pid
    services.stop()

    assert not services.home.exists()
    assert not services.sockets.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(postgres, 0)


def test_a_command_runs_on_services_of_its_own_and_its_exit_code_is_passed_on() -> None:
    ask = "import os, sys; sys.exit(3 if 'ff5-run-' in os.environ['FEEDBACKFIVE_DATABASE_URL'] else 1)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FEEDBACKFIVE_")}
    command = [sys.executable, "-m", "feedbackfive.devservices", sys.executable, "-c", ask]

    assert subprocess.run(command, cwd=CHECKOUT, env=environment).returncode == 3
