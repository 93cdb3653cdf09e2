"""How long the metrics of POST /query take in the store, on one thread: `python -m bench.metrics [events]`.

A store of its own with made-up events of 30,000 persons in 60 days, half of them in the 30 days that are asked for.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from storage.duckdb.connection import connect
from storage.duckdb.reader import Reader
from storage.query.metrics import MetricsQuery

EVENTS = 4_000_000
EVENTS_OF_A_VISIT = 5
DAYS = 30
MEMORY_LIMIT_MB = 128
END = datetime(2026, 11, 21, tzinfo=UTC)
ALL = ("visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration")

MAKE_EVENTS = """
INSERT INTO events BY NAME
WITH visit AS (
    SELECT
        floor(pow(random(), 1.5) * 30000)::INTEGER AS person,
        TIMESTAMP '2026-11-21' - INTERVAL 1 SECOND * (random() * 86400 * 60)::INTEGER AS began,
        1 + floor(-ln(1 - random()) * 4.5)::INTEGER AS length,
        random() AS origin
    FROM range($visits)
),
step AS (SELECT *, unnest(range(length)) AS nth FROM visit),
event AS (
    SELECT *, began + INTERVAL 1 SECOND * (nth * 90 * random())::INTEGER AS occurred_at, random() AS what FROM step
)
SELECT
    row_number() OVER by_time // 1000 AS position,
    'bench' AS log_id,
    row_number() OVER by_time AS "offset",
    'site' AS app_code,
    uuid() AS event_key,
    CASE WHEN what < 0.8 OR nth = 0 THEN 'pageview' ELSE 'click' END AS source_label,
    CASE WHEN person % 10 = 0 AND nth > 2 THEN 'user' || md5(person::VARCHAR) END AS user_id,
    md5(person::VARCHAR)::UUID::VARCHAR AS anonymous_id,
    occurred_at,
    true AS time_given,
    occurred_at AS received_at,
    'https://shop.example/' || left(md5(floor(pow(what, 3) * 2000)::VARCHAR), 12) AS page_url,
    CASE
        WHEN nth > 0 THEN 'https://shop.example/'
        WHEN origin < 0.3 THEN 'https://www.search.example/?q=' || md5(origin::VARCHAR)
        WHEN origin < 0.8 THEN 'https://news' || person % 200 || '.example/'
    END AS referrer,
    CASE WHEN nth > 0 THEN NULL WHEN origin < 0.3 THEN 1 WHEN origin < 0.8 THEN 2 + person % 200 END AS arrival_id
FROM event
WINDOW by_time AS (ORDER BY occurred_at)
ORDER BY occurred_at
"""
MAKE_ARRIVALS = """
INSERT INTO arrival BY NAME
SELECT number AS arrival_id, 'source ' || number AS source, 'Referral' AS channel, false AS is_spam
FROM range(1, 202) AS made(number)
"""
MAKE_OWNERS = """
INSERT INTO owner
SELECT app_code, anonymous_id, min(user_id), min(received_at), 'bench', 0
FROM events WHERE user_id IS NOT NULL GROUP BY app_code, anonymous_id
"""

MAKE_LEDGER = """
INSERT INTO ledger SELECT max(position), 'bench', 1, count(*), count(*), 0, 0, 0, 0, 1, 1, now()::TIMESTAMP FROM events
"""

QUESTIONS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "total, all seven metrics": (ALL, None),
    "total, visitors, pageviews, events": (("visitors", "pageviews", "events"), None),
    "by day, visitors, pageviews": (("visitors", "pageviews"), "time:day"),
    "by hour, visitors, pageviews": (("visitors", "pageviews"), "time:hour"),
    "by day, all seven metrics": (ALL, "time:day"),
    "by page, visitors, pageviews": (("visitors", "pageviews"), "page"),
    "by page, all seven metrics": (ALL, "page"),
    "by source, visitors, visits": (("visitors", "visits"), "source"),
    "by source, all seven metrics": (ALL, "source"),
}


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with tempfile.TemporaryDirectory(dir=".") as directory:
        path = Path(directory) / "events.duckdb"
        make(path, events)
        connection = connect(
            path, memory_limit_mb=MEMORY_LIMIT_MB, threads=1, temp_directory=path.parent / "tmp", created_at=END
        )
        for name, (metrics, dimension) in QUESTIONS.items():
            alone, scanned = fastest_s(Reader(connection.cursor(), print), question(metrics, dimension, compare=False))
            compared, _ = fastest_s(Reader(connection.cursor(), print), question(metrics, dimension, compare=True))
            print(f"{name:36}{1000 * alone:7.0f} ms{1000 * compared:7.0f} ms compared  of {scanned:,} events")
        connection.close()


def make(path: Path, events: int) -> None:
    connection = connect(path, memory_limit_mb=2048, threads=2, temp_directory=path.parent / "tmp", created_at=END)
    connection.execute("SELECT setseed(0.5)")
    connection.execute(MAKE_EVENTS, {"visits": events // EVENTS_OF_A_VISIT})
    connection.execute(MAKE_ARRIVALS)
    connection.execute(MAKE_OWNERS)
    connection.execute(MAKE_LEDGER)
    connection.execute("CHECKPOINT")
    connection.close()


def question(metrics: tuple[str, ...], dimension: str | None, *, compare: bool) -> MetricsQuery:
    by_time = dimension is not None and dimension.startswith("time:")
    members = {
        "type": "metrics",
        "app_code": "site",
        "from_time": END - timedelta(days=DAYS),
        "to_time": END,
        "metrics": metrics,
        "order": None if by_time else metrics[0],
        "descending": not by_time,
        "limit": 1000 if by_time else 10,
        "dimension": dimension,
        "compare": compare,
    }
    return msgspec.convert(members, MetricsQuery)


def fastest_s(reader: Reader, query: MetricsQuery) -> tuple[float, int]:
    """Return the seconds of the fastest of three answers, and the events that are in range."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        scanned = reader.metrics(query).rows_scanned
        times.append(time.perf_counter() - began)
    return min(times), scanned


if __name__ == "__main__":
    main()
