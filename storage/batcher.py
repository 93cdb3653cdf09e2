"""Copies the log into the store: durable runs, one transaction each, exactly once."""

import threading
from pathlib import Path

import structlog

from storage.errors import StorageError
from storage.ports import EventSink, LoadProgress
from storage.wal.reader import LogReader

log = structlog.get_logger()

RETRY_S = 1.0
"""How long to wait before a run that could not be stored is tried again."""


class Batcher:
    """Runs in a thread of its own until `stop`; every load is slowed by `emulate_slow_s`, which shows who waits for it."""

    def __init__(
        self,
        reader: LogReader,
        sink: EventSink,
        spool: Path,
        *,
        batch_age_s: float,
        batch_events: int,
        batch_bytes_max: int,
        emulate_slow_s: float = 0.0,
        retry_s: float = RETRY_S,
    ) -> None:
        self._reader = reader
        self._sink = sink
        self._spool = spool
        self._batch_age_s = batch_age_s
        self._batch_events = batch_events
        self._batch_bytes_max = batch_bytes_max
        self._emulate_slow_s = emulate_slow_s
        self._retry_s = retry_s
        self._stop = threading.Event()
        self._load_error: str | None = None

    def progress(self) -> LoadProgress:
        """Return how far the store is behind; may be asked from any thread."""
        corrupt = next(iter(self._reader.corrupt.values()), None)
        return LoadProgress(self._reader.lag_bytes(), self._load_error or corrupt)

    def run(self) -> None:
        """Load until `stop`: at once while a full batch waits, else every `batch_age_s`. Does not drain."""
        self._reader.rewind(self._sink.positions())
        wait_s = 0.0
        while not self._stop.wait(wait_s):
            try:
                wait_s = self._load_next()
                self._load_error = None
            except StorageError as error:
                log.error("load_failed", reason=str(error), retry_s=self._retry_s)
                self._load_error = str(error)
                self._reader.rewind(self._sink.positions())
                wait_s = self._retry_s

    def stop(self) -> None:
        """End `run` after the transaction that is under way; what is not copied is in the log."""
        self._stop.set()

    def _load_next(self) -> float:
        """Copy the next run and return how long to wait for another one, in seconds."""
        batch = self._reader.take(self._spool, events_max=self._batch_events, bytes_max=self._batch_bytes_max)
        if batch is None:
            return self._batch_age_s
        if self._stop.wait(self._emulate_slow_s):
            return 0.0  # the end of a pretended slowness need not be waited for: the batch is in the log
        self._sink.apply(batch, self._spool)
        full = batch.to_offset - batch.from_offset + 1 >= self._batch_events
        return 0.0 if full else self._batch_age_s
