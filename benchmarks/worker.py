"""What a notice costs the worker: genuine ones from row to decision, and hostile ones, each in its turn.

`python -m benchmarks.worker [NOTICES]`
"""

import logging
import sys
import time

import structlog

from benchmarks.sites import percentile, pulse, site


def main(count: int) -> None:
    with site():
        from accounts.rowsecurity import across_sellers
        from benchmarks.notices import cases
        from optouts import intake
        from optouts.models import InboundAddress, Notice
        from tests.notices.builder import NOW, FakeDns
        from tests.notices.hostile import HOSTILE

        dns = FakeDns()
        _, genuine = cases(count, now=NOW)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        with across_sellers("benchmark"):
            address = InboundAddress.objects.get()
            ids = [intake.receive(address, case.raw, now=NOW) for case in genuine]
            walls: list[float] = []
            cpu = time.process_time()
            for pk in ids:
                began = time.perf_counter()
                intake.process(pk, resolver=dns, now=NOW)
                walls.append(time.perf_counter() - began)
            cpu = (time.process_time() - cpu) / count * 1000
            applied = Notice.objects.filter(pk__in=ids, status=Notice.Status.APPLIED).count()
            p50, p95 = (percentile(walls, share) * 1e3 for share in (0.5, 0.95))
            print(
                f"genuine: {applied} of {count} applied, {cpu:.1f} ms CPU each, wall p50 {p50:.1f} ms, p95 {p95:.1f} ms"
            )
            slowest = (0.0, "")
            for name, raw in HOSTILE.items():
                pk = intake.receive(address, raw[:1_048_576], now=NOW)
                began = time.perf_counter()
                intake.process(pk, resolver=dns, now=NOW)
                slowest = max(slowest, (time.perf_counter() - began, name))
                notice = Notice.objects.get(pk=pk)
                assert notice.status in (Notice.Status.QUARANTINED, Notice.Status.IGNORED), (name, notice.status)
            print(f"hostile: {len(HOSTILE)} mails, none applied; slowest {slowest[0] * 1e3:.0f} ms ({slowest[1]})")
            print(pulse())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
