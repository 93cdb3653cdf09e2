"""The asking side: blocking questions on one cursor, beside the load."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

import duckdb
import msgspec
from duckdb import DuckDBPyConnection

from storage import cursor
from storage.duckdb import metrics, pivot, receipts
from storage.duckdb.breakdown import BreakdownPlace, Count, compiled
from storage.duckdb.marks import Marks
from storage.duckdb.person_rejected import person_rejected
from storage.duckdb.statement import Row, statement
from storage.errors import QueryRefused, QueryTimeout, StorageError, StoreDown
from storage.health import StoreHealth
from storage.query.events import CHUNK_BYTES, EventFilter, ExportQuery
from storage.query.metrics import MetricsPage, MetricsQuery
from storage.query.pivot import Pivot, PivotQuery
from storage.query.receipts import ReceiptAnswer, ReceiptQuery
from storage.query.rejected import PersonRejectedQuery, RejectedPage, RejectedQuery, RejectedRaw, RejectedRawQuery
from storage.query.visits import (
    BreakdownPage,
    BreakdownQuery,
    BreakdownRow,
    PageCount,
    Summary,
    SummaryQuery,
    VisitRow,
    VisitsPage,
    VisitsQuery,
)

SLICE_ROWS = 5_000
"""About as many rows of an export are in memory at once."""

ANYONE = "$user_id::VARCHAR IS NULL"
OF_USER = """(user_id = $user_id OR user_id IS NULL AND anonymous_id IN (
            SELECT anonymous_id FROM owner WHERE app_code = $app_code AND user_id = $user_id
        ))"""
"""The conditions on the user of single pageviews: the second one makes even a page of everyone's 25 times as slow."""


class VisitPlace(msgspec.Struct, frozen=True, array_like=True):
    """The place of a pageview: all that the order looks at."""

    occurred_at: datetime
    position: Count
    offset: Count


