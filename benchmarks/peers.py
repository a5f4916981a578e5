"""What others reach with the same letters on the same machine: django-post_office at its best, and a Celery task for
each message. Both live here only: the first is installed into a throw-away folder (`pip install --target`).
"""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.queues import HTML, PAD, TEXT
from benchmarks.sinks import Sink
from benchmarks.sites import ROOT, process

SETTINGS = """
SECRET_KEY = "x" * 50
INSTALLED_APPS = ["post_office"]
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}}]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "NAME": "peer", "USER": "feedbackfive",
    "HOST": "{host}", "CONN_MAX_AGE": 300}}}}
EMAIL_BACKEND = "post_office.EmailBackend"
EMAIL_HOST, EMAIL_PORT = "127.0.0.1", {port}
POST_OFFICE = {{"BATCH_SIZE": 1000, "LOG_LEVEL": 1,
    "BACKENDS": {{"default": "django.core.mail.backends.smtp.EmailBackend"}}}}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
FILL = """
import sys, django
django.setup()
from post_office import mail
from benchmarks.queues import HTML, PAD, TEXT
count = int(sys.argv[1])
for start in range(0, count, 1000):
    mail.send_many([
        dict(recipients=[f"b{{n}}@marketplace.amazon.com"], sender="shop@example.com", subject=f"Your order {{n}}",
             message=TEXT.format(order=n, pad=PAD * 10), html_message=HTML.format(order=n, pad=f"<p>{{PAD}}</p>" * 14))
        for n in range(start, min(start + 1000, count))
    ])
""".replace("{{", "{").replace("}}", "}")


def post_office(count: int, sink: Sink, folder: Path, *, processes: int = 2) -> float:
    """Letters a second that django-post_office drains, rendered beforehand: two processes, batches of 1,000."""
    from django.conf import settings
    from django.db import connection

    home = folder / "post_office"
    if not home.exists():
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--target",
            str(home),
            "--no-deps",
            "django-post_office",
        ]
        subprocess.run([*command, "bleach[css]", "webencodings", "tinycss2"], check=True)
        with connection.cursor() as cursor:
            cursor.execute("create database peer")
    host = settings.DATABASES["default"]["HOST"] or settings.DATABASES["default"].get("OPTIONS", {}).get("host", "")
    (home / "peer_settings.py").write_text(SETTINGS.format(host=host, port=sink.port))
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "peer_settings", "PYTHONPATH": f"{home}:{ROOT}"}

    def run(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL)

    run("-m", "django", "migrate", "-v0")
    run("-c", FILL, str(count))
    before, began = sink.taken(), time.perf_counter()
    run("-m", "django", "send_queued_mail", "-p", str(processes))
    seconds = time.perf_counter() - began
    taken = sink.taken() - before
    assert taken == count, (taken, count)
    return count / seconds


def task_for_each(count: int, sink: Sink, folder: Path) -> float:
    """Letters a second of a Celery task for each message, with a look into the list and a new connection, as tutorials
    have it: two processes of a worker. The tasks are in the queue when the worker starts."""
    from benchmarks.tasks_of_peers import app, send_one

    app.control.purge()
    for number in range(count):
        send_one.delay(number, sink.port)
    worker = ["-m", "celery", "-A", "benchmarks.tasks_of_peers", "worker", "-c", "2", "-l", "error"]
    before = sink.taken()
    with ExitStack() as stack:
        stack.enter_context(process(*worker, "--without-gossip", "--without-mingle", log=folder / "peer.log"))
        while sink.taken() == before:
            time.sleep(0.02)
        began, first = time.perf_counter(), sink.taken()
        while sink.taken() < before + count:
            time.sleep(0.05)
        return (before + count - first) / (time.perf_counter() - began)


__all__ = ["HTML", "PAD", "TEXT", "post_office", "task_for_each"]
