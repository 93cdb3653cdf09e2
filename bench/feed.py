"""Loads made-up batches into a store, timed: what `bench.late` and `bench.enrichment` measure by."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from storage.duckdb.store import DuckDBStore
from storage.ports import LogRange


class Feed:
    """Loads batches of the log `log_id` into a store, one behind the other."""

    def __init__(self, store: DuckDBStore, spool: Path, log_id: str) -> None:
        self._store = store
        self._spool = spool
        self._log_id = log_id
        self._next_offset = 0

    def load(self, events: int, lines_of: Callable[[range], Iterable[str]]) -> tuple[float, float]:
        """Load so many events, whose lines those of their offsets are; return the seconds, and those of processor time."""
        first, self._next_offset = self._next_offset, self._next_offset + events
        self._spool.write_text("".join(lines_of(range(first, self._next_offset))), encoding="ascii")
        batch = LogRange(
            log_id=self._log_id,
            from_offset=first,
            to_offset=self._next_offset - 1,
            segment=1,
            byte_end=self._next_offset,
            duplicates=0,
        )
        began, began_cpu_s = time.perf_counter(), time.process_time()
        self._store.apply(batch, self._spool)
        return time.perf_counter() - began, time.process_time() - began_cpu_s
