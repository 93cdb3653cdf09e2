"""Logs that cannot be read now: the others are loaded, and they go on by themselves; nothing of them is given up."""

import os
from pathlib import Path

import pytest
import structlog.testing

from storage.errors import LogUnreadable, StorageError
from storage.health import LogCounts
from storage.wal.archive import Archive
from storage.wal.backup import read_back
from storage.wal.reader import LogReader
from storage.wal.segment import FORMAT_VERSION, HEADER_BYTES, Header, pack, seed, segment_name
from storage.wal.segments import Segments
from storage.wal.unreadable import RETRY_S, RETRY_S_MAX
from tests.damage import ROTATE, BadSector, frames_of, write_log

BAD, GOOD, NEWEST = "0000000001-0badcafe", "0000000002-0badcafe", "0000000003-0badcafe"
FOUR_GROUPS = (2, 1, ROTATE, 2, 1)
LONG_LINE = b'{"pad":"%s"}' % (b"x" * 20_000)


class Shelf:
    """Three dead logs on a disk that can have a bad sector, a clock, and what was read of each log."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.now = 0.0
        self.disk = BadSector()
        self.logs = {log_id: write_log(data, FOUR_GROUPS, log_id=log_id) for log_id in (BAD, GOOD, NEWEST)}
        segments = Segments(data / "log", Archive(data / "archive", files=self.disk), files=self.disk)
        self.reader = LogReader(segments, data / "quarantine", clock=lambda: self.now)
        self.read: dict[str, list[int]] = {BAD: [], GOOD: [], NEWEST: []}

    def spoil(self, segment: int, at: int | None) -> None:
        self.disk.path, self.disk.at = self.logs[BAD] / segment_name(segment), at

    def mend(self) -> None:
        self.disk.path = None

    def read_on(self) -> None:
        while run := self.reader.take(self.data / "spool", events_max=1000, bytes_max=1 << 20):
            assert not run.is_lost
            self.read[run.log_id] += range(run.from_offset, run.to_offset + 1)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


WHOLE = list(range(6))


def test_a_bad_sector_keeps_back_what_stands_behind_it_in_its_log_until_it_can_be_read(shelf: Shelf):
    _, _, third, _ = [frame for frame in frames_of(shelf.logs[BAD]) if frame.header.frame == "DATA"]
    shelf.spoil(third.segment, third.end - 1)
    shelf.read_on()
    assert shelf.read == {BAD: [0, 1, 2], GOOD: WHOLE, NEWEST: WHOLE}
    place = f"log {BAD}, segment 2, from byte {third.begin}"
    assert shelf.reader.unreadable() == [f"{place}: [Errno 5] Input/output error"]
    assert shelf.reader.lag_bytes() > 0
    assert not shelf.reader.alarms
    shelf.mend()
    shelf.now += RETRY_S
    shelf.read_on()
    assert shelf.read == {BAD: WHOLE, GOOD: WHOLE, NEWEST: WHOLE}
    assert (shelf.reader.unreadable(), shelf.reader.lag_bytes()) == ([], 0)


def test_a_log_that_stays_unreadable_is_tried_ever_more_seldom_and_named_in_one_line(shelf: Shelf):
    shelf.spoil(1, 0)
    with structlog.testing.capture_logs() as events:
        waits, last_s = [], 0.0
        while len(waits) < 9:
            errors = shelf.disk.errors
            shelf.read_on()
            if shelf.disk.errors > errors:
                waits.append(shelf.now - last_s)
                last_s = shelf.now
            shelf.now += RETRY_S
    assert waits == [0, 1, 2, 4, 8, 16, 32, RETRY_S_MAX, RETRY_S_MAX]
    assert [event["event"] for event in events] == ["log_unreadable"]
    assert shelf.reader.lag_s() == shelf.now


def test_a_dead_log_that_cannot_be_ended_is_read_as_far_as_it_is_proved_and_ended_later(shelf: Shelf):
    last = max(shelf.logs[BAD].glob("*.ndjson"))
    os.truncate(last, last.stat().st_size - HEADER_BYTES)  # its SEAL
    shelf.spoil(2, last.stat().st_size - 1)
    shelf.read_on()
    assert shelf.read == {BAD: [0, 1, 2, 3, 4], GOOD: WHOLE, NEWEST: WHOLE}
    assert not shelf.reader.is_ended(BAD)
    assert shelf.reader.ended() == LogCounts(5 + 6 + 6)
    (reason,) = shelf.reader.unreadable()
    assert BAD in reason
    shelf.mend()
    shelf.now += RETRY_S
    shelf.read_on()
    assert shelf.read[BAD] == WHOLE
    assert shelf.reader.ended() == LogCounts(6 + 6 + 6)
    assert shelf.reader.unreadable() == []


def test_a_segment_that_cannot_even_be_opened_is_behind_and_no_end(shelf: Shelf):
    shelf.spoil(2, None)
    assert shelf.reader.lag_bytes() > 0
    ends = shelf.reader.ends()
    shelf.read_on()
    assert shelf.read == {BAD: [0, 1, 2], GOOD: WHOLE, NEWEST: WHOLE}
    assert not shelf.reader.has_passed(ends)
    shelf.mend()
    shelf.now += RETRY_S
    shelf.read_on()
    assert shelf.reader.has_passed(ends)


def of_a_later_version(log_id: str) -> bytes:
    header = Header(
        frame="SEGMENT", version=FORMAT_VERSION + 1, log_id=log_id, segment=1, first_offset=0, prev_crc="00000000"
    )
    return pack(header, seed(log_id, 1))


def test_a_log_of_a_later_version_is_named_and_left_as_it_is(shelf: Shelf):
    segment = shelf.logs[BAD] / segment_name(1)
    segment.write_bytes(of_a_later_version(BAD))
    shelf.read_on()
    assert shelf.read == {BAD: [], GOOD: WHOLE, NEWEST: WHOLE}
    (reason,) = shelf.reader.unreadable()
    assert f"log {BAD}, segment 1: format version {FORMAT_VERSION + 1}, this program reads up to" in reason
    assert segment.read_bytes() == of_a_later_version(BAD)


@pytest.mark.parametrize("line", [b'{"n":1}', LONG_LINE], ids=["within a buffer", "longer than one"])
def test_a_spool_that_cannot_be_written_is_no_fault_of_the_log(tmp_path: Path, line: bytes):
    write_log(tmp_path, line=line)
    segments = Segments(tmp_path / "log", Archive(tmp_path / "archive"))
    reader = LogReader(segments, tmp_path / "quarantine")
    with pytest.raises((StorageError, OSError), match="No space left on device"):
        reader.take(Path("/dev/full"), events_max=1000, bytes_max=1 << 20)
    assert reader.unreadable() == []


def test_a_backup_of_a_log_that_cannot_be_read_back_is_none(tmp_path: Path):
    write_log(tmp_path, log_id=BAD)
    (write_log(tmp_path, log_id=GOOD) / segment_name(1)).write_bytes(of_a_later_version(GOOD))
    with pytest.raises(LogUnreadable, match=f"log {GOOD}, segment 1: format version"):
        read_back(tmp_path, tmp_path)
