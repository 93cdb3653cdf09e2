"""Whether the store is being filled again from archive and log, and how far that is; until then it answers nothing."""

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import structlog

from storage.errors import StoreRebuilding
from storage.health import RebuildBegun, RebuildProgress
from storage.ports import LogPosition
from storage.wal.reader import LogReader

MISSING = "the database was missing"

log = structlog.get_logger()


class RebuiltStore(Protocol):
    """What a store remembers of it, so that a killed rebuild goes on as one."""

    @property
    def aside_reason(self) -> str | None:
        """Why this start set the files aside, None where it did not."""

    def positions(self) -> dict[str, LogPosition]:
        """Return how far each log is loaded, by log_id."""

    def rebuild_begun(self) -> RebuildBegun | None:
        """Return the rebuild that has begun and not ended."""

    def begin_rebuild(self, reason: str, bytes_total: int) -> RebuildBegun:
        """Note durably that the store is filled again."""

    def end_rebuild(self) -> None:
        """Note durably that it has been."""


class _Active(NamedTuple):
    begun: RebuildBegun
    ends: dict[str, LogPosition]
    since_s: float
    bytes_then: int


class Rebuild:
    """Begun before the first question and the first load; `look` is for the thread that loads, the rest for any."""

    def __init__(self, reader: LogReader, store: RebuiltStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._store = store
        self._clock = clock
        self._active: _Active | None = None

    def begin(self) -> None:
        """Find out whether the store is to be filled again, or goes on with that; a new data directory is not."""
        positions = self._store.positions()
        self._reader.rewind(positions)
        begun, reason = self._store.rebuild_begun(), self._store.aside_reason
        if reason is None and not positions and self._reader.has_history():
            reason = MISSING
        if begun is None and reason is not None:
            begun = self._store.begin_rebuild(reason, self._reader.lag_bytes())
        if begun is not None:
            self._active = _Active(begun, self._reader.ends(), self._clock(), self._reader.lag_bytes())

    def look(self) -> None:
        """End it once the store has what the logs held when it began, or when this process did."""
        active = self._active
        if active is not None and self._reader.has_passed(active.ends):
            self._store.end_rebuild()
            self._active = None
            log.info("store_rebuilt", reason=active.begun.reason, bytes=active.begun.bytes_total)

    def progress(self) -> RebuildProgress | None:
        """Return how far it is; None while there is none."""
        active = self._active
        if active is None:
            return None
        left = min(self._reader.lag_bytes(), active.begun.bytes_total)
        done, took_s = active.bytes_then - left, self._clock() - active.since_s
        return RebuildProgress(
            reason=active.begun.reason,
            began_at=active.begun.began_at,
            bytes_total=active.begun.bytes_total,
            bytes_left=left,
            left_s=left * took_s / done if done > 0 else None,
        )

    def refuse_a_part(self) -> None:
        """StoreRebuilding while an answer would be of a part of the events."""
        progress = self.progress()
        if progress is not None:
            raise StoreRebuilding(f"the store is being rebuilt: {progress}")
