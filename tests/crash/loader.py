"""The store process's parts on real files, stepped by one thread: `python -m tests.crash.loader DATA` is what is recorded.

The story: three starts that end soon; then two logs are loaded, checkpointed and archived; somebody is erased; the
database is condemned and filled anew.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from storage.archiver import Archiver
from storage.batcher import Batcher
from storage.duckdb.store import DuckDBStore
from storage.eraser import Eraser
from storage.event import Event, RejectedItem, encode
from storage.files import make_directory
from storage.filesystem import LOCAL
from storage.query.erasure import EraseQuery, LogPlace, Person
from storage.rebuild import Rebuild
from storage.suppression import SUPPRESSION_NAME, Suppression
from storage.wal.archive import Archive
from storage.wal.directory import new_directory
from storage.wal.reader import LogReader
from storage.wal.segments import Segments
from storage.wal.writer import Group, SegmentWriter
from tests.crash.life import Violated

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
GROUPS = 30
GROUP_LINES = 20
LINES = GROUPS * GROUP_LINES
"""Of each log."""

PERSON_LINES = LINES // 5

RANDOM = "0a"
LOG_IDS = [f"{number:010d}-{RANDOM * 4}" for number in (1, 2)]

SHORT_LIVES = 3
"""Starts that end before a checkpoint is due; DuckDB makes one when it is closed, and syncs no directory."""

SEGMENT_BYTES_MAX = 40_000
STEPS_MAX = 1000

PERSON = "ada"
ERASURE = EraseQuery(Person("site", PERSON), LogPlace("z", 0))
"""Of all that the logs hold."""


class Loader:
    """One start of the store process on a data directory, with a clock of its own: a step is a second."""

    def __init__(self, data: Path, *, batch_events: int, kind: type[DuckDBStore] = DuckDBStore) -> None:
        self.now = 0.0
        directory, segments, quarantine = data / "store", _segments(data), data / "quarantine"
        make_directory(directory)
        self.suppression = Suppression(data / SUPPRESSION_NAME, "key")
        self.suppression.open()
        self.store = kind(
            directory / "events.duckdb",
            memory_limit_mb=128,
            threads=1,
            temp_directory=directory / "tmp",
            quarantine=quarantine,
            suppression=self.suppression,
            rejected_bytes_max=1 << 26,
        )
        self.eraser = Eraser(self.suppression, segments, self.store, quarantine, clock=lambda: NOON)
        self.reader = LogReader(segments, quarantine)
        self.rebuild = Rebuild(self.reader, self.store)
        self.batcher = Batcher(
            self.reader,
            self.store,
            directory / "spool.ndjson",
            batch_age_s=0.0,
            batch_events=batch_events,
            batch_bytes_max=1 << 20,
            checkpoint_s=3.0,
            checkpointed=Archiver(segments, self.eraser).archive,
            eraser=self.eraser,
            rebuild=self.rebuild,
            clock=lambda: self.now,
        )

    def begin(self) -> None:
        self.rebuild.begin()
        self.batcher.open()

    def finish(self) -> None:
        """Load all there is, and end the erasure that is under way."""
        for _ in range(STEPS_MAX):
            self.batcher.step()
            self.now += 1.0
            if not self.reader.lag_bytes() and not self.eraser.count():
                return
        raise Violated("loading does not come to an end")


def _segments(data: Path) -> Segments:
    return Segments(data / "log", Archive(data / "archive"))


def write_logs(data: Path) -> None:
    """Write the logs of daemons that are gone."""
    make_directory(data / "log")
    for told in LOG_IDS:
        log_id, lock = new_directory(data / "log", LOCAL, lambda count: RANDOM * count)
        assert log_id == told
        writer = SegmentWriter(
            data / "log" / log_id,
            log_id,
            segment_bytes_max=SEGMENT_BYTES_MAX,
            segment_age_s=1000.0,
            disk_free_bytes_min=0,
            backlog_bytes_max=1 << 40,
        )
        writer.open_segment()
        for _ in range(GROUPS):
            writer.write(_group(log_id, writer.next_offset))
        writer.close()
        lock.release()


def _group(log_id: str, first_offset: int) -> Group:
    group = Group(first_offset)
    group.add([encode(_item(log_id, first_offset + index)) for index in range(GROUP_LINES)])
    group.rejected = GROUP_LINES // 10
    return group


def _item(log_id: str, offset: int) -> Event | RejectedItem:
    """Of ten lines one is rejected, one repeats the one before it, and two are of the person who is erased."""
    label, digit = f"{log_id}:{offset}", offset % 10
    if digit == 3:
        return RejectedItem("wrong_type", label, "site", NOON)
    return Event(
        f"{log_id}:{offset - 1}" if digit == 7 else label,
        "site",
        label,
        NOON,
        NOON,
        user_id=PERSON if digit in (4, 9) else None,
        attrs={"pad": label * (offset % 7)},
        id_given=digit in (6, 7),
    )


def tell(data: Path) -> None:
    """Live the story that is recorded."""
    for _ in range(SHORT_LIVES):
        loader = Loader(data, batch_events=20)
        with loader.store:
            loader.begin()
            loader.batcher.step()
    loader = Loader(data, batch_events=20)
    with loader.store:
        loader.begin()
        loader.finish()
        loader.eraser.begin(ERASURE)
        loader.finish()
        loader.store.condemn("its time has come")
    loader = Loader(data, batch_events=20)
    with loader.store:
        loader.begin()
        loader.finish()


if __name__ == "__main__":
    tell(Path(sys.argv[1]))
