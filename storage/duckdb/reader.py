"""The asking side: blocking questions on one cursor, beside the load."""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import msgspec
from duckdb import DuckDBPyConnection
from msgspec.structs import replace

from storage.duckdb import cursor
from storage.duckdb.breakdown import BreakdownPlace, Count, compiled
from storage.duckdb.metrics import PERIODS, MetricsLine, MetricsPlace, line_of, nothing
from storage.duckdb.metrics import compiled as compiled_metrics
from storage.duckdb.statement import statement
from storage.errors import QueryRefused, QueryTimeout, StorageError, StoreDown
from storage.query import (
    CHUNK_BYTES,
    BreakdownPage,
    BreakdownQuery,
    BreakdownRow,
    EventFilter,
    ExportQuery,
    MetricsPage,
    MetricsQuery,
    MetricsRow,
    PageCount,
    StoreHealth,
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

Row = tuple[Any, ...]
"""What the statement selects."""


class VisitPlace(msgspec.Struct, frozen=True, array_like=True):
    """The place of a pageview: all that the order looks at."""

    occurred_at: datetime
    position: Count
    offset: Count


class Reader:
    """One question at a time, from any thread. Each is one statement, so that it sees one state of the store.

    Every method raises QueryTimeout when it was interrupted and StoreDown once the reader is closed.
    """

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection
        self._busy = threading.Lock()
        self._closed = False

    def visits(self, query: VisitsQuery) -> VisitsPage:
        """Return single pageviews, newest first."""
        place = cursor.decode(query.after, query, VisitPlace) if query.after is not None else None
        parameters = _filter(query.where) | _after(place) | {"limit": query.limit + 1}
        sql = statement("visits").format(whose=ANYONE if query.where.user_id is None else OF_USER)
        found = self._rows(sql, parameters)
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
        found = self._rows(compiled(query.by), parameters)
        rows = [BreakdownRow(list(keys), visits, visitors) for *keys, visits, visitors in found[: query.limit]]
        if len(found) <= query.limit:
            return BreakdownPage(rows, None)
        return BreakdownPage(rows, cursor.encode(BreakdownPlace(rows[-1].visits, rows[-1].keys), query))

    def summary(self, query: SummaryQuery) -> Summary:
        """Return totals and popular pages."""
        total, *pages = self._rows(statement("summary"), _filter(query.where) | {"pages": query.pages})
        return Summary(total[1], total[2], [PageCount(*page) for page in pages])

    def metrics(self, query: MetricsQuery) -> MetricsPage:
        """Return metrics; those of the time before are a statement of their own."""
        place = cursor.decode(query.after, query, MetricsPlace) if query.after is not None else None
        scanned, position, found = self._metrics(query, place)
        shown = found[: query.limit]
        before = self._before(query, [one.key for one in shown]) if query.compare else {}
        rows = [MetricsRow(one.key, one.metrics, before.get(one.key)) for one in shown]
        if len(found) <= query.limit:
            return MetricsPage(rows, None, position, scanned)
        following = cursor.encode(MetricsPlace(shown[-1].value, shown[-1].key), query)
        return MetricsPage(rows, following, position, scanned)

    def _metrics(
        self,
        query: MetricsQuery,
        place: MetricsPlace | None,
        *,
        shift: timedelta = timedelta(),
        keys: list[str | None] | None = None,
    ) -> tuple[int, int, list[MetricsLine]]:
        parameters = _filter(query.where) | {
            "shift": shift,
            "keys": None if keys is None else [key for key in keys if key is not None],
            "keyless": keys is not None and None in keys,
            "first": place is None,
            "after": place and place.value,
            "after_key": place and place.key,
            "limit": query.limit + 1,
        }
        found = self._rows(compiled_metrics(query), parameters)
        lines = [line_of(query, key, metrics, value) for _, _, key, metrics, value in found if metrics is not None]
        return found[0][0], found[0][1], lines

    def _before(self, query: MetricsQuery, keys: list[str | None]) -> dict[str | None, list[float | None]]:
        """Return the metrics of the time before by the keys of the time itself, of each of them."""
        where = query.where
        assert where.from_time is not None
        assert where.to_time is not None
        length = where.to_time - where.from_time
        earlier = replace(query, where=replace(where, from_time=where.from_time - length, to_time=where.from_time))
        shift = length if query.dimension in PERIODS else timedelta()
        _, _, found = self._metrics(earlier, None, shift=shift, keys=keys if query.dimension else None)
        return dict.fromkeys(keys, nothing(query)) | {one.key: one.metrics for one in found}

    def export(self, query: ExportQuery) -> Iterator[bytes]:
        """Yield chunks of whole lines: what was stored when the first one was asked for, in load order."""
        return _chunks(self._lines(query))

    def health(self) -> StoreHealth:
        """Return the counts of the ledger; the batcher knows the lag."""
        ((position, n_rows, n_rejected, n_duplicates, loaded_at),) = self._rows(statement("health"), {})
        at = None if loaded_at is None else _aware(loaded_at)
        return StoreHealth(position, n_rows, n_rejected, n_duplicates, at, lag_bytes=0, last_error=None)

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
        for first, last in self._rows(statement("export_slices"), {"slice_rows": SLICE_ROWS}):
            bounds = {"first_position": first, "last_position": last}
            for (line,) in self._rows(statement("export"), _filter(query.where) | bounds):
                yield line.encode()

    def _rows(self, sql: str, parameters: Mapping[str, object]) -> list[Row]:
        with self._busy:
            if self._closed:
                raise StoreDown("the store was closed or opened anew")
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except duckdb.InterruptException:
                raise QueryTimeout("the query was interrupted") from None
            except duckdb.Error as error:
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
