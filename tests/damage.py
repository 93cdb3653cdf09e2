"""Small logs whose every frame is known, ways to damage them, and what reading them then finds."""

import errno
import os
import shutil
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import structlog.testing

from storage.filesystem import LocalFiles
from storage.wal.archive import Archive
from storage.wal.directory import LOCK_NAME
from storage.wal.reader import LogReader
from storage.wal.segment import Header, SegmentFile, intact_frames, segment_name
from storage.wal.segments import Segments
from storage.wal.writer import Group, SegmentWriter
from tests.logs import LIMITS

LOG_ID = "0000000001-0badcafe"

FENCE, DOOR, ROTATE = "fence", "door", "rotate"

PLAN = (2, FENCE, DOOR, 1, ROTATE, 1, FENCE, 2)
"""A log of two segments: how many lines each group has, a group of repeats answered at the door, fences, a rotation."""


class Unsynced(LocalFiles):
    """Real files that nothing is synced for: no test that uses them cuts the power."""

    def sync(self, descriptor: int) -> None:
        pass

    sync_data = sync

    def sync_directory(self, path: Path) -> None:
        pass


UNSYNCED = Unsynced()


class BadSector(Unsynced):
    """Real files; reading the byte `at` of `path`, or opening it where that is None, is an I/O error."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self.at: int | None = None
        self.errors = 0
        self._paths: dict[int, Path] = {}

    def open(self, path: Path, *, write: bool = False) -> int:
        if path == self.path and self.at is None:
            raise self._error()
        descriptor = super().open(path, write=write)
        self._paths[descriptor] = path
        return descriptor

    def close(self, descriptor: int) -> None:
        self._paths.pop(descriptor, None)
        super().close(descriptor)

    def read(self, descriptor: int, count: int, at: int) -> bytes:
        if self._paths.get(descriptor) == self.path and self.at is not None and at <= self.at < at + count:
            raise self._error()
        return super().read(descriptor, count, at)

    def _error(self) -> OSError:
        self.errors += 1
        return OSError(errno.EIO, os.strerror(errno.EIO))


def write_log(data: Path, plan: Iterable[int | str] = PLAN, *, log_id: str = LOG_ID, line: bytes = b'{"n":1}') -> Path:
    """Write a log that was closed, and return its directory."""
    directory = data / "log" / log_id
    directory.mkdir(parents=True)
    (directory / LOCK_NAME).touch()
    limits = {
        name: LIMITS[name]
        for name in ("segment_bytes_max", "segment_age_s", "disk_free_bytes_min", "backlog_bytes_max")
    }
    writer = SegmentWriter(directory, log_id, files=UNSYNCED, **limits)
    for step in plan:
        match step:
            case "fence":
                writer.fence()
            case "rotate":
                writer.seal("size")
            case _:
                writer.write(group(writer.next_offset, step, line))
    writer.close()
    return directory


def group(first_offset: int, step: int | str, line: bytes) -> Group:
    made = Group(first_offset)
    if step == DOOR:
        made.duplicates = 3
    else:
        made.add([line] * int(step))
    return made


class Frame(NamedTuple):
    segment: int
    begin: int
    end: int
    header: Header

    @property
    def offsets(self) -> range:
        return range(self.header.first_offset, self.header.next_offset)


def frames_of(directory: Path) -> list[Frame]:
    """Return every frame of an undamaged log."""
    found = []
    for path in sorted(directory.glob("*.ndjson")):
        with path.open("rb") as raw:
            file = SegmentFile(UNSYNCED, raw.fileno(), directory.name, int(path.stem))
            found += [Frame(file.segment, at, header.end(at), header) for at, header in intact_frames(file)]
    return found


class Reading(NamedTuple):
    """What reading finds: offsets of the lines and of what is lost, in order, what was named and what kept aside."""

    offsets: list[int]
    lost: list[int]
    duplicates: int
    alarms: list[str]
    kept_aside: list[bytes]

    @property
    def is_silent(self) -> bool:
        return not self.alarms and not self.kept_aside


def read(data: Path, log_id: str = LOG_ID) -> Reading:
    """Read one log to its end, its runs in one piece; no other log may be below `data`."""
    reader, spool = reader_of(data), data / "spool"
    found = Reading([], [], 0, [], [])
    with structlog.testing.capture_logs() as events:
        while batch := reader.take(spool, events_max=1000, bytes_max=1 << 20):
            assert batch.log_id == log_id
            held = [offset_of(line) for line in spool.read_bytes().splitlines()]
            ranged = list(range(batch.from_offset, batch.to_offset + 1))
            assert held == ([] if batch.is_lost else ranged)
            (found.lost if batch.is_lost else found.offsets).extend(ranged)
            found = found._replace(duplicates=found.duplicates + batch.duplicates)
        assert reader.lag_bytes() == 0
        assert reader.is_ended(log_id)
    found.alarms.extend(reader.alarms)
    found.alarms.extend(f"{one['file']}: {one['reason']}" for one in events if one["event"] == "archive_damaged")
    found.kept_aside.extend(path.read_bytes() for path in (data / "quarantine").glob("*"))
    return found


def reader_of(data: Path) -> LogReader:
    archive = Archive(data / "archive", files=UNSYNCED)
    return LogReader(Segments(data / "log", archive, files=UNSYNCED), data / "quarantine")


def offset_of(line: bytes) -> int:
    digits = line.removeprefix(b'{"offset":')
    return int(bytes(takewhile(lambda byte: byte in b"0123456789", digits)))


class Copies:
    """Copies of a log as it was, one at a time, for damage after damage."""

    def __init__(self, directory: Path) -> None:
        self.data = directory.parent.parent
        self.directory = directory
        self.segments = {int(path.stem): path.read_bytes() for path in sorted(directory.glob("*.ndjson"))}
        self.frames = frames_of(directory)

    @property
    def last(self) -> int:
        return max(self.segments)

    def read_with(self, segments: dict[int, bytes]) -> Reading:
        """Read the log as it would be with these segments instead of its own."""
        shutil.rmtree(self.data / "quarantine", ignore_errors=True)
        for path in self.directory.glob("*.ndjson"):
            path.unlink()
        for number, content in segments.items():
            (self.directory / segment_name(number)).write_bytes(content)
        return read(self.data)

    def lines_before(self, segment: int, at: int) -> list[int]:
        """Return the offsets of the lines of whole groups before a byte."""
        return [n for one in self.frames if (one.segment, one.end) <= (segment, at) for n in one.offsets]


def archive_all(directory: Path) -> dict[int, Path]:
    """Move every segment of a log to the archive, its directory too, and return the archived files by segment."""
    data, log_id = directory.parent.parent, directory.name
    archive = Archive(data / "archive", files=UNSYNCED)
    segments = Segments(data / "log", archive, files=UNSYNCED)
    numbers = segments.live(log_id)
    for number in numbers:
        with segments.open(log_id, number) as file:
            archive.keep(file)
    shutil.rmtree(directory)
    return {number: archive.path(log_id, number) for number in numbers}