class Reader:
    """One question at a time, from any thread. Each is one statement, or one transaction: it sees one state of the store.

    Every method raises QueryTimeout when it was interrupted and StoreDown once the reader is closed.
    """

    def __init__(
        self, connection: DuckDBPyConnection, failed: Callable[[duckdb.Error], None], marks: Marks | None = None
    ) -> None:
        """`failed` is told every error of DuckDB's, in the thread that asks; `marks` were counted of this database."""
        self._connection = connection
        self._marks = marks or Marks()
        self._failed = failed
        self._busy = threading.Lock()
        self._closed = False

    def visits(self, query: VisitsQuery) -> VisitsPage:
        """Return single pageviews, newest first."""
        place = cursor.decode(query.after, query, VisitPlace) if query.after is not None else None
        parameters = _filter(query.where) | _after(place) | {"limit": query.limit + 1}
        sql = statement("visits").format(whose=ANYONE if query.where.user_id is None else OF_USER)
        found = self.rows(sql, parameters)
        rows = [VisitRow(user, anonymous, page, _aware(at)) for user, anonymous, page, at, _, _ in found[: query.limit]]
        if len(found) <= query.limit:
            return VisitsPage(rows, None)
        *_, at, position, offset = found[query.limit - 1]
        return VisitsPage(rows, cursor.encode(VisitPlace(_aware(at), position, offset), query))

    def breakdown(self, query: BreakdownQuery) -> BreakdownPage:
        """Return pageviews by dimension. Pages are cut from the state of their own moment: a row may move meanwhile."""
        place = BreakdownPlace(0, [None] * len(query.by))
        if query.after is not None:
            place = cursor.decode(query.after, query, BreakdownPlace)
        if len(place.keys) != len(query.by):
            raise QueryRefused("cursor", "the cursor has another number of dimensions")
        parameters = _filter(query.where) | place.parameters()
        parameters |= {"first": query.after is None, "limit": query.limit + 1}
        found = self.rows(compiled(query.by), parameters)
        rows = [BreakdownRow(list(keys), visits, visitors) for *keys, visits, visitors in found[: query.limit]]
        if len(found) <= query.limit:
            return BreakdownPage(rows, None)
        return BreakdownPage(rows, cursor.encode(BreakdownPlace(rows[-1].visits, rows[-1].keys), query))

    def summary(self, query: SummaryQuery) -> Summary:
        """Return totals and popular pages."""
        total, *pages = self.rows(statement("summary"), _filter(query.where) | {"pages": query.pages})
        return Summary(total[1], total[2], [PageCount(*page) for page in pages])

    def metrics(self, query: MetricsQuery) -> MetricsPage:
        """Return metrics by dimension. Like those of a breakdown, pages are cut from the state of their own moment."""
        place = cursor.decode(query.after, query, metrics.MetricsPlace) if query.after is not None else None
        whose = ANYONE if query.user_id is None else OF_USER
        with self._one_state():
            scanned = statement("metrics_scanned").format(whose=whose)
            ((position, rows_scanned),) = self.rows(scanned, metrics.filter_of(query))
            found = self.rows(metrics.compiled(query), metrics.parameters(query, place))
            shown = found[: query.limit]
            before: dict[str | None, Row] = {}
            if query.compare:
                earlier = metrics.earlier(query, [key for key, *_ in shown])
                before = {row[0]: row for row in self.rows(metrics.compiled(query, of_keys=True), earlier)}
        rows = [metrics.row_of(query, row, before.get(row[0])) for row in shown]
        more = len(found) > query.limit
        following = cursor.encode(metrics.MetricsPlace(shown[-1][-1], shown[-1][0]), query) if more else None
        return MetricsPage(rows, following, position, rows_scanned)

    def pivot(self, query: PivotQuery) -> Pivot:
        """Return an event by user and value."""
        times = {"from_time": _naive(query.from_time), "to_time": _naive(query.to_time)}
        return pivot.pivot(self.rows, query, times)

    def export(self, query: ExportQuery | PersonRejectedQuery) -> Iterator[bytes]:
        """Yield chunks of whole lines: what was stored when the first one was asked for, in load order."""
        if isinstance(query, PersonRejectedQuery):
            return _chunks(person_rejected(self.rows, query.person))
        return _chunks(self._lines(query))

    def receipt(self, query: ReceiptQuery) -> ReceiptAnswer:
        """Return what became of a line."""
        with self._one_state():
            return receipts.receipt(self.rows, query)

    def rejected(self, query: RejectedQuery) -> RejectedPage:
        """Return rejected items, last loaded first."""
        return receipts.rejected(self.rows, query)

    def rejected_raw(self, query: RejectedRawQuery) -> RejectedRaw:
        """Return one rejected item and what was sent."""
        return receipts.rejected_raw(self.rows, query)

    def health(self) -> StoreHealth:
        """Return the counts of the ledger; the batcher knows the lag."""
        with self._one_state():
            ((*counts, loaded_at),) = self.rows(statement("health"), {})
            marked = self._marks.count(self.rows, counts[0])
        names = ("position", "n_rows", "n_rejected", "n_duplicates", "n_lost", "door_duplicates", "lines")
        at = None if loaded_at is None else _aware(loaded_at)
        return StoreHealth(**dict(zip(names, counts, strict=True)), loaded_at=at, marked=marked)

    def interrupt(self) -> None:
        """End the question under way, from another thread; without one nothing happens."""
        # A connection that was closed meanwhile has no question under way.
        with contextlib.suppress(duckdb.ConnectionException):
            self._connection.interrupt()

    def close(self) -> None:
        """End the question under way and refuse every other."""
        self._closed = True
        self.interrupt()
        with self._busy:
            self._connection.close()

    def _lines(self, query: ExportQuery) -> Iterator[bytes]:
        for first, last in self.rows(statement("export_slices"), {"slice_rows": SLICE_ROWS}):
            bounds = {"first_position": first, "last_position": last}
            parameters = _filter(query.where) | bounds | {"anonymous_id": query.anonymous_id}
            for (line,) in self.rows(statement("export"), parameters):
                yield line.encode()

    @contextlib.contextmanager
    def _one_state(self) -> Iterator[None]:
        self.rows("BEGIN", {})
        try:
            yield
        finally:
            # A connection that was closed meanwhile has no transaction any more; one that is being closed loses it with that.
            with contextlib.suppress(duckdb.ConnectionException, duckdb.InterruptException):
                self._connection.rollback()

    def rows(self, sql: str, parameters: Mapping[str, object]) -> list[Row]:
        """Return what a statement selects; QueryTimeout after `interrupt`."""
        with self._busy:
            if self._closed:
                raise StoreDown("the store was closed or opened anew")
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except duckdb.InterruptException:
                raise QueryTimeout("the query was interrupted") from None
            except duckdb.Error as error:
                self._failed(error)
                raise StorageError(f"the query failed: {error}") from error


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    chunk: list[bytes] = []
    size = 0
    for line in lines:
        if chunk and size + len(line) > CHUNK_BYTES:
            yield b"".join(chunk)
            chunk, size = [], 0
        chunk.append(line)
        size += len(line)
    if chunk:
        yield b"".join(chunk)


def _filter(where: EventFilter) -> dict[str, object]:
    return {
        "app_code": where.app_code,
        "source_label": where.source_label,
        "user_id": where.user_id,
        "page_url": where.page_url,
        "from_time": _naive(where.from_time),
        "to_time": _naive(where.to_time),
    }


def _after(place: VisitPlace | None) -> dict[str, object]:
    return {
        "after_time": place and _naive(place.occurred_at),
        "after_position": place and place.position,
        "after_offset": place and place.offset,
    }


def _naive(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(UTC).replace(tzinfo=None)


def _aware(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC)
