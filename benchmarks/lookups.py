"""How long does the gate take to look up 1,000 buyers in a list of 1, 10 and 50 million keys?

    python -m feedbackfive.devservices python benchmarks/lookups.py            # 1 and 10 million
    python -m feedbackfive.devservices python benchmarks/lookups.py --large    # and 50 million: 25 GB of disk

Builds the list in a throw-away PostgreSQL and asks for 1,000 keys at a time, 90 % of them not on the list and no key
twice, through `gate.suppressed_among`, with row level security and all. Beside it stands what the
machine can do: the same question as one plain `= ANY` through psycopg2, for the key alone.
"""

import argparse
import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feedbackfive.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.rowsecurity import across_sellers  # noqa: E402
from optouts import gate  # noqa: E402

KEYS, HITS, ROUNDS, WARM_UP = 1_000, 100, 60, 10
A_SELLER = 1
STEP = 1_000_000
GOALS = "Goals: 10 M under 15 ms; 50 M at most 4 times 1 M."


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--large", action="store_true", help="go on to 50 million")
    arguments.add_argument("--sizes", type=float, nargs="+", default=[], help="in millions, instead of 1 and 10")
    chosen = arguments.parse_args()
    sizes = [int(size * 1_000_000) for size in chosen.sizes] or [STEP, 10 * STEP, *([50 * STEP] * chosen.large)]
    call_command("migrate", verbosity=0)
    print(f"{KEYS:,} keys a time, {HITS} of them on the list; milliseconds, median of {ROUNDS} (95th percentile)\n")
    headings = ("rows", 12), ("through the gate", 22), ("plain = ANY", 22), ("gate/plain", 10), ("to the first", 12)
    print("  ".join(heading.rjust(width) for heading, width in headings), " size")
    first: float | None = None
    with across_sellers("benchmark"):
        for size in sizes:
            grow_to(size)
            through_gate = timed(lambda keys: gate.suppressed_among(A_SELLER, keys))
            plain = timed(ask_plainly)
            middle, limit = statistics.median(through_gate), statistics.median(plain)
            first = first or middle
            print(
                f"{size:>12,}  {shown(through_gate):>22}  {shown(plain):>22}  {middle / limit:>10.2f}"
                f"  {middle / first:>12.2f}  {sizes_of_the_table()}",
                flush=True,
            )
    print(f"\n{GOALS}")


def grow_to(size: int) -> None:
    """Fill the list up to `size` rows with random keys. Indexes are made afterwards, as after a restore."""
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from optouts_suppression")
        there = cursor.fetchone()[0]
        cursor.execute(
            "select indexname, indexdef from pg_indexes where tablename = 'optouts_suppression'"
            " and indexname not in (select conname from pg_constraint where contype in ('p', 'u'))"
        )
        indexes = cursor.fetchall()
        cursor.execute(
            "select conname, pg_get_constraintdef(oid) from pg_constraint"
            " where conrelid = 'optouts_suppression'::regclass and contype = 'u'"
        )
        uniques = cursor.fetchall()
        for name, _ in uniques:
            cursor.execute(f'alter table optouts_suppression drop constraint "{name}"')
        for name, _ in indexes:
            cursor.execute(f'drop index "{name}"')
        for start in range(there, size, STEP):
            cursor.execute(FILL, [min(STEP, size - start)])
        cursor.execute("set maintenance_work_mem = '512MB'")
        for name, definition in uniques:
            cursor.execute(f'alter table optouts_suppression add constraint "{name}" {definition}')
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("vacuum (analyze) optouts_suppression")


FILL = """
insert into optouts_suppression
  (key, key_version, kind, state, reason, grade, amazon_order_id, created_at, changed_at, withdrawn_at)
select gen_random_uuid(), 1, 'alias', 'active', 'the buyer has opted out through Amazon', 'A1', '', now(), now(), now()
from generate_series(1, %s)
"""


def timed(ask: Callable[[list[uuid.UUID]], object]) -> list[float]:
    """Milliseconds of each round, each with keys that were not asked for before."""
    durations = []
    for keys in rounds():
        start = time.perf_counter()
        ask(keys)
        durations.append((time.perf_counter() - start) * 1000)
    return durations[WARM_UP:]


def rounds() -> Iterator[list[uuid.UUID]]:
    with connection.cursor() as cursor:
        # Walked by the index from random places: rows that lie together on disk would make it too easy.
        for _ in range(ROUNDS + WARM_UP):
            present = []
            for _ in range(HITS):
                cursor.execute(
                    "select key from optouts_suppression where key >= %s order by key limit 1", [uuid.uuid4()]
                )
                present += [row[0] for row in cursor.fetchall()]
            absent = [uuid.uuid4() for _ in range(KEYS - len(present))]
            yield sorted(present + absent, key=lambda key: key.bytes[::-1])


def ask_plainly(keys: list[uuid.UUID]) -> object:
    with connection.cursor() as cursor:
        cursor.execute("select key from optouts_suppression where key = any(%s)", [keys])
        return cursor.fetchall()


def shown(durations: list[float]) -> str:
    return f"{statistics.median(durations):.1f} ({statistics.quantiles(durations, n=20)[-1]:.1f})"


def sizes_of_the_table() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_size_pretty(pg_table_size('optouts_suppression')),"
            " pg_size_pretty(pg_indexes_size('optouts_suppression'))"
        )
        table, indexes = cursor.fetchone()
    return f"{table} + indexes {indexes}"


if __name__ == "__main__":
    main()
