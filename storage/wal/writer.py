"""The writing side of one log directory: groups, fences and seals onto segment files; used by one thread."""

import errno
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

import msgspec

from storage.errors import LogFull
from storage.files import write_all
from storage.filesystem import LOCAL, FileSystem
from storage.wal.room import require_room, require_short
from storage.wal.segment import HEADER_BYTES, Header, Totals, header_crc, pack, payload_crc, seed, segment_name

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""The errors of write that pass by themselves; every other one ends the log."""

DISK_CHECK_S = 1.0
"""How old the last look at the free space may be."""

NO_CRC = "00000000"
"""What the first header of a log links to."""


class Group:
    """Lines that will be durable together. The buffer begins with room for the header line.

    `seals`: end the segment behind it; `is_sealed` says afterwards that it has ended.
    """

    __slots__ = ("buffer", "count", "duplicates", "first_offset", "is_sealed", "rejected", "seals")

    def __init__(self, first_offset: int) -> None:
        self.first_offset = first_offset
        self.buffer = bytearray(HEADER_BYTES)
        self.count = 0
        self.duplicates = 0
        self.rejected = 0
        self.seals = self.is_sealed = False

    def add(self, lines: Sequence[bytes]) -> int:
        """Put the lines behind those of the group, numbered on, and return the offset after the last one."""
        buffer, offset = self.buffer, self.first_offset + self.count
        for line in lines:
            # `{"offset":7` + `{"event_id":…}`, with the inner brace turned into a comma: no second encoding.
            buffer += b'{"offset":%d' % offset
            brace = len(buffer)
            buffer += line
            buffer[brace] = 0x2C
            buffer += b"\n"
            offset += 1
        self.count = offset - self.first_offset
        return offset


class _Place(TypedDict):
    log_id: str
    segment: int
    first_offset: int
    prev_crc: str


class SegmentWriter:
    """Writes into `directory`, whose lock the caller holds; every method may block on the disk.

    OSError from any method means that nothing written through this object can be trusted to be durable any more,
    except what an earlier return has promised.
    """

    def __init__(
        self,
        directory: Path,
        log_id: str,
        *,
        segment_bytes_max: int,
        segment_age_s: float,
        disk_free_bytes_min: int,
        backlog_bytes_max: int,
        clock: Callable[[], float] = time.monotonic,
        files: FileSystem = LOCAL,
    ) -> None:
        self._files = files
        self._directory = directory
        self._log_id = log_id
        self._segment_bytes_max = segment_bytes_max
        self._segment_age_s = segment_age_s
        self._disk_free_bytes_min = disk_free_bytes_min
        self._backlog_bytes_max = backlog_bytes_max
        self._clock = clock
        self._descriptor: int | None = None
        self._disk_checked_at = float("-inf")
        self._no_room: str | None = None
        self._fenced = True
        self._prev_crc = NO_CRC
        self._seed = 0
        self._totals = Totals()
        self._opened_at = 0.0
        self.segment = 0
        self.segment_bytes = 0
        self.next_offset = 0

    def open_segment(self) -> None:
        """Start the next segment: created, headed and synced, its directory entry too; LogFull where there is no room."""
        segment = self.segment + 1
        path = self._directory / segment_name(segment)
        segment_seed = seed(self._log_id, segment)
        line = pack(Header(frame="SEGMENT", **self._place() | {"segment": segment}), segment_seed)
        descriptor = self._begun(path, line)
        try:
            self._files.sync_data(descriptor)
            # The directory entry is data too: without this fsync a crash can lose the file.
            self._files.sync_directory(self._directory)
        except OSError:
            self._files.close(descriptor)
            raise
        self._descriptor, self._seed = descriptor, segment_seed
        self.segment, self.segment_bytes = segment, len(line)
        self._prev_crc, self._totals, self._opened_at = header_crc(line), Totals(), self._clock()

    def write(self, group: Group) -> None:
        """Return once the group survives a power cut.

        Raises:
            LogFull: no room; the segment is as it was before, and the log goes on when there is room again.
        """
        self.check_room()
        if self._descriptor is None:
            self.open_segment()
        assert self._descriptor is not None
        line = self.head_of(group)
        group.buffer[:HEADER_BYTES] = line
        self._write_or_truncate(group.buffer)
        self._files.sync_data(self._descriptor)
        if not self._files.is_named(self._descriptor):
            # The kernel syncs a file that was removed without complaint, and forgets it with its last descriptor.
            raise FileNotFoundError(errno.ENOENT, "removed while it was written", self._directory)
        self.segment_bytes += len(group.buffer)
        self.next_offset += group.count
        self._prev_crc, self._fenced = header_crc(line), False
        self._totals.add(group.count, len(group.buffer) - HEADER_BYTES, group.rejected, group.duplicates)
        if group.seals or self.segment_bytes >= self._segment_bytes_max:
            self.seal("asked" if group.seals else "size")
        else:
            self.seal_if_old()
        group.is_sealed = self._descriptor is None

    def head_of(self, group: Group) -> bytes:
        """Return the header line of the group as it would stand next, its CRCs computed; nothing is written."""
        with memoryview(group.buffer)[HEADER_BYTES:] as payload:
            head = Header(
                frame="DATA",
                **self._place(),
                count=group.count,
                bytes=len(payload),
                duplicates=group.duplicates,
                rejected=group.rejected,
                payload_crc=payload_crc(payload, self._seed),
            )
        return pack(head, self._seed)

    def fence(self) -> None:
        """Prove, by a header after it, that the last group was durable; not synced itself, without effect twice."""
        if self._fenced or self._descriptor is None:
            return
        line = pack(Header(frame="FENCE", **self._place()), self._seed)
        try:
            self._write_or_truncate(line)
        except LogFull:
            return  # the next group or the next idle moment proves it as well
        self.segment_bytes += len(line)
        self._prev_crc, self._fenced = header_crc(line), True

    def seal_if_old(self) -> None:
        """Seal a segment that has been open for `segment_age_s` and holds anything."""
        old = self._clock() - self._opened_at >= self._segment_age_s
        if old and self._descriptor is not None and self._totals != Totals():
            self.seal("age")

    def seal(self, reason: str) -> None:
        """End the open segment, synced; the next write starts another one. A full disk leaves it open instead."""
        if self._descriptor is None:
            return
        line = pack(
            Header(frame="SEAL", **self._place(), **msgspec.structs.asdict(self._totals), reason=reason), self._seed
        )
        try:
            self._write_or_truncate(line)
        except LogFull:
            return
        self._files.sync_data(self._descriptor)
        self._files.close(self._descriptor)
        self._descriptor, self._prev_crc, self._fenced = None, header_crc(line), True

    def check_room(self) -> None:
        """Raise LogFull while the disk is below the watermark, or the store too far behind; looks at most every DISK_CHECK_S."""
        if self._clock() - self._disk_checked_at >= DISK_CHECK_S:
            self._disk_checked_at = self._clock()
            self._no_room = self._look_for_room()
        if self._no_room is not None:
            raise LogFull(self._no_room)

    def _look_for_room(self) -> str | None:
        """Return why the log must not grow, None where it may."""
        try:
            require_room(self._directory, self._disk_free_bytes_min, self._files)
            require_short(self._directory.parent, self._backlog_bytes_max, self._files)
        except LogFull as error:
            return str(error)
        return None

    def close(self) -> None:
        """Seal and close."""
        self.seal("closed")
        if self._descriptor is not None:
            self._files.close(self._descriptor)
            self._descriptor = None

    def _begun(self, path: Path, line: bytes) -> int:
        """Return the descriptor of a new segment that has its first line, nothing of it synced."""
        try:
            descriptor = self._files.create(path)
        except OSError as error:
            raise _fullness(error, self._directory) from error
        try:
            write_all(descriptor, line, 0, files=self._files)
        except OSError as error:
            self._files.close(descriptor)
            self._files.remove(path)
            raise _fullness(error, self._directory) from error
        return descriptor

    def _place(self) -> "_Place":
        return {
            "log_id": self._log_id,
            "segment": self.segment,
            "first_offset": self.next_offset,
            "prev_crc": self._prev_crc,
        }

    def _write_or_truncate(self, content: bytes | bytearray) -> None:
        assert self._descriptor is not None
        try:
            write_all(self._descriptor, content, self.segment_bytes, files=self._files)
        except OSError as error:
            full = _fullness(error, self._directory)
            # Half a frame followed by a good one would look like corruption: the tail goes back to the last frame.
            self._files.truncate(self._descriptor, self.segment_bytes)
            self._files.sync_data(self._descriptor)
            raise full from error


def _fullness(error: OSError, directory: Path) -> LogFull:
    """Return what an error of write means when it passes by itself; every other one is raised again."""
    if error.errno not in NO_ROOM:
        raise error
    return LogFull(f"no room in {directory}: {error}")
