"""The task of `benchmarks.peers.task_for_each`: what a tutorial would write. Never imported by the product."""

import os
from uuid import uuid4

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feedbackfive.settings")

import django
from celery import Celery

app = Celery("peers", broker=os.environ["FEEDBACKFIVE_BROKER_URL"])
app.conf.update(task_default_queue="peers", task_ignore_result=True, task_acks_late=True)


@app.task
def send_one(number: int, port: int) -> None:
    from django.core.mail import EmailMultiAlternatives, get_connection

    from accounts.rowsecurity import across_sellers
    from benchmarks.queues import HTML, PAD, TEXT
    from optouts.models import Suppression

    with across_sellers("benchmark"):
        if Suppression.objects.filter(key=uuid4()).exists():
            return
    with get_connection("django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=port) as connection:
        mail = EmailMultiAlternatives(
            f"Your order {number}",
            TEXT.format(order=number, pad=PAD * 10),
            "shop@example.com",
            [f"b{number}@marketplace.amazon.com"],
            connection=connection,
        )
        mail.attach_alternative(HTML.format(order=number, pad=f"<p>{PAD}</p>" * 14), "text/html")
        mail.send()


django.setup()
