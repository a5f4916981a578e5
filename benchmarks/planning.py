"""How long does planning take for new orders before five active campaigns, and again after one edit? And a rehearsal?

    python -m feedbackfive.devservices python benchmarks/planning.py [ORDERS]

One process on a throw-away PostgreSQL. Every second order gets a letter, the others a review request. A few thousand
orders are planned before, and the tables analysed, as they always are on a site that is not an hour old.
"""

import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feedbackfive.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.rowsecurity import across_sellers  # noqa: E402
from benchmarks import shop  # noqa: E402
from campaigns import lifecycle, planning, rehearsal  # noqa: E402
from campaigns.lifecycle import Wishes  # noqa: E402
from campaigns.models import Campaign, FollowUp  # noqa: E402
from messaging.models import Message  # noqa: E402

WARM_UP = 3000


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    call_command("migrate", verbosity=0)
    now = timezone.now()
    with across_sellers("benchmark"):
        account = shop.make_seller(now=now)
        shop.make_orders(account, WARM_UP, now=now)
        plan_all()
        shop.make_orders(account, number, now=now, first=WARM_UP)
        request = Campaign.objects.get(name="Feedback and review request")
        timed(f"rehearsal of {number:,} new orders", lambda: rehearsal.rehearse(request, now=now).looked_at)
        timed(f"planning of {number:,} new orders", plan_all)
        print(f"    {Message.objects.count():,} messages, {FollowUp.objects.count():,} decisions")
        timed("rehearsal after planning", lambda: rehearsal.rehearse(request, now=now).looked_at)
        edited = Campaign.objects.get(name="Prime 1")
        lifecycle.change(edited, replace(Wishes.of(edited), delay_days=9), now=timezone.now())
        before = timezone.now()
        timed("planning after an edit that touches none of them", plan_all)
        print(f"    {FollowUp.objects.filter(decided_at__gt=before).count():,} decisions written")


def plan_all() -> int:
    total = 0
    while planned := planning.plan_stale(now=timezone.now()):
        total += planned
    return total


def timed(what: str, work: Callable[[], int]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    count = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{what}: {count:,} in {wall:.1f} s ({cpu:.1f} s of this process), peak {peak} MB; {fixed_job()}", flush=True)


def fixed_job() -> str:
    """What the machine makes of the same five million additions at this moment."""
    wall, cpu, total = time.perf_counter(), time.process_time(), 0
    for number in range(5_000_000):
        total += number * number
    return f"fixed job {time.perf_counter() - wall:.2f} s ({time.process_time() - cpu:.2f} s)"


if __name__ == "__main__":
    main()
