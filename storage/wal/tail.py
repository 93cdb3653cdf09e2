"""Watching the end of the log: what is new is counted by its frame headers, and only the newest lines are read.

The process that writes a log knows how far it is durable, so nothing has to wait for the frame behind (rule R6).
"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog

from storage.event import Event
from storage.filesystem import LOCAL
from storage.ports import Tail, TailEvent
from storage.wal.directory import log_ids
from storage.wal.segment import Header, SegmentFile, segment_name
from storage.wal.segments import segments_of

log = structlog.get_logger()

TO_THE_END = 2**63 - 1


class _Line(Event, frozen=True, kw_only=True):
    offset: int


class _Place(msgspec.Struct, frozen=True):
    """Where reading goes on: a frame that begins at byte `at` of a segment, or the end of what there is."""

    log_id: str
    segment: int
    at: int
    next_offset: int

    @property
    def receipt(self) -> str:
        return f"{self.log_id}:{self.next_offset - 1}"


_line = msgspec.json.Decoder(_Line)


class WalTail:
    """A LogTail of the log `log_id` below `root`; other logs there are those of earlier daemons."""

    def __init__(self, root: Path, log_id: str, *, resume_bytes_max: int) -> None:
        self._root = root
        self._log_id = log_id
        self._resume_bytes_max = resume_bytes_max
        self._place: _Place | None = None

    def advance(self, durable_offset: int, *, events_max: int) -> Tail:
        """Return what is new as the port says; after whole segments that nobody watched it begins anew."""
        last = max(segments_of(self._root / self._log_id), default=1)
        if self._place is None or last > self._place.segment + 1:
            stretch = self._read(self._beginning_of(last), durable_offset, events_max)
            self._place = stretch.place
            return Tail(receipt=self._place.receipt, events=stretch.events())
        stretch = self._read(self._place, durable_offset, events_max)
        self._place = stretch.place
        return stretch.tail()

    def since(self, receipt: str, *, events_max: int) -> Tail | None:
        """Return what lies behind the receipt, log by log."""
        if self._place is None or (start := self._find(receipt)) is None:
            return None
        stretch = _Stretch(start, events_max)
        for log_id in self._logs_from(start.log_id):
            if log_id != start.log_id:
                stretch.place = _Place(log_id, 1, 0, 0)
            stretch.read(self._root / log_id, self._until(log_id))
        return stretch.tail()

    def _read(self, place: _Place, durable_offset: int, events_max: int) -> "_Stretch":
        stretch = _Stretch(place, events_max)
        stretch.read(self._root / self._log_id, durable_offset)
        return stretch

    def _beginning_of(self, segment: int) -> _Place:
        directory = self._root / self._log_id
        return _beginning(directory, segment) if segments_of(directory) else _Place(self._log_id, 1, 0, 0)

    def _until(self, log_id: str) -> int:
        assert self._place is not None
        return self._place.next_offset - 1 if log_id == self._log_id else TO_THE_END

    def _logs_from(self, log_id: str) -> list[str]:
        names = log_ids(self._root, LOCAL)
        return [name for name in names if log_id <= name <= self._log_id]

    def _find(self, receipt: str) -> _Place | None:
        """Return the first frame behind the receipt, None where it is not ours or too far back."""
        log_id, _, digits = receipt.rpartition(":")
        logs = self._logs_from(log_id)
        if not logs or logs[0] != log_id or not digits.isascii() or not digits.isdigit():
            return None
        offset = int(digits)
        directory = self._root / log_id
        begins = [_beginning(directory, segment) for segment in segments_of(directory)]
        before = [begin for begin in begins if begin.next_offset <= offset]
        if not before or offset > self._until(log_id) or self._bytes_from(before[-1], logs) > self._resume_bytes_max:
            return None
        stretch = _Stretch(before[-1], 0)
        stretch.read(directory, offset)
        return stretch.place if stretch.place.next_offset == offset + 1 else None

    def _bytes_from(self, begin: _Place, logs: list[str]) -> int:
        paths = (self._root / log_id / segment_name(n) for log_id in logs for n in segments_of(self._root / log_id))
        first = self._root / begin.log_id / segment_name(begin.segment)
        return sum(path.stat().st_size for path in paths if path >= first)


def _beginning(directory: Path, segment: int) -> _Place:
    with (directory / segment_name(segment)).open("rb", buffering=0) as raw:
        head = SegmentFile(LOCAL, raw.fileno(), directory.name, segment).header_at(0)
    # A segment whose head is not whole yet holds nothing.
    return _Place(directory.name, segment, 0, head.first_offset if head else TO_THE_END)


class _Stretch:
    """A stretch of the log from `place` on; `place` moves to its end."""

    def __init__(self, place: _Place, events_max: int) -> None:
        self.place = place
        self._events_max = events_max
        self._accepted = self._rejected = self._duplicates = 0
        # The newest frames with as many lines as are wanted; older ones leave whole.
        self._newest: deque[tuple[Path, int, Header]] = deque()
        self._lines = 0

    def read(self, directory: Path, until_offset: int) -> None:
        """Read on to `until_offset`, or to the end of what is whole."""
        for segment in segments_of(directory):
            if segment < self.place.segment:
                continue
            if segment > self.place.segment:
                self.place = _Place(directory.name, segment, 0, self.place.next_offset)
            if not self._read_segment(directory / segment_name(segment), until_offset):
                return

    def tail(self) -> Tail:
        """Return the whole stretch."""
        return Tail(
            receipt=self.place.receipt,
            accepted=self._accepted,
            rejected=self._rejected,
            duplicates=self._duplicates,
            events=self.events(),
        )

    def events(self) -> tuple[TailEvent, ...]:
        """Return the newest events, oldest first."""
        found: list[TailEvent] = []
        for path, at, header in self._newest:
            found += _events(path, at, header)
        return tuple(found[-self._events_max :]) if self._events_max else ()

    def _read_segment(self, path: Path, until_offset: int) -> bool:
        """Read on in one segment; True at its SEAL, where the next one follows."""
        with path.open("rb", buffering=0) as raw:
            file = SegmentFile(LOCAL, raw.fileno(), self.place.log_id, self.place.segment)
            while (header := file.header_at(self.place.at)) is not None and header.next_offset <= until_offset + 1:
                if header.frame == "SEAL":
                    return True
                if header.frame == "DATA":
                    self._count(path, header)
                self.place = _Place(header.log_id, header.segment, header.end(self.place.at), header.next_offset)
        return False

    def _count(self, path: Path, header: Header) -> None:
        self._accepted += header.count - header.rejected
        self._rejected += header.rejected
        self._duplicates += header.duplicates
        self._newest.append((path, self.place.at, header))
        self._lines += header.count
        while self._newest and self._lines - self._newest[0][2].count >= self._events_max:
            self._lines -= self._newest.popleft()[2].count


def _events(path: Path, at: int, header: Header) -> Iterator[TailEvent]:
    with path.open("rb", buffering=0) as raw:
        payload = SegmentFile(LOCAL, raw.fileno(), header.log_id, header.segment).payload_of(header, at)
    if payload is None:
        log.warning("log_tail_damaged", log_id=header.log_id, segment=header.segment, at_byte=at)
        return
    for line in payload.splitlines():
        try:
            event = _line.decode(line)
        except msgspec.ValidationError:
            continue  # a rejected item: the header has counted it
        yield TailEvent(f"{header.log_id}:{event.offset}", event)
