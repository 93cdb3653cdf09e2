"""One pass over a log: consecutive durable groups from a position on, or what is missing between two of them."""

from pathlib import Path
from typing import BinaryIO

import structlog

from storage.errors import LogUnreadable, LogVersionUnknown, StorageError
from storage.files import make_directory, replace_file
from storage.ports import LogPosition, LogRange
from storage.wal.segment import HEADER_BYTES, Header, SegmentFile
from storage.wal.segments import Segments

QUARANTINED_BYTES_MAX = 64 << 20
"""How much of one damaged place is kept aside."""

log = structlog.get_logger()


class Run:
    """Reads on from `position`; `alive`: somebody still writes to the last segment.

    Groups end where a limit, a gap in the offsets or the log's durable end is met. A run that begins at a gap is that gap.
    `at_end` says that nothing of the log is left. `alarms` names what was damaged.
    """

    def __init__(
        self, segments: Segments, quarantine: Path, position: LogPosition, lines: BinaryIO, *, alive: bool
    ) -> None:
        self._segments = segments
        self._quarantine = quarantine
        self._from = position
        self._lines = lines
        self._alive = alive
        self._log_id = position.log_id
        self._next_offset = position.next_offset
        self._segment, self._at = position.segment, position.byte_end
        self._bytes = self._duplicates = 0
        self._is_lost = False
        self.groups = 0
        self.at_end = False
        self.alarms: list[str] = []

    def read(self, *, events_max: int, bytes_max: int) -> None:
        """Read on; the limits are looked at between two groups. A place that cannot be read ends the run before it.

        Raises:
            LogUnreadable: the run would begin at such a place.
            LogVersionUnknown: a later version wrote what it would begin with.
        """
        self._events_max, self._bytes_max = events_max, bytes_max
        try:
            self._read_segments()
        except LogVersionUnknown:
            if self.is_empty:
                raise
        except OSError as error:
            if self.is_empty:
                place = f"log {self._log_id}, segment {self._segment}, from byte {self._at}"
                raise LogUnreadable(f"{place}: {error}") from error

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to load."""
        return not self.groups and not self._is_lost

    def position(self) -> LogPosition:
        """Return where reading goes on."""
        return LogPosition(log_id=self._log_id, next_offset=self._next_offset, segment=self._segment, byte_end=self._at)

    def range(self) -> LogRange:
        """Return what was read, for the ledger."""
        return LogRange(
            log_id=self._log_id,
            from_offset=self._from.next_offset,
            to_offset=self._next_offset - 1,
            segment=self._segment,
            byte_end=self._at,
            duplicates=self._duplicates,
            is_lost=self._is_lost,
        )

    def _read_segments(self) -> None:
        numbers = self._segments.numbers(self._log_id)
        ahead = [number for number in numbers if number >= self._segment]
        if numbers and not ahead:
            self._alarm("is missing", "it is loaded, but a rebuild would not find it")
        for number in ahead:
            if number != self._segment:
                self._segment, self._at = number, 0
            is_open = self._alive and number == ahead[-1]
            with self._segments.open(self._log_id, number) as file:
                if not self._read_segment(file, is_open=is_open):
                    return
        self.at_end = not self._alive

    def _read_segment(self, file: SegmentFile, *, is_open: bool) -> bool:
        """Read on in the segment; whether to go on in the next one."""
        if self._segments.is_rewritten(self._log_id, self._segment):
            self._find_place(file)
        while self._has_room():
            frame = self._next(file, is_open=is_open)
            if frame is None:
                return not is_open and self._meet_end(file)
            header, payload = frame
            if header.first_offset > self._next_offset:
                self._meet_gap(header.first_offset)
                return False
            if header.first_offset < self._next_offset:
                self._alarm(f"byte {self._at}: offset {header.first_offset} again", "loaded already, passed over")
            elif header.frame == "DATA":
                self._take(header, payload)
            self._at = header.end(self._at)
            if header.frame == "SEAL":
                return True
        return False

    def _find_place(self, file: SegmentFile) -> None:
        """Stand before the SEAL of a rewritten segment, which is at another byte now: only what is loaded is rewritten."""
        seal_at = max(0, file.size() - HEADER_BYTES)
        seal = file.header_at(seal_at)
        if seal is not None and seal.frame == "SEAL" and seal.first_offset == self._next_offset:
            self._at = seal_at

    def _has_room(self) -> bool:
        return self._next_offset - self._from.next_offset < self._events_max and self._bytes < self._bytes_max

    def _next(self, file: SegmentFile, *, is_open: bool) -> tuple[Header, bytes] | None:
        """Return the frame to go on with, and its lines, passing over damage; None where there is none, or none yet."""
        while (frame := self._frame_at(file)) is None:
            behind = file.frame_behind(self._at)
            if behind is None:
                if self._at > file.size():
                    self._alarm(f"ends at byte {file.size()}", f"it was loaded up to byte {self._at}")
                return None
            # What stands behind was written later: what is still bad here was not merely on its way.
            if self._frame_at(file) is None:
                self._pass_over(file, behind)
        header, _ = frame
        return None if is_open and header.frame == "DATA" and not self._is_proved(file, header) else frame

    def _frame_at(self, file: SegmentFile) -> tuple[Header, bytes] | None:
        header = file.header_at(self._at)
        payload = None if header is None else file.payload_of(header, self._at)
        return None if header is None or payload is None else (header, payload)

    def _is_proved(self, file: SegmentFile, header: Header) -> bool:
        # Whatever stands behind a group was written after the group's sync had returned (rule R6).
        end = header.end(self._at)
        return file.header_at(end) is not None or file.frame_behind(end) is not None

    def _take(self, header: Header, payload: bytes) -> None:
        try:
            self._lines.write(payload)
        except OSError as error:
            raise StorageError(f"{self._lines.name} cannot be written: {error}") from error
        self._bytes += len(payload)
        self._duplicates += header.duplicates
        self._next_offset = header.next_offset
        self.groups += 1

    def _meet_end(self, file: SegmentFile) -> bool:
        """Whether a segment that ends without a SEAL, and is not written to, has no more lines than were read."""
        told = self._segments.told_end(self._log_id, self._segment)
        if told > self._next_offset:
            self._meet_gap(told)
            return False
        self._miss_seal(file)
        return True

    def _miss_seal(self, file: SegmentFile) -> None:
        """Name what took the SEAL, though it took no line that is known of (rule R5)."""
        size = file.size()
        if self._at < size:
            self._pass_over(file, size)
        elif self._at == size and not self._is_behind_seal(file):
            self._alarm(f"ends at byte {size} without a SEAL", "what was in it is loaded")

    def _is_behind_seal(self, file: SegmentFile) -> bool:
        before = file.header_at(max(0, self._at - HEADER_BYTES))
        return before is not None and before.frame == "SEAL"

    def _meet_gap(self, first_offset: int) -> None:
        if self.groups:
            return  # the next run begins here
        lost = f"offsets {self._next_offset} to {first_offset - 1} are lost"
        self._alarm(f"byte {self._at}: {lost}", "the events behind them are loaded")
        self._next_offset, self._is_lost = first_offset, True

    def _pass_over(self, file: SegmentFile, behind: int) -> None:
        """Keep the damaged bytes aside and stand behind them (rule R3)."""
        size = min(behind - self._at, QUARANTINED_BYTES_MAX)
        aside = self._quarantine / f"{self._log_id}-{self._segment:016d}-{self._at}"
        make_directory(aside.parent, files=self._segments.files)
        replace_file(aside, file.read(size, self._at), files=self._segments.files)
        self._alarm(f"damaged from byte {self._at} to {behind}", f"kept in {aside}")
        self._at = behind

    def _alarm(self, what: str, then: str) -> None:
        log.error("log_damaged", log_id=self._log_id, segment=self._segment, what=what, then=then)
        self.alarms.append(f"log {self._log_id}, segment {self._segment}: {what}")
