"""Reading every log of a data directory up to what is durable, for the batcher.

Of a living log a group is read only when an intact frame stands behind it: that frame was written after the group's
sync returned (rule R6). A dead log is recovered first and then read to its SEAL.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from storage.errors import DirectoryBusy
from storage.health import LogCounts
from storage.ports import LogPosition, LogRange
from storage.wal.recovery import recover
from storage.wal.run import Run
from storage.wal.segments import Segments

ALARMS_MAX = 20
"""How many damaged places are named in /health; the log names every one."""


class LogReader:
    """Takes durable runs of groups, oldest log first; remembers nothing that `positions` does not say.

    Damage is passed over and told in `alarms`, oldest first; what it took becomes a run that `is_lost`.
    """

    def __init__(self, segments: Segments, quarantine: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._segments = segments
        self._quarantine = quarantine
        self._clock = clock
        self._caught_up_at = clock()
        self._ended: set[str] = set()
        self._ending = threading.Lock()
        self._counts: dict[str, LogCounts] = {}
        self._done: set[str] = set()
        self._positions: dict[str, LogPosition] = {}
        self._taken: LogPosition | None = None
        self.alarms: deque[str] = deque(maxlen=ALARMS_MAX)

    def rewind(self, positions: dict[str, LogPosition]) -> None:
        """Go on from what the store says it has."""
        self._positions, self._taken = dict(positions), None
        self._done.clear()

    def take(self, spool: Path, *, events_max: int, bytes_max: int) -> LogRange | None:
        """Copy the next durable run of one log to `spool`, without headers; None when there is nothing to read.

        The next call goes on after it, `rewind` before it: until then its bytes count as lag. Limits are checked
        between groups: a run has at least one.

        Raises:
            LogVersionUnknown: a later version wrote one of the logs.
        """
        if self._taken is not None:
            self._positions[self._taken.log_id], self._taken = self._taken, None
        self._end_dead_logs()
        for log_id in self._unfinished():
            batch = self._take_from(log_id, spool, events_max, bytes_max)
            if batch is not None:
                return batch
        self._caught_up_at = self._clock()
        self._segments.archive.close()
        return None

    def loaded(self) -> dict[str, LogPosition]:
        """Return how far each log is read; the run that was taken last is left out."""
        return dict(self._positions)

    def ends(self) -> dict[str, LogPosition]:
        """Return where each log ends now, by its bytes; `next_offset` says nothing."""
        ends: dict[str, LogPosition] = {}
        for log_id in self._segments.log_ids():
            numbers = self._segments.numbers(log_id)
            if numbers:
                size = self._segments.size(log_id, numbers[-1])
                ends[log_id] = LogPosition(log_id=log_id, next_offset=-1, segment=numbers[-1], byte_end=size)
        return ends

    def has_passed(self, ends: dict[str, LogPosition]) -> bool:
        """Return whether everything before `ends` was taken, but for the last run."""
        return all(log_id in self._done or self._is_past(end) for log_id, end in ends.items())

    def has_history(self) -> bool:
        """Return whether there is more than the one log that the first start of a daemon writes."""
        return len(self._segments.log_ids()) > 1 or bool(self._segments.archive.log_ids())

    def is_ended(self, log_id: str) -> bool:
        """Return whether nobody writes to the log any more."""
        return log_id in self._ended

    def lag_bytes(self) -> int:
        """Return the bytes of the logs behind the positions, frame headers included; may be asked from any thread."""
        return sum(self._lag_of(log_id) for log_id in self._unfinished())

    def lag_s(self) -> float:
        """Return for how long something was left to read at every look; may be asked from any thread."""
        return self._clock() - self._caught_up_at

    def ended(self) -> LogCounts:
        """Return what the logs hold whose writer is dead; may be asked from any thread."""
        self._end_dead_logs()
        counts = [self._counts_of(log_id) for log_id in sorted(self._ended)]
        return LogCounts(
            sum(one.lines for one in counts), sum(one.rejected for one in counts), sum(one.duplicates for one in counts)
        )

    def _is_past(self, end: LogPosition) -> bool:
        at = self._positions.get(end.log_id) or _beginning(end.log_id)
        return (at.segment, at.byte_end) >= (end.segment, end.byte_end)

    def _unfinished(self) -> list[str]:
        return [log_id for log_id in self._segments.log_ids() if log_id not in self._done]

    def _take_from(self, log_id: str, spool: Path, events_max: int, bytes_max: int) -> LogRange | None:
        position = self._positions.get(log_id) or _beginning(log_id)
        with spool.open("wb") as lines:
            run = Run(self._segments, self._quarantine, position, lines, alive=log_id not in self._ended)
            run.read(events_max=events_max, bytes_max=bytes_max)
        self.alarms += run.alarms
        if not run.is_empty:
            self._taken = run.position()
            return run.range()
        self._positions[log_id] = run.position()
        if run.at_end:
            self._done.add(log_id)
        return None

    def _end_dead_logs(self) -> None:
        with self._ending:
            for log_id in self._segments.log_ids():
                if log_id not in self._ended and self._is_dead(log_id):
                    self._ended.add(log_id)

    def _is_dead(self, log_id: str) -> bool:
        lock = self._segments.lock(log_id)
        try:
            lock.acquire()
        except FileNotFoundError:
            return True  # all of it is archived, and its directory gone
        except DirectoryBusy:
            return False
        try:
            recover(self._segments.root / log_id, self._quarantine, self._segments.files)
        finally:
            lock.release()
        return True

    def _lag_of(self, log_id: str) -> int:
        position = self._positions.get(log_id) or _beginning(log_id)
        ahead = [number for number in self._segments.numbers(log_id) if number >= position.segment]
        begun = position.byte_end if position.segment in ahead else 0
        # An ended log that is not read to its end is behind, even where a damaged archive says that it is short.
        least = 1 if log_id in self._ended else 0
        return max(least, sum(self._segments.size(log_id, number) for number in ahead) - begun)

    def _counts_of(self, log_id: str) -> LogCounts:
        if log_id not in self._counts:
            ends = [self._segments.end(log_id, number) for number in self._segments.numbers(log_id)]
            self._counts[log_id] = LogCounts(
                max((end.next_offset for end in ends), default=0),
                sum(end.totals.rejected for end in ends),
                sum(end.totals.duplicates for end in ends),
            )
        return self._counts[log_id]


def _beginning(log_id: str) -> LogPosition:
    return LogPosition(log_id=log_id, next_offset=0, segment=1, byte_end=0)
