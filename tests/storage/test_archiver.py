"""The archive's thread over several logs: what fails for one of them keeps no other waiting, and no erasure."""

from pathlib import Path

import pytest
import structlog.testing

from storage.archiver import Archiver
from storage.ports import LogPosition
from storage.wal.archive import Archive
from storage.wal.reader import LogReader
from storage.wal.segment import segment_name
from storage.wal.segments import Segments
from tests.damage import ROTATE, BadSector, write_log

BAD, GOOD = "0000000001-0badcafe", "0000000002-0badcafe"


class CountingEraser:
    """An eraser with nothing to erase, which counts how often it was reached."""

    def __init__(self) -> None:
        self.calls = 0

    def clean_archive(self, positions: dict[str, LogPosition]) -> None:
        self.calls += 1


class Shelf:
    """Two dead logs that are loaded, on a disk that can have a bad sector."""

    def __init__(self, data: Path) -> None:
        self.disk = BadSector()
        self.logs = {log_id: write_log(data, (1, ROTATE, 1), log_id=log_id) for log_id in (BAD, GOOD)}
        self.segments = Segments(data / "log", Archive(data / "archive", files=self.disk), files=self.disk)
        self.eraser = CountingEraser()
        self.archiver = Archiver(self.segments, self.eraser)
        reader = LogReader(self.segments, data / "quarantine")
        while reader.take(data / "spool", events_max=1000, bytes_max=1 << 20):
            pass
        self.positions = reader.loaded()

    def archive(self) -> list[str]:
        """Archive twice and return what was logged of failures."""
        with structlog.testing.capture_logs() as events:
            self.archiver.archive(self.positions)
            self.archiver.archive(self.positions)
        return [f"{event['log_id']}: {event['reason']}" for event in events if event["event"] == "archive_failed"]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_a_file_that_is_not_the_logs_keeps_its_directory_and_nothing_else(shelf: Shelf):
    foreign = shelf.logs[BAD] / "notes.txt"
    foreign.write_text("of an operator")
    assert shelf.archive() == [f"{BAD}: {shelf.logs[BAD]} is kept: notes.txt is not the log's; take it away"]
    assert foreign.read_text() == "of an operator"
    assert shelf.segments.live_log_ids() == [BAD]
    assert [shelf.segments.archive.numbers(log_id) for log_id in (BAD, GOOD)] == [[1, 2], [1, 2]]
    assert shelf.eraser.calls == 2
    foreign.unlink()
    assert shelf.archive() == []
    assert shelf.segments.live_log_ids() == []


def test_a_segment_that_cannot_be_read_stays_and_the_next_log_is_archived(shelf: Shelf):
    shelf.disk.path, shelf.disk.at = shelf.logs[BAD] / segment_name(1), 400
    assert shelf.archive() == [f"{BAD}: [Errno 5] Input/output error"]
    assert (shelf.segments.live(BAD), shelf.segments.archive.numbers(GOOD)) == ([1, 2], [1, 2])
    assert shelf.eraser.calls == 2
    shelf.disk.path = None
    assert shelf.archive() == []
    assert shelf.segments.live_log_ids() == []
    assert shelf.segments.archive.numbers(BAD) == [1, 2]
