"""What events of long ago cost the store's load: `python -m bench.late [--events N] [--loads N] [--dir DIRECTORY]`.

A store of N made-up events of the 365 days before today is given batches of events of today, all with ids and times of
their clients. A share of them has a time of any moment of the year before, and so has one in a hundred of the stored ones:
a store that got such events for a year has them between all others.
"""

import argparse
import functools
import random
import statistics
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import machine
from bench.feed import Feed
from bench.process import end_by_interrupt
from collector.settings import Store
from storage.batcher import BACKLOG_BATCHES
from storage.duckdb.connection import connect
from storage.duckdb.store import DuckDBStore
from storage.suppression import Suppression

EVENTS = 10_000_000
LOADS = 5
LATE_PERCENT = (0.0, 0.1, 1.0, 10.0)
DAYS = 365
TODAY = datetime(2026, 11, 21, tzinfo=UTC)
LOG_ID = "0000000001-bench"
STORE = Store()
BATCHES = (STORE.batch_events, BACKLOG_BATCHES * STORE.batch_events)
"""Events of a load as they come in, and while more waits."""

STORED_LATE_PERCENT = 1

MAKE_EVENTS = """
INSERT INTO events BY NAME
WITH made AS (
    SELECT
        number,
        hash(number) % 100 < $late_percent AS is_late,
        TIMESTAMP '2026-11-21' - to_microseconds(((1 - number / $events) * $days * 86400e6)::BIGINT) AS received_at,
        CASE WHEN is_late
            THEN received_at - to_microseconds((hash(number, 'late') % ($days * 86_400_000_000)::UBIGINT)::BIGINT)
            ELSE received_at
        END AS occurred_at
    FROM range($events) AS one(number)
)
SELECT
    1 AS position,
    'old' AS log_id,
    number AS "offset",
    'site' AS app_code,
    uuid() AS event_key,
    'pageview' AS source_label,
    (number * 7919 % 30000)::VARCHAR AS anonymous_id,
    occurred_at,
    true AS time_given,
    CASE WHEN NOT is_late THEN epoch_us(occurred_at) // 3_600_000_000 END AS timely_hour,
    received_at,
    'https://shop.example/products/' || number // 7 % 1000 AS page_url
FROM made
"""
MAKE_UNTIMELY = "INSERT INTO untimely SELECT app_code, event_key, occurred_at FROM events WHERE timely_hour IS NULL"
MAKE_LEDGER = "INSERT INTO ledger VALUES (1, 'old', 0, $1 - 1, $1, 0, 0, 0, 0, 1, 1, now()::TIMESTAMP)"
LINE = (
    '{"offset":%d,"event_id":"%s","app_code":"site","source_label":"pageview","received_at":"%s","occurred_at":"%s",'
    '"anonymous_id":"%d","page_url":"https://shop.example/products/%d","id_given":true}\n'
)


class Lines:
    """Makes the lines of events of today, some of them late."""

    def __init__(self) -> None:
        self._chance = random.Random(1)

    def of(self, offsets: range, percent: float) -> Iterator[str]:
        """Yield a line for each offset; `percent` of them are late."""
        for offset in offsets:
            received_at = TODAY + timedelta(milliseconds=offset)
            is_late = 100 * self._chance.random() < percent
            occurred_at = TODAY - timedelta(days=DAYS) * self._chance.random() if is_late else received_at
            event_id = uuid.UUID(int=self._chance.getrandbits(128), version=4)
            yield LINE % (offset, event_id, _text(received_at), _text(occurred_at), offset % 30_000, offset % 1000)


def main() -> None:
    """Print events a second for every share of late events, beside each other."""
    arguments = _parser().parse_args()
    end_by_interrupt()
    print(f"{arguments.events:,} events of {DAYS} days, {STORE.threads} thread, {STORE.memory_limit_mb} MiB")
    with machine.new_directory(arguments.dir) as directory:
        path = directory / "events.duckdb"
        make(path, arguments.events)
        with opened(path) as store:
            feed, lines = Feed(store, directory / "lines.ndjson", LOG_ID), Lines()
            for events in BATCHES:
                _measure(feed, lines, events, arguments.loads)


def make(path: Path, events: int) -> None:
    """Make the database of the old events."""
    connection = connect(path, memory_limit_mb=2048, threads=2, temp_directory=path.parent / "tmp", created_at=TODAY)
    with connection:
        parameters = {"events": events, "days": DAYS, "late_percent": STORED_LATE_PERCENT}
        connection.execute(MAKE_EVENTS, parameters)
        connection.execute(MAKE_UNTIMELY)
        connection.execute(MAKE_LEDGER, [events])
        connection.execute("CHECKPOINT")


def opened(path: Path) -> DuckDBStore:
    """Return the store of a database, with the built-in settings."""
    suppression = Suppression(path.with_name("erased.json"), "of nobody: the bench erases no person")
    suppression.open()
    return DuckDBStore(
        path,
        memory_limit_mb=STORE.memory_limit_mb,
        threads=STORE.threads,
        temp_directory=path.parent / "tmp",
        quarantine=path.parent / "quarantine",
        suppression=suppression,
        rejected_bytes_max=STORE.rejected_bytes_max,
    )


def _measure(feed: Feed, lines: Lines, events: int, loads: int) -> None:
    """Print the median of the loads of each share, which come by turns, as the store grows meanwhile."""
    turns = [
        [feed.load(events, functools.partial(lines.of, percent=percent)) for percent in LATE_PERCENT]
        for _ in range(loads)
    ]
    for percent, taken in zip(LATE_PERCENT, zip(*turns, strict=True), strict=True):
        load_s, cpu_s = (statistics.median(seconds) for seconds in zip(*taken, strict=True))
        print(
            f"batches of {events:6,}, {percent:4g} % late{events / load_s:10,.0f} events/s{load_s:8.3f} s a load"
            f"{events / cpu_s:10,.0f} for a CPU-second"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.late", description="What events of long ago cost a load.")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"events of the store (default: {EVENTS:,})")
    parser.add_argument("--loads", type=int, default=LOADS, help=f"loads of each kind (default: {LOADS})")
    parser.add_argument("--dir", type=Path, default=Path(), help="where to make the temporary directory (default: .)")
    return parser


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


if __name__ == "__main__":
    main()
