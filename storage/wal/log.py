"""The write-ahead log of one front: requests join the group that waits for the next fdatasync."""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from storage.errors import LogFailed, LogFull
from storage.files import make_directory
from storage.filesystem import LOCAL, FileSystem
from storage.health import LogHealth
from storage.wal.commits import Commits
from storage.wal.directory import new_directory
from storage.wal.room import require_room
from storage.wal.unflushed import Unflushed
from storage.wal.writer import Group, SegmentWriter

TICK_S = 1.0
"""How often an idle log looks at its segment's age and at the free space."""

log = structlog.get_logger()


class _PendingGroup(Group):
    """A group and the requests that wait for it."""

    __slots__ = ("handed_over_at", "size", "waiters")

    def __init__(self, first_offset: int) -> None:
        super().__init__(first_offset)
        self.waiters: list[asyncio.Future[None]] = []
        self.handed_over_at = 0.0
        self.size = 0


class WriteAheadLog:
    """An EventLog in `<root>/<log_id>/`; a new log_id at every start, so that offsets are never used twice.

    The caller holds the lock of the data directory. One thread owns the files; it is handed one group at a time, and
    all that arrives during a sync is the next group. `failed` is set when the log broke: the process should end.
    """

    def __init__(
        self,
        root: Path,
        *,
        group_bytes_max: int,
        group_events_max: int,
        segment_bytes_max: int,
        segment_age_s: float,
        fence_idle_s: float,
        unflushed_bytes_max: int,
        append_wait_s: float,
        disk_free_bytes_min: int,
        backlog_bytes_max: int,
        clock: Callable[[], float] = time.monotonic,
        files: FileSystem = LOCAL,
    ) -> None:
        self._root = root
        self._group_bytes_max = group_bytes_max
        self._group_events_max = group_events_max
        self._segment_bytes_max = segment_bytes_max
        self._segment_age_s = segment_age_s
        self._fence_idle_s = fence_idle_s
        self._disk_free_bytes_min = disk_free_bytes_min
        self._backlog_bytes_max = backlog_bytes_max
        self._clock = clock
        self._files = files
        self._pending: deque[_PendingGroup] = deque()
        self._writing: _PendingGroup | None = None
        self._hand_over_due = False
        self._orders: queue.SimpleQueue[_PendingGroup | None] = queue.SimpleQueue()
        self._unflushed = Unflushed(bytes_max=unflushed_bytes_max, wait_s=append_wait_s)
        self._durable_offset = -1
        self._full_reason: str | None = None
        self._groups = self._duplicates = self._rejected = 0
        self._commits = Commits()
        self._closing = False
        self._next_offset = 0
        self.failed = asyncio.Event()
        self._failure: str | None = None

    async def __aenter__(self) -> Self:
        """Make the log's directory and its first segment, and start the thread; OSError or LogFull when it cannot."""
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._clock()
        self.log_id = await asyncio.to_thread(self._create)
        self._thread = threading.Thread(target=self._write_groups, name="log", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is pending, seal, and free the lock."""
        self._closing = True
        if self._writing is None:
            self._hand_over()
        await asyncio.to_thread(self._thread.join)
        self._lock.release()

    async def append(self, lines: Sequence[bytes], *, rejected: int = 0, duplicates: int = 0) -> int:
        """Append as the port says; a caller that is cancelled meanwhile takes nothing out of its group."""
        size = sum(map(len, lines))
        await self._unflushed.add(size)
        self._require_open(size)
        group, first = self._group_for(len(lines), size), self._next_offset
        self._next_offset = group.add(lines)
        group.size += size
        group.rejected += rejected
        group.duplicates += duplicates
        await self._durable(group)
        return first

    async def seal(self) -> int:
        """End the open segment, durably, and return the offset that the next one begins with; raises as `append` does."""
        self._require_open()
        group = self._group_for(0, 0)
        group.seals = True
        await self._durable(group)
        if not group.is_sealed:
            raise LogFull("no room to seal the segment")
        return group.first_offset + group.count

    def health(self) -> LogHealth:
        """Return figures as the port says; the counts are of this incarnation."""
        p50_s, p99_s = self._commits.percentiles(50, 99)
        return LogHealth(
            log_id=self.log_id,
            accepting=self._failure is None and self._full_reason is None and not self._closing,
            reason=self._failure or self._full_reason,
            durable_offset=self._durable_offset,
            segment=self._writer.segment,
            segment_bytes=self._writer.segment_bytes,
            unflushed_bytes=self._unflushed.bytes,
            groups=self._groups,
            duplicates=self._duplicates,
            rejected=self._rejected,
            commit_p50_s=p50_s,
            commit_p99_s=p99_s,
        )

    def stuck(self, silent_s: float) -> bool:
        """Return whether the log broke, or its thread was silent for `silent_s` more than it may; full is not stuck."""
        silent_max_s = silent_s + self._fence_idle_s + TICK_S
        return self._failure is not None or self._clock() - self._heard_at > silent_max_s

    # On the loop: groups.

    def _require_open(self, size: int = 0) -> None:
        if self._failure is not None or self._closing:
            self._unflushed.release(size)
            raise LogFailed(self._failure or "the log is closing")

    def _durable(self, group: _PendingGroup) -> asyncio.Future[None]:
        """Return what is done once the group survives a power cut."""
        waiter = self._loop.create_future()
        group.waiters.append(waiter)
        if self._writing is None and not self._hand_over_due:
            # Not at once: what this turn of the loop still brings joins the group.
            self._hand_over_due = True
            self._loop.call_soon(self._hand_over)
        return waiter

    def _group_for(self, count: int, size: int) -> _PendingGroup:
        if self._pending:
            group = self._pending[-1]
            fits = group.count + count <= self._group_events_max
            if fits and len(group.buffer) + size <= self._group_bytes_max:
                return group
        group = _PendingGroup(self._next_offset)
        self._pending.append(group)
        return group

    def _hand_over(self) -> None:
        self._hand_over_due = False
        if self._writing is not None:
            return
        if self._pending:
            self._writing = self._pending.popleft()
            self._writing.handed_over_at = self._clock()
            self._orders.put(self._writing)
        elif self._closing:
            self._orders.put(None)

    def _written(self, group: _PendingGroup) -> None:
        self._durable_offset += group.count
        self._full(None)
        self._commits.add(self._heard_at - group.handed_over_at)
        self._groups += 1
        self._duplicates += group.duplicates
        self._rejected += group.rejected
        self._finish(group)
        self._writing = None
        self._hand_over()

    def _refused(self, error: Exception) -> None:
        """Fail everything that waits: offsets above the durable one were never promised and are used again."""
        lost = [group for group in (self._writing, *self._pending) if group is not None]
        self._pending.clear()
        self._writing = None
        self._next_offset = self._durable_offset + 1
        for group in lost:
            self._finish(group, error)
        self._hand_over()

    def _finish(self, group: _PendingGroup, error: Exception | None = None) -> None:
        for waiter in group.waiters:
            if waiter.done():
                continue  # its client left; its lines stay in the group
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(type(error)(str(error)))
        self._unflushed.release(group.size)

    def _full(self, reason: str | None) -> None:
        self._heard_at = self._clock()  # every sign of the thread comes by here
        if reason is not None and self._full_reason is None:
            log.warning("log_full", log_id=self.log_id, reason=reason)
        elif reason is None and self._full_reason is not None:
            log.info("log_accepts_again", log_id=self.log_id)
        self._full_reason = reason

    def _broke(self, error: Exception) -> None:
        self._failure = f"the log cannot be written: {error}"
        self._refused(LogFailed(self._failure))
        self.failed.set()

    # On the log's own thread: files.

    def _create(self) -> str:
        make_directory(self._root, files=self._files)
        require_room(self._root, self._disk_free_bytes_min, self._files)
        log_id, self._lock = new_directory(self._root, self._files)
        self._writer = SegmentWriter(
            self._root / log_id,
            log_id,
            segment_bytes_max=self._segment_bytes_max,
            segment_age_s=self._segment_age_s,
            disk_free_bytes_min=self._disk_free_bytes_min,
            backlog_bytes_max=self._backlog_bytes_max,
            clock=self._clock,
            files=self._files,
        )
        self._writer.open_segment()
        return log_id

    def _write_groups(self) -> None:
        try:
            while self._write_next():
                pass
            self._writer.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, a silent thread would hang every request
            # Never retried: after a failed fsync the kernel may call pages clean that never reached the disk.
            self._loop.call_soon_threadsafe(self._broke, error)

    def _write_next(self) -> bool:
        group = self._next_order()
        if group is None:
            return False
        try:
            self._writer.write(group)
        except LogFull as error:
            # Refused requests leave the log no idle moment, and only a fence makes the last group one to load (rule R6).
            self._writer.fence()
            self._loop.call_soon_threadsafe(self._full, str(error))
            self._loop.call_soon_threadsafe(self._refused, error)
        else:
            self._loop.call_soon_threadsafe(self._written, group)
        return True

    def _next_order(self) -> _PendingGroup | None:
        try:
            return self._orders.get(timeout=self._fence_idle_s)
        except queue.Empty:
            self._writer.fence()
        while True:
            try:
                return self._orders.get(timeout=TICK_S)
            except queue.Empty:
                self._tick()

    def _tick(self) -> None:
        self._writer.fence()
        self._writer.seal_if_old()
        try:
            self._writer.check_room()
        except LogFull as error:
            self._loop.call_soon_threadsafe(self._full, str(error))
        else:
            self._loop.call_soon_threadsafe(self._full, None)
