"""Reading every log of a data directory up to what is durable, for the batcher.

Of a living log a group is read only when an intact frame stands behind it: that frame was written after the group's
sync returned (rule R6). A dead log is recovered first and then read to its SEAL.
"""

from pathlib import Path
from typing import BinaryIO

from storage.errors import DirectoryBusy, LogCorrupt
from storage.lock import Lock
from storage.ports import LogPosition, LogRange
from storage.wal.directory import LOCK_NAME
from storage.wal.recovery import recover, segments_of
from storage.wal.segment import Header, SegmentFile, segment_name
from storage.wal.writer import NO_CRC


class LogReader:
    """Takes durable runs of groups, oldest log first; remembers nothing that `positions` does not say.

    A log whose bytes do not verify is left where it is and named in `corrupt`; the others go on.
    """

    def __init__(self, root: Path, quarantine: Path) -> None:
        self._root = root
        self._quarantine = quarantine
        self._done: set[str] = set()
        self._positions: dict[str, LogPosition] = {}
        self._taken: LogPosition | None = None
        self.corrupt: dict[str, str] = {}

    def rewind(self, positions: dict[str, LogPosition]) -> None:
        """Go on from what the store says it has."""
        self._positions, self._taken = dict(positions), None
        self._done.clear()

    def take(self, spool: Path, *, events_max: int, bytes_max: int) -> LogRange | None:
        """Copy the next durable run of one log to `spool`, without headers; None when there is nothing to read.

        The next call goes on after it, `rewind` before it: until then its bytes count as lag. Limits are checked
        between groups: a run has at least one.
        """
        if self._taken is not None:
            self._positions[self._taken.log_id], self._taken = self._taken, None
        for log_id in self._unfinished():
            position = self._positions.get(log_id) or _beginning(log_id)
            try:
                batch = self._take_from(log_id, position, spool, events_max, bytes_max)
            except LogCorrupt as error:
                self.corrupt[log_id] = str(error)
                continue
            if batch is not None:
                return batch
        return None

    def lag_bytes(self) -> int:
        """Return the bytes of the logs behind the positions, frame headers included."""
        return sum(self._lag_of(log_id) for log_id in self._unfinished())

    def _unfinished(self) -> list[str]:
        names = sorted(entry.name for entry in self._root.iterdir() if entry.is_dir() and entry.name[0] != ".")
        return [name for name in names if name not in self._done and name not in self.corrupt]

    def _take_from(
        self, log_id: str, position: LogPosition, spool: Path, events_max: int, bytes_max: int
    ) -> LogRange | None:
        directory = self._root / log_id
        alive = self._alive(directory)
        with spool.open("wb") as lines:
            run = _Run(directory, position, lines, events_max=events_max, bytes_max=bytes_max, alive=alive)
            run.read()
        if run.groups:
            self._taken = run.position()
            return run.range()
        self._positions[log_id] = run.position()
        if run.at_end and not alive:
            self._done.add(log_id)
        return None

    def _alive(self, directory: Path) -> bool:
        lock = Lock(directory / LOCK_NAME)
        try:
            lock.acquire()
        except DirectoryBusy:
            return True
        try:
            recover(directory, self._quarantine)
        finally:
            lock.release()
        return False

    def _lag_of(self, log_id: str) -> int:
        position = self._positions.get(log_id) or _beginning(log_id)
        directory = self._root / log_id
        ahead = [n for n in segments_of(directory) if n >= position.segment]
        return max(0, sum((directory / segment_name(n)).stat().st_size for n in ahead) - position.byte_end)


def _beginning(log_id: str) -> LogPosition:
    return LogPosition(log_id=log_id, next_offset=0, segment=1, byte_end=0, prev_crc=NO_CRC)


class _Run:
    """One pass over a log from a position on; `at_end` says that it came to the SEAL of the last segment."""

    def __init__(
        self,
        directory: Path,
        position: LogPosition,
        lines: BinaryIO,
        *,
        events_max: int,
        bytes_max: int,
        alive: bool,
    ) -> None:
        self._directory = directory
        self._position = position
        self._lines = lines
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._alive = alive
        self._next_offset = position.next_offset
        self._segment, self._at, self._prev_crc = position.segment, position.byte_end, position.prev_crc
        self._bytes = self._duplicates = 0
        self.groups = 0
        self.at_end = False

    def read(self) -> None:
        segments = segments_of(self._directory)
        self.at_end = not segments
        while self._segment in segments:
            seal = self._read_segment(settled=not self._alive or self._segment < segments[-1])
            self.at_end = seal is not None and self._segment == segments[-1]
            if seal is None or self.at_end:
                return  # the position stays before the SEAL until there is a segment behind it
            self._segment, self._at, self._prev_crc = self._segment + 1, 0, seal.header_crc

    def position(self) -> LogPosition:
        return LogPosition(
            log_id=self._position.log_id,
            next_offset=self._next_offset,
            segment=self._segment,
            byte_end=self._at,
            prev_crc=self._prev_crc,
        )

    def range(self) -> LogRange:
        return LogRange(
            log_id=self._position.log_id,
            from_offset=self._position.next_offset,
            to_offset=self._next_offset - 1,
            segment=self._segment,
            byte_end=self._at,
            prev_crc=self._prev_crc,
            duplicates=self._duplicates,
        )

    def _read_segment(self, *, settled: bool) -> Header | None:
        """Read on in the segment and return its SEAL once that is reached; `settled`: nobody writes to it any more."""
        path = self._directory / segment_name(self._segment)
        with path.open("rb", buffering=0) as raw:
            file = SegmentFile(raw.fileno(), self._position.log_id, self._segment)
            header = file.header_at(self._at)
            while header is not None and self._has_room():
                self._check_link(header, path)
                if header.frame == "SEAL":
                    return header
                behind = file.header_at(header.end(self._at))
                # Every other frame proves what stands before it; a group needs a frame that proves it (rule R6).
                if behind is not None or header.frame != "DATA":
                    self._copy(file, header, path)
                header = behind
        if settled and header is None:
            raise LogCorrupt(f"{path}: byte {self._at}: no intact frame with another behind it")
        return None

    def _has_room(self) -> bool:
        return self._next_offset - self._position.next_offset < self._events_max and self._bytes < self._bytes_max

    def _check_link(self, header: Header, path: Path) -> None:
        found = (header.prev_crc, header.first_offset)
        if found != (self._prev_crc, self._next_offset):
            expected = (self._prev_crc, self._next_offset)
            raise LogCorrupt(f"{path}: byte {self._at}: expected link and offset {expected}, found {found}")

    def _copy(self, file: SegmentFile, header: Header, path: Path) -> None:
        payload = file.payload_of(header, self._at)
        if payload is None:
            raise LogCorrupt(f"{path}: byte {self._at}: the lines of a group do not match their CRC")
        self._lines.write(payload)
        self._bytes += len(payload)
        self._duplicates += header.duplicates
        self.groups += header.frame == "DATA"
        self._next_offset = header.next_offset
        self._at, self._prev_crc = header.end(self._at), header.header_crc
