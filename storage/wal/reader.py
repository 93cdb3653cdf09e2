"""Reading every log of a data directory up to what is durable, for the batcher.

Of a living log a group is read only when an intact frame stands behind it: that frame was written after the group's
sync returned (rule R6). A dead log is recovered first and then read to its SEAL. One that cannot be recovered or read
now is tried again later, and the others go on.
"""

import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from storage.errors import DirectoryBusy, LogUnreadable, LogVersionUnknown
from storage.health import LogCounts
from storage.ports import LogPosition, LogRange
from storage.wal.recovery import recover
from storage.wal.run import Run
from storage.wal.segments import Segments
from storage.wal.unreadable import Unreadable

ALARMS_MAX = 20
"""How many damaged places are named in /health; the log names every one."""

CANNOT_BE_READ = (OSError, LogUnreadable, LogVersionUnknown)
"""What concerns one log, and may pass: a bad sector, no permission, a program that is too old."""

BEHIND_EVERY_SEGMENT = sys.maxsize
"""The end of a log that cannot be told: only who has read all of the log is past it."""


class LogReader:
    """Takes durable runs of groups, oldest log first; remembers nothing that `positions` does not say.

    Damage is passed over and told in `alarms`, oldest first; what it took becomes a run that `is_lost`.
    """

    def __init__(self, segments: Segments, quarantine: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._segments = segments
        self._quarantine = quarantine
        self._clock = clock
        self._caught_up_at = clock()
        self._ending = threading.Lock()
        self._dead: set[str] = set()
        self._counts: dict[str, LogCounts] = {}
        self._unended, self._unread = Unreadable(clock), Unreadable(clock)
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
        between groups: a run has at least one. A log that is `unreadable` is left out until its next try is due.
        """
        if self._taken is not None:
            self._positions[self._taken.log_id], self._taken = self._taken, None
        self._end_dead_logs()
        for log_id in self._unfinished():
            if self._unread.is_waiting(log_id):
                continue
            batch = self._take_from(log_id, spool, events_max, bytes_max)
            if batch is not None:
                return batch
        if not self.unreadable():
            self._caught_up_at = self._clock()
        self._segments.archive.close()
        return None

    def unreadable(self) -> list[str]:
        """Return which logs cannot be read now, and why, oldest first; may be asked from any thread."""
        reasons = self._unended.reasons() | self._unread.reasons()
        return [reasons[log_id] for log_id in sorted(reasons)]

    def loaded(self) -> dict[str, LogPosition]:
        """Return how far each log is read; the run that was taken last is left out."""
        return dict(self._positions)

    def ends(self) -> dict[str, LogPosition]:
        """Return where each log ends now, by its bytes; `next_offset` says nothing."""
        ends: dict[str, LogPosition] = {}
        for log_id in self._segments.log_ids():
            try:
                numbers = self._segments.numbers(log_id)
                size = self._segments.size(log_id, numbers[-1]) if numbers else 0
            except CANNOT_BE_READ:
                numbers, size = [BEHIND_EVERY_SEGMENT], 0
            if numbers:
                ends[log_id] = LogPosition(log_id=log_id, next_offset=-1, segment=numbers[-1], byte_end=size)
        return ends

    def has_passed(self, ends: dict[str, LogPosition]) -> bool:
        """Return whether everything before `ends` was taken, but for the last run."""
        return all(log_id in self._done or self._is_past(end) for log_id, end in ends.items())

    def has_history(self) -> bool:
        """Return whether there is more than the one log that the first start of a daemon writes."""
        return len(self._segments.log_ids()) > 1 or bool(self._segments.archive.log_ids())

    def is_ended(self, log_id: str) -> bool:
        """Return whether nobody writes to the log any more, and it was recovered."""
        return log_id in self._counts

    def lag_bytes(self) -> int:
        """Return the bytes of the logs behind the positions, frame headers included; may be asked from any thread."""
        return sum(self._lag_of(log_id) for log_id in self._unfinished())

    def lag_s(self) -> float:
        """Return for how long something was left to read at every look; may be asked from any thread."""
        return self._clock() - self._caught_up_at

    def ended(self) -> LogCounts:
        """Return what the logs hold whose writer is dead; may be asked from any thread.

        One that cannot be ended counts with the lines that were read.
        """
        self._end_dead_logs()
        counts = [self._counts.get(log_id) or LogCounts(self._lines_read(log_id)) for log_id in sorted(self._dead)]
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
            run = Run(self._segments, self._quarantine, position, lines, alive=not self.is_ended(log_id))
            try:
                run.read(events_max=events_max, bytes_max=bytes_max)
            except CANNOT_BE_READ as error:
                self._unread.note(log_id, str(error))
            else:
                self._unread.forget(log_id)
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
                if self.is_ended(log_id) or self._unended.is_waiting(log_id):
                    continue
                try:
                    self._end_if_dead(log_id)
                except CANNOT_BE_READ as error:
                    self._unended.note(log_id, f"log {log_id} cannot be ended: {error}")
                else:
                    self._unended.forget(log_id)

    def _end_if_dead(self, log_id: str) -> None:
        """Recover and count a log whose writer is dead: its counts are final."""
        lock = self._segments.lock(log_id)
        try:
            with contextlib.suppress(FileNotFoundError):  # all of it is archived, and its directory gone
                lock.acquire()
            self._dead.add(log_id)
            recover(self._segments.root / log_id, self._quarantine, self._segments.files)
            self._counts[log_id] = self._count(log_id)
        except DirectoryBusy:
            return
        finally:
            lock.release()

    def _lines_read(self, log_id: str) -> int:
        return self._positions[log_id].next_offset if log_id in self._positions else 0

    def _lag_of(self, log_id: str) -> int:
        # A dead log that is not read to its end is behind, even where a damaged archive says that it is short.
        least = 1 if log_id in self._dead else 0
        try:
            return max(least, self._bytes_behind(log_id))
        except CANNOT_BE_READ:
            return 1  # how far it is behind cannot be told, only that it is

    def _bytes_behind(self, log_id: str) -> int:
        position = self._positions.get(log_id) or _beginning(log_id)
        ahead = [number for number in self._segments.numbers(log_id) if number >= position.segment]
        begun = position.byte_end if position.segment in ahead else 0
        return sum(self._segments.size(log_id, number) for number in ahead) - begun

    def _count(self, log_id: str) -> LogCounts:
        ends = [self._segments.end(log_id, number) for number in self._segments.numbers(log_id)]
        return LogCounts(
            max((end.next_offset for end in ends), default=0),
            sum(end.totals.rejected for end in ends),
            sum(end.totals.duplicates for end in ends),
        )


def _beginning(log_id: str) -> LogPosition:
    return LogPosition(log_id=log_id, next_offset=0, segment=1, byte_end=0)
