"""The lives of a log on a disk that loses power: the real writer, recovery, reader, loader and archiver, and what must hold."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from storage.archiver import Archiver
from storage.batcher import Batcher
from storage.duckdb.store import DuckDBStore
from storage.eraser import Eraser
from storage.errors import LogFull
from storage.event import Event, RejectedItem, encode
from storage.files import make_directory
from storage.suppression import Suppression
from storage.wal.archive import Archive
from storage.wal.directory import new_directory
from storage.wal.reader import LogReader
from storage.wal.segments import Segments
from storage.wal.writer import Group, SegmentWriter
from tests.contracts.shelf import SinkShelf
from tests.crash.disk import CrashDisk, PowerCut, SyncFailed

ROOT = Path("/disk")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
STEPS_MAX = 60
CALLS_MAX = 400

Receipt = tuple[str, int]


class Violated(AssertionError):
    """A promise was broken; the text says which."""


class NoStart(Exception):
    """The disk is too full for a daemon to start."""


class Stored(NamedTuple):
    """What the store holds of the logs of one disk."""

    rows: list[tuple[str, int, str]]
    rejected: list[tuple[str, int, str]]
    ledger: list[tuple[str, int, int, int, int, int, int, int]]


class Life:
    """One disk, one seed: generation after generation of the same site, each ended by a power cut or a clean stop."""

    def __init__(self, disk: CrashDisk, shelf: SinkShelf) -> None:
        self.disk = disk
        self.dice = disk.dice
        self.shelf = shelf
        self.now = 0.0
        self.number = 0
        self.labels: dict[Receipt, str] = {}
        self.acknowledged: dict[Receipt, str] = {}
        self.duplicates_acknowledged = 0
        self.duplicates_sent = 0
        self.log_ids: list[str] = []

    def generation(self) -> None:
        """Live until the power is cut or a sync fails, or stop cleanly; then the power goes in any case."""
        fate, calls = self.dice.random(), self.disk.calls + self.dice.randint(1, CALLS_MAX)
        if fate < 0.75:
            self.disk.cut_at = calls
        elif fate < 0.85:
            self.disk.fail_sync_at = calls
        with contextlib.suppress(PowerCut, NoStart, SyncFailed):
            self._live()
        self.disk.lose_power()

    def settle(self, shelf: SinkShelf | None = None) -> LogReader:
        """Load all that is left, into another store if there is one, with the power on; return the reader."""
        self.shelf = shelf or self.shelf
        reader, batcher = self._loader(checkpoint_s=1000.0 if shelf else 0.0, batch_events=5000)
        for _ in range(10_000):
            batcher.step()
            if reader.lag_bytes() == 0:
                return reader
        raise Violated("loading does not come to an end")

    def _live(self) -> None:
        with _room_to_start():
            make_directory(ROOT / "log", files=self.disk)
            log_id, lock = new_directory(ROOT / "log", self.disk, lambda count: self.dice.randbytes(count).hex())
        self.log_ids.append(log_id)
        writer = SegmentWriter(
            ROOT / "log" / log_id,
            log_id,
            segment_bytes_max=self.dice.choice((2000, 8000, 1 << 20)),
            segment_age_s=100.0,
            disk_free_bytes_min=0,
            backlog_bytes_max=1 << 40,
            clock=self._clock,
            files=self.disk,
        )
        with _room_to_start():
            writer.open_segment()
        _, batcher = self._loader(checkpoint_s=20.0, batch_events=self.dice.choice((1, 10, 1000)))
        step = _retried(batcher)
        acts: Sequence[Callable[[], object]] = (
            *[lambda: self._append(writer, log_id)] * 6,
            writer.fence,
            writer.fence,
            writer.seal_if_old,
            step,
            step,
        )
        for _ in range(self.dice.randint(1, STEPS_MAX)):
            self.now += self.dice.choice((0.0, 0.1, 3.0, 30.0))
            self.dice.choice(acts)()
        writer.close()
        lock.release()

    def _loader(self, *, checkpoint_s: float, batch_events: int) -> tuple[LogReader, Batcher]:
        suppression = Suppression(ROOT / "erased.json", "key", files=self.disk)
        eraser = Eraser(suppression, self._segments(), _store(self.shelf), ROOT / "quarantine", clock=lambda: NOON)
        archiver = Archiver(self._segments(), eraser)
        reader = LogReader(self._segments(), ROOT / "quarantine", clock=self._clock)
        batcher = Batcher(
            reader,
            self.shelf.sink,
            self.shelf.directory / "spool.ndjson",
            batch_age_s=0.0,
            batch_events=batch_events,
            batch_bytes_max=1 << 20,
            checkpoint_s=checkpoint_s,
            checkpointed=lambda positions: _full_disk_passes(lambda: archiver.archive(positions)),
            clock=self._clock,
        )
        batcher.open()
        return reader, batcher

    def _segments(self) -> Segments:
        return Segments(ROOT / "log", Archive(ROOT / "archive", files=self.disk), files=self.disk)

    def _clock(self) -> float:
        return self.now

    def _append(self, writer: SegmentWriter, log_id: str) -> None:
        group = Group(writer.next_offset)
        labels: dict[Receipt, str] = {}
        for offset in range(group.first_offset, group.first_offset + self.dice.choice((0, 1, 1, 2, 5, 20))):
            labels[log_id, offset] = self._line(group, offset)
        if not labels:
            group.duplicates = self.dice.randint(1, 3)
        self.duplicates_sent += group.duplicates
        # Before it is written: what a power cut takes may have got there all the same.
        self.labels.update(labels)
        try:
            writer.write(group)
        except LogFull:
            self.duplicates_sent -= group.duplicates
            for receipt in labels:
                del self.labels[receipt]
            return
        self.acknowledged.update(labels)
        self.duplicates_acknowledged += group.duplicates

    def _line(self, group: Group, offset: int) -> str:
        self.number += 1
        label = f"item-{self.number}"
        item: Event | RejectedItem
        if self.dice.random() < 0.1:
            item = RejectedItem("wrong_type", label, "site", NOON)
            group.rejected += 1
        else:
            item = Event(label, "site", label, NOON, attrs={"pad": "x" * self.dice.choice((0, 30, 600))})
        group.buffer += b'{"offset":%d,' % offset + encode(item)[1:] + b"\n"
        group.count += 1
        return label


@contextlib.contextmanager
def _room_to_start() -> Iterator[None]:
    """Tell a start that a full disk refuses."""
    try:
        yield
    except (LogFull, OSError) as error:
        raise NoStart from error


def _full_disk_passes(call: Callable[[], object]) -> None:
    """Call as the threads of the store process do: a full disk is tried again later."""
    with contextlib.suppress(OSError):
        call()


def _retried(batcher: Batcher) -> Callable[[], None]:
    def step() -> None:
        try:
            batcher.step()
        except OSError:
            batcher.open()

    return step


def _store(shelf: SinkShelf) -> DuckDBStore:
    assert isinstance(shelf.sink, DuckDBStore)
    return shelf.sink


def stored(store: DuckDBStore, log_ids: list[str]) -> Stored:
    with store.reader() as reader:
        mine = {"log_ids": log_ids}
        return Stored(
            reader.rows(
                'SELECT log_id, "offset", source_label FROM events WHERE list_contains($log_ids, log_id)', mine
            ),
            reader.rows(
                'SELECT log_id, "offset", decode(raw) FROM rejected WHERE list_contains($log_ids, log_id)', mine
            ),
            reader.rows(
                "SELECT log_id, from_offset, to_offset, n_rows, n_rejected, n_dup, n_lost, duplicates FROM ledger "
                "WHERE list_contains($log_ids, log_id) ORDER BY position",
                mine,
            ),
        )


def check(life: Life, reader: LogReader, *, lost: bool = False) -> None:
    """Raise Violated unless every promise holds now that all is loaded; `lost`: the medium was damaged on purpose."""
    found = stored(_store(life.shelf), life.log_ids)
    kept = [*found.rows, *found.rejected]
    times = Counter((log_id, offset) for log_id, offset, _ in kept)
    require(all(count == 1 for count in times.values()), "an offset is stored twice")
    for log_id, offset, label in kept:
        require(life.labels.get((log_id, offset)) == label, f"{log_id}:{offset} is {label}, not what was appended")
    n_lost = sum(row[6] for row in found.ledger)
    missing = life.acknowledged.keys() - times.keys()
    if lost:
        gone = {(row[0], offset) for row in found.ledger if row[6] for offset in range(row[1], row[2] + 1)}
        require(missing <= gone, f"acknowledged, not stored, not told as lost: {sorted(missing - gone)[:3]}")
    else:
        require(not missing, f"acknowledged and missing: {sorted(missing)[:3]}")
        require(n_lost == 0, "something was called lost")
        door = sum(row[7] for row in found.ledger)
        require(life.duplicates_acknowledged <= door <= life.duplicates_sent, "door duplicates do not add up")
    check_ledger(found)
    lines = sum(row[3] + row[4] + row[5] + row[6] for row in found.ledger)
    if not lost:
        require(reader.ended().lines == lines, f"the logs hold {reader.ended().lines} lines, the ledger {lines}")


def check_ledger(found: Stored) -> None:
    ends: dict[str, int] = {}
    for log_id, first, last, n_rows, n_rejected, n_dup, n_lost, _ in found.ledger:
        require(first == ends.get(log_id, -1) + 1, f"the ledger of {log_id} has a hole before {first}")
        require(n_rows + n_rejected + n_dup + n_lost == last - first + 1, "the counts of a load do not add up (R7)")
        ends[log_id] = last


def require(holds: bool, promise: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise Violated(promise)
