"""Checking segments frame by frame, without changing anything: what each holds, and every damaged place in it."""

import contextlib
from collections.abc import Iterator
from typing import Literal

import msgspec

from storage.errors import StorageError
from storage.wal.segment import Header, SegmentFile, Totals, intact_frames
from storage.wal.segments import TOTALS_SINCE_VERSION, Segments

Place = Literal["live", "archive"]


class SegmentCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One segment: its lines are `first_offset` to before `next_offset`, `bytes` unpacked.

    `state`: an `open` one has no SEAL, which is damage in all but a log's last; behind its last whole group
    `unproved_bytes` are torn, or being written now. `damage` names every place that does not verify.
    """

    log_id: str
    segment: int
    place: Place
    state: Literal["sealed", "open", "unreadable"]
    first_offset: int
    next_offset: int
    count: int
    bytes: int
    stored_bytes: int
    unproved_bytes: int = 0
    damage: tuple[str, ...] = ()


def check(segments: Segments, log_id: str) -> Iterator[SegmentCheck]:
    """Yield a log's segments in order, every frame read; offsets must follow each other over all of them."""
    numbers, next_offset = segments.numbers(log_id), 0
    for number in range(1, numbers[-1] + 1) if numbers else ():
        try:
            found = _check_one(segments, log_id, number, next_offset, is_last=number == numbers[-1])
        except (StorageError, FileNotFoundError) as error:
            found = _unreadable(segments, log_id, number, next_offset, error)
        next_offset = found.next_offset
        yield found


def _check_one(segments: Segments, log_id: str, number: int, next_offset: int, *, is_last: bool) -> SegmentCheck:
    place: Place = "live" if number in segments.live(log_id) else "archive"
    if place == "archive":
        segments.archive.verify(log_id, number)
    with segments.open(log_id, number) as file:
        reading = _Reading(file, next_offset)
        reading.read()
        if reading.seal is None and not is_last:
            reading.damage.append(f"ends at byte {reading.end} without a SEAL")
        return SegmentCheck(
            log_id=log_id,
            segment=number,
            place=place,
            state="open" if reading.seal is None else "sealed",
            first_offset=reading.first_offset,
            next_offset=reading.next_offset,
            count=reading.totals.count,
            bytes=file.size(),
            stored_bytes=_stored_bytes(segments, log_id, number),
            unproved_bytes=max(0, file.size() - reading.end),
            damage=tuple(reading.damage),
        )


def _stored_bytes(segments: Segments, log_id: str, number: int) -> int:
    for path in (segments.path(log_id, number), segments.archive.path(log_id, number)):
        with contextlib.suppress(FileNotFoundError):
            return path.stat().st_size
    return 0


def _unreadable(segments: Segments, log_id: str, number: int, next_offset: int, error: Exception) -> SegmentCheck:
    is_missing = isinstance(error, FileNotFoundError)
    return SegmentCheck(
        log_id=log_id,
        segment=number,
        place="live" if number in segments.live(log_id) else "archive",
        state="unreadable",
        first_offset=next_offset,
        next_offset=next_offset,
        count=0,
        bytes=0,
        stored_bytes=_stored_bytes(segments, log_id, number),
        damage=("is missing" if is_missing else str(error),),
    )


class _Reading:
    def __init__(self, file: SegmentFile, next_offset: int) -> None:
        self._file = file
        self._before: Header | None = None
        self.first_offset = self.next_offset = next_offset
        self.end = 0
        self.totals = Totals()
        self.seal: Header | None = None
        self.damage: list[str] = []

    def read(self) -> None:
        for at, header in intact_frames(self._file):
            if at != self.end:
                self.damage.append(f"damaged from byte {self.end} to byte {at}")
            self._check_place(at, header)
            self._count(at, header)
            self._before, self.end = header, header.end(at)

    def _check_place(self, at: int, header: Header) -> None:
        expected, found = self.next_offset, header.first_offset
        if found > expected:
            self.damage.append(f"byte {at}: offsets {expected} to {found - 1} are lost")
        elif found < expected:
            self.damage.append(f"byte {at}: offset {found} again, {expected} was due")
        elif self._before is not None and at == self.end and header.prev_crc != self._before.header_crc:
            self.damage.append(f"byte {at}: does not follow the frame before it")

    def _count(self, at: int, header: Header) -> None:
        if self._before is None:
            self.first_offset = header.first_offset
        self.next_offset = header.next_offset
        if header.frame == "DATA":
            self.totals.add(header.count, header.bytes, header.rejected, header.duplicates)
        self.seal = header if header.frame == "SEAL" else None
        if self.seal is not None and header.version >= TOTALS_SINCE_VERSION and not self.damage:
            sealed = Totals(header.count, header.bytes, header.rejected, header.duplicates)
            if sealed != self.totals:
                self.damage.append(f"byte {at}: the SEAL says {sealed}, the groups are {self.totals}")


def lines(segments: Segments, log_id: str, number: int) -> Iterator[tuple[int, bytes]]:
    """Yield offset and line, its end included, of every intact group of a segment."""
    with segments.open(log_id, number) as file:
        for at, header in intact_frames(file):
            payload = file.payload_of(header, at)
            assert payload is not None  # it was intact a moment ago
            yield from enumerate(payload.splitlines(keepends=True), header.first_offset)
