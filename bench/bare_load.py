"""The baseline of replay: DuckDB's own typed reading of the same lines into the same columns, and nothing else."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.lines import lines
from collector.settings import Settings
from storage.duckdb.connection import connect
from storage.wal.segment import HEADER_BYTES
from storage.wal.writer import Group

GROUP_EVENTS = 1000
INSERT = """
INSERT INTO events BY NAME
SELECT 0 AS position, 'bench' AS log_id, event_id AS event_key, coalesce(id_given, false) AS time_given, * EXCLUDE (event_id, id_given)
FROM read_ndjson($path, maximum_object_size = 1048576, columns = {
    "offset": 'BIGINT',
    event_id: 'UUID',
    app_code: 'VARCHAR',
    source_label: 'VARCHAR',
    received_at: 'TIMESTAMP',
    occurred_at: 'TIMESTAMP',
    sent_at: 'TIMESTAMP',
    user_id: 'VARCHAR',
    anonymous_id: 'VARCHAR',
    page_url: 'VARCHAR',
    referrer: 'VARCHAR',
    title: 'VARCHAR',
    attrs: 'JSON',
    id_given: 'BOOLEAN',
    country: 'VARCHAR',
    filtered: 'VARCHAR',
    signal: 'VARCHAR',
    violation: 'VARCHAR'
})
"""


class BareLoad(NamedTuple):
    """What one statement took for all lines."""

    seconds: float
    cpu_s: float


def write_lines(path: Path, events: int) -> None:
    """Write the lines that a log of `events` events has, without its headers."""
    first = 0
    with path.open("wb") as file:
        for one in lines(events, at_once=GROUP_EVENTS):
            group = Group(first)
            first = group.add(one)
            file.write(group.buffer[HEADER_BYTES:])


def bare_load(directory: Path, path: Path, settings: Settings) -> BareLoad:
    """Load the lines of `path` into a new file in `directory`, which it must be in; the file is gone afterwards.

    Threads and memory are the store's; no CRC, no ledger, no repeats, one transaction.
    """
    database = directory / "bare.duckdb"
    connection = connect(
        database,
        memory_limit_mb=settings.store.memory_limit_mb,
        threads=settings.store.threads,
        temp_directory=directory / "tmp",
        created_at=datetime.now(UTC),
    )
    with connection:
        began, began_cpu_s = time.monotonic(), time.process_time()
        connection.execute(INSERT, {"path": str(path)})
        taken = BareLoad(time.monotonic() - began, time.process_time() - began_cpu_s)
    database.with_suffix(".duckdb.wal").unlink(missing_ok=True)
    database.unlink()
    return taken
