"""Request a Review at Amazon's pace: many sellers, each with its own quota, from one or two processes.

`python -m benchmarks.send_api [SELLERS] [REQUESTS] [PROCESSES]` (500, 200, 2). Goals: 95 % of what the quotas allow,
fewer than 1 % of the calls answered 429, the slowest seller at least 90 % of the median.
"""

import json
import statistics
import sys
import time
import urllib.request
from contextlib import ExitStack

from benchmarks.listener import free_port
from benchmarks.sites import process, pulse, site


def main(sellers: int, requests: int, processes: int) -> None:
    port = free_port()
    amazon = f"http://127.0.0.1:{port}"
    with (
        site(FEEDBACKFIVE_AMAZON_ENDPOINT=amazon, FEEDBACKFIVE_AMAZON_LOGIN_URL=f"{amazon}/auth/o2/token") as folder,
        ExitStack() as stack,
    ):
        from benchmarks import queues

        stack.enter_context(process("-m", "benchmarks.amazons", str(port), "200", log=folder / "amazon.log"))
        time.sleep(2)
        queues.fill(sellers * requests, channel="request_review", per_account=requests)
        print(pulse())
        with queues.dispatchers(processes, folder) as pids:
            drained = queues.drain(pids, patience=requests * 3 + 120)
        with urllib.request.urlopen(f"{amazon}/counts") as response:
            counts = json.load(response)
        seconds = counts["last"] - counts["first"]
        rate = counts["taken"] / seconds
        bound = sellers * requests / max(requests - 5, 1)  # a burst of five, then one a second
        median = statistics.median(counts["rates"])
        calls = counts["taken"] + counts["throttled"]
        print(
            f"{sellers} sellers x {requests}, {processes} process(es): {rate:.0f}/s in {seconds:.0f} s,"
            f" {rate / sellers:.3f} of one a second and seller, {rate / bound:.3f} of what the quotas allow;"
            f" 429: {counts['throttled'] / calls:.4f} of the calls; slowest seller"
            f" {min(counts['rates']) / median:.3f} of the median; {counts['orders']} orders, {counts['taken']} calls;"
            f" {drained.cpu_each:.0f} us of CPU each (senders and database), {drained.megabytes:.0f} MB"
        )
        print(queues.by_status())
        print(pulse())


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given + [500, 200, 2][len(given) :]))
