"""A throw-away site for a benchmark: PostgreSQL with fsync on, Valkey, the migrated tables, and the machine's pulse.

A benchmark begins with `with site(): ...` and imports the product inside, when the settings are there.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feedbackfive.devservices import Services, die_with_parent
from feedbackfive.devservices.settings_of_a_test_site import TEST_SITE

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def site(**variables: str) -> Iterator[Path]:
    """Start the services, set Django up, migrate; yields a folder for logs. All of it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ff5-benchmark-") as folder:
        services = Services(Path(folder) / "home")  # a home of its own: the one way to have fsync on
        try:
            os.environ.update(TEST_SITE)
            os.environ.update(services.start())
            os.environ.update(variables)
            os.environ["DJANGO_SETTINGS_MODULE"] = "feedbackfive.settings"
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            yield Path(folder)
        finally:
            services.stop()


@contextmanager
def process(*arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One of the site's own processes, with the same environment."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stdout=output, stderr=output, preexec_fn=die_with_parent()
        )
    try:
        yield child
    finally:
        child.terminate()
        child.wait(30)


def pulse() -> str:
    """The machine's own limit at this moment: load, and the time of a fixed piece of work."""
    began = time.perf_counter()
    sum(number * number for number in range(1_000_000))
    return f"load {os.getloadavg()[0]:.1f}, fixed job {(time.perf_counter() - began) * 1000:.0f} ms"


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


def percentile(values: list[float], share: float) -> float:
    """Of a non-empty list."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
