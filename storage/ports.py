"""The ports of log and store: what a front, a batcher and the statistics may rely on, whatever stands behind."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from storage.event import Event
from storage.health import DiskUsage, LogHealth, StoreHealth
from storage.query.events import ExportQuery
from storage.query.metrics import MetricsPage, MetricsQuery
from storage.query.pivot import Pivot, PivotQuery
from storage.query.receipts import ReceiptAnswer, ReceiptQuery
from storage.query.rejected import PersonRejectedQuery, RejectedPage, RejectedQuery, RejectedRaw, RejectedRawQuery
from storage.query.visits import BreakdownPage, BreakdownQuery, Summary, SummaryQuery, VisitsPage, VisitsQuery


class DiskSurvey(Protocol):
    """Looks at the files of a data directory."""

    def usage(self) -> DiskUsage:
        """Return what lies there; blocks on the disk. OSError where it cannot be listed."""

    def lines_of(self, log_id: str) -> int:
        """Return how many offsets a log whose writer is dead has given, 0 where there is no such log; blocks."""


class EventLog(Protocol):
    """An append-only log with one writer. A receipt is `<log_id>:<offset>`."""

    @property
    def log_id(self) -> str:
        """This writer incarnation: no other start of any front ever uses the same text."""

    async def append(self, lines: Sequence[bytes], *, rejected: int = 0, duplicates: int = 0) -> int:
        """Append encoded items as one unit and return the first one's offset once all survive a power cut.

        `rejected` of the lines are rejected items; `duplicates` counts repeats answered at the door that have no line
        of their own (`lines` may then be empty). The unit is never split over two groups; offsets are dense.

        Raises:
            LogFull: no room in the queue for `append_wait_s`, or on the disk; nothing was kept.
            LogFailed: the log is broken and stays so.
        """

    def health(self) -> LogHealth:
        """Return the log's own figures; never blocks."""


class TailEvent(msgspec.Struct, frozen=True):
    """One event of a log, with its place."""

    receipt: str
    event: Event


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """What became durable in a stretch of the log: all of it counted, the newest `events` of it read, oldest first.

    `receipt` is the place of the stretch's last item; of an empty one it is where the stretch began.
    """

    receipt: str
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    events: tuple[TailEvent, ...] = ()


class LogTail(Protocol):
    """The newest end of the log that this process writes, for whoever watches. Methods block on the disk."""

    def advance(self, durable_offset: int, *, events_max: int) -> Tail:
        """Return what became durable since the last call, up to `durable_offset`.

        The first call stands at the end: it counts nothing, and its events are the newest that were there before.
        """

    def since(self, receipt: str, *, events_max: int) -> Tail | None:
        """Return what lies between `receipt` and where `advance` stands, also when an earlier daemon gave that receipt.

        None: there is no such place, or it is more than `resume_bytes_max` of the log back.
        """


class LogRange(msgspec.Struct, frozen=True, kw_only=True):
    """A run of consecutive groups of one log, verified, and where reading goes on.

    `from_offset` to `to_offset` are included both; a run without lines has `to_offset == from_offset - 1`.
    `byte_end` is the place in `segment` after the last group. Of a run that `is_lost` the lines were damaged and are
    gone: there are none.
    """

    log_id: str
    from_offset: int
    to_offset: int
    segment: int
    byte_end: int
    duplicates: int
    is_lost: bool = False

    @property
    def count(self) -> int:
        """How many lines it has, or had."""
        return self.to_offset - self.from_offset + 1


class LogPosition(msgspec.Struct, frozen=True, kw_only=True):
    """How far one log is loaded: the next offset, and where the reader goes on."""

    log_id: str
    next_offset: int
    segment: int
    byte_end: int


class EventSink(Protocol):
    """The loading side of a store; used by one batcher, from one thread."""

    def check(self) -> None:
        """Return where nothing hinders the next load; StoreDamaged where only a start with new files helps."""

    def positions(self) -> dict[str, LogPosition]:
        """Return how far each log is loaded, by log_id."""

    def apply(self, batch: LogRange, lines: Path) -> None:
        """Store the event lines of `batch` (an NDJSON file without frame headers) exactly once, with its ledger row.

        Rows and ledger are one transaction. Repeats of a client's event_id are counted, not stored.

        Raises:
            StorageError: nothing of the batch is stored, or all of it: read `positions` again before going on.
        """

    def checkpoint(self) -> None:
        """Return once all that was applied survives without the log.

        Raises:
            StorageError: it may not; try again later, the log is still there.
        """


class EventStore(Protocol):
    """The asking side of a store. Every method raises StoreDown when there is nobody to ask."""

    async def visits(self, query: VisitsQuery) -> VisitsPage:
        """Return single pageviews, newest first; QueryRefused names `cursor` when `after` is not one of ours."""

    async def breakdown(self, query: BreakdownQuery) -> BreakdownPage:
        """Return pageviews by dimension; QueryRefused names `cursor` when `after` is not one of ours."""

    async def summary(self, query: SummaryQuery) -> Summary:
        """Return totals and popular pages."""

    async def metrics(self, query: MetricsQuery) -> MetricsPage:
        """Return metrics in total or by a dimension; QueryRefused names `cursor` when `after` is not one of ours."""

    async def pivot(self, query: PivotQuery) -> Pivot:
        """Return the totals of an event by user and by value of an attr."""

    def export(self, query: ExportQuery | PersonRejectedQuery) -> AsyncGenerator[bytes, None]:
        """Yield chunks of NDJSON, each of whole lines, at most `storage.query.events.CHUNK_BYTES` or one line long."""

    async def receipt(self, query: ReceiptQuery) -> ReceiptAnswer:
        """Return what became of a line of a log."""

    async def rejected(self, query: RejectedQuery) -> RejectedPage:
        """Return rejected items, last loaded first; QueryRefused names `cursor` when `after` is not one of ours."""

    async def rejected_raw(self, query: RejectedRawQuery) -> RejectedRaw:
        """Return one rejected item and what was sent."""

    async def health(self) -> StoreHealth:
        """Return counts and lag."""
