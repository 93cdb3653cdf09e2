"""Copies the log into the store: durable runs, one transaction each, exactly once."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from storage.crashpoint import reached
from storage.eraser import Eraser
from storage.errors import StorageError, StoreDamaged
from storage.health import LoadProgress
from storage.ports import EventSink, LogPosition
from storage.rebuild import Rebuild
from storage.rederivation import Rederivation
from storage.wal.reader import LogReader

log = structlog.get_logger()

ERASURE_CHECKPOINT_S = 1.0
"""How long to wait between checkpoints while somebody is to be erased: only what is archived can be rewritten."""

RETRY_S = 1.0
"""How long to wait before a run that could not be stored is tried again; each further wait is twice as long."""

RETRY_S_MAX = 60.0
"""The longest of these waits."""


BACKLOG_BATCHES = 5
"""So many times `batch_events` are one load at the most: where so much waits, fewer loads are twice as quick."""


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
        checkpoint_s: float,
        checkpointed: Callable[[dict[str, LogPosition]], None],
        eraser: Eraser | None = None,
        rebuild: Rebuild | None = None,
        rederivation: Rederivation | None = None,
        emulate_slow_s: float = 0.0,
        retry_s: float = RETRY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._sink = sink
        self._spool = spool
        self._batch_age_s = batch_age_s
        self._batch_events = batch_events
        self._batch_bytes_max = batch_bytes_max
        self._checkpoint_s = checkpoint_s
        self._checkpointed = checkpointed
        self._eraser = eraser
        self._rebuild = rebuild
        self._rederivation = rederivation
        self._checkpoint_at: datetime | None = None
        self._clock = clock
        self._checkpointed_at = clock()
        self._emulate_slow_s = emulate_slow_s
        self._retry_s = self._retry_wait_s = retry_s
        self._stop = threading.Event()
        self._load_error: str | None = None

    def progress(self) -> LoadProgress:
        """Return how far the store is behind; may be asked from any thread."""
        return LoadProgress(
            lag_bytes=self._reader.lag_bytes(),
            lag_s=self._reader.lag_s(),
            ended=self._reader.ended(),
            alarms=tuple(self._reader.alarms),
            unreadable=tuple(self._reader.unreadable()),
            last_error=self._load_error,
            checkpoint_at=self._checkpoint_at,
            erasing=0 if self._eraser is None else self._eraser.count(),
            rebuild=None if self._rebuild is None else self._rebuild.progress(),
        )

    def run(self) -> None:
        """Take steps until `stop`: at once while a full batch waits, else every `batch_age_s`. Does not drain.

        StoreDamaged ends it: only a start with new files helps.
        """
        self.open()
        wait_s = 0.0
        while not self._stop.wait(wait_s):
            try:
                wait_s = self.step()
                self._load_error, self._retry_wait_s = None, self._retry_s
            except StoreDamaged:
                raise
            except (StorageError, OSError) as error:
                wait_s = self._retry_wait_s
                self._retry_wait_s = min(2 * wait_s, RETRY_S_MAX)
                log.error("load_failed", reason=str(error), retry_s=wait_s)
                self._load_error = str(error)
                self.open()

    def open(self) -> None:
        """Go on from where the store says it is."""
        self._reader.rewind(self._sink.positions())

    def step(self) -> float:
        """Load the next batch, and do what else is due; return how long to wait before the next step, in seconds.

        Every `checkpoint_s` `checkpointed` is told how far the store got before a checkpoint that succeeded.
        """
        self._sink.check()
        wait_s = self._load_next()
        self._erase()
        if self._rederivation is not None:
            self._rederivation.do_next()
        if self._rebuild is not None:
            self._rebuild.look()
        if self._clock() - self._checkpointed_at >= self._checkpoint_wait_s():
            self._checkpointed_at = self._clock()
            self._checkpoint()
        return wait_s

    def stop(self) -> None:
        """End `run` after the transaction that is under way; what is not copied is in the log."""
        self._stop.set()

    def _erase(self) -> None:
        if self._eraser is not None and self._eraser.clean_store():
            self._spool.unlink(missing_ok=True)  # the last batch's lines may be an erased person's

    def _checkpoint_wait_s(self) -> float:
        hurried = self._eraser is not None and self._eraser.count() > 0
        return min(self._checkpoint_s, ERASURE_CHECKPOINT_S) if hurried else self._checkpoint_s

    def _checkpoint(self) -> None:
        # Before it: what is loaded after these positions may not be in the checkpoint.
        positions = self._reader.loaded()
        self._sink.checkpoint()
        self._checkpoint_at = datetime.now(UTC)
        reached("checkpoint_durable")
        self._checkpointed(positions)

    def _load_next(self) -> float:
        """Copy the next run and return how long to wait for another one, in seconds."""
        events_max = BACKLOG_BATCHES * self._batch_events
        batch = self._reader.take(self._spool, events_max=events_max, bytes_max=self._batch_bytes_max)
        if batch is None:
            return self._batch_age_s
        if self._stop.wait(self._emulate_slow_s):
            return 0.0  # the end of a pretended slowness need not be waited for: the batch is in the log
        self._sink.apply(batch, self._spool)
        # Behind a run that is lost there is more.
        return 0.0 if batch.is_lost or batch.count >= self._batch_events else self._batch_age_s
