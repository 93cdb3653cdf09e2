"""POST /query: metrics by page, source or period, for the console and for sites."""

from collections.abc import Callable
from datetime import datetime
from typing import get_args

from aiohttp import web

from collector.answers import json_answer
from collector.identity.caller import CALLER
from collector.statistics.range import Range, end_of, of_age, of_times, with_end
from collector.statistics.scope import Scope
from collector.wire.problem import BodyInvalid, FieldError
from collector.wire.query import QueryAnswer, QueryBody, QueryMeta, QueryRow
from collector.wire.statistics import Filter
from storage.errors import QueryRefused
from storage.ports import EventStore
from storage.query.events import EventFilter
from storage.query.metrics import Metric, MetricsPage, MetricsQuery, MetricsRow

METRICS: dict[str, Metric] = {metric: metric for metric in get_args(Metric)}


class MetricsStatistics:
    """The handler of POST /query; `clock` says what time it is, `stopwatch` counts seconds."""

    def __init__(
        self, store: EventStore, scope: Scope, clock: Callable[[], datetime], stopwatch: Callable[[], float]
    ) -> None:
        self._store = store
        self._scope = scope
        self._clock = clock
        self._stopwatch = stopwatch

    async def query(self, request: web.Request, body: QueryBody) -> web.Response:
        """Answer metrics in total, by page, by source or by period; `elapsed_ms` is the time that the store took."""
        asked, after = self._range(body)
        about = Filter(app_code=body.app_code, from_time=asked.from_time, to_time=asked.to_time)
        query = _question(body, asked, after, self._scope.events_of(about, request[CALLER]))
        began = self._stopwatch()
        try:
            page = await self._store.metrics(query)
        except QueryRefused as error:
            raise BodyInvalid([FieldError(f"$.{error.field}", "wrong_value", str(error))]) from None
        return json_answer(_answer(body, asked, page, 1000 * (self._stopwatch() - began)))

    def _range(self, body: QueryBody) -> tuple[Range, str | None]:
        if not isinstance(body.range, str):
            return of_times(body.range), body.cursor
        to_time, after = (self._clock(), None) if body.cursor is None else end_of(body.cursor)
        return of_age(body.range, to_time), after


def _question(body: QueryBody, asked: Range, after: str | None, where: EventFilter) -> MetricsQuery:
    metric, descending = _order(body)
    return MetricsQuery(
        app_code=where.app_code,
        user_id=where.user_id,
        from_time=asked.from_time,
        to_time=asked.to_time,
        metrics=tuple(body.metrics),
        dimension=body.dimensions[0] if body.dimensions else None,
        order=metric,
        descending=descending,
        limit=body.limit,
        after=after,
        compare=body.compare == "previous",
    )


def _order(body: QueryBody) -> tuple[Metric | None, bool]:
    """Return the metric that orders, None for the dimension, and whether it descends."""
    if body.order:
        ((name, direction),) = body.order
        return METRICS.get(name), direction == "desc"
    if body.dimensions and body.dimensions[0].startswith("time:"):
        return None, False
    return body.metrics[0], True


def _answer(body: QueryBody, asked: Range, page: MetricsPage, elapsed_ms: float) -> QueryAnswer:
    following = page.next
    if following is not None and isinstance(body.range, str):
        following = with_end(asked.to_time, following)
    meta = QueryMeta(
        position=page.position,
        rows_scanned=page.rows_scanned,
        elapsed_ms=round(elapsed_ms, 1),
        from_time=asked.from_time,
        to_time=asked.to_time,
    )
    return QueryAnswer([_row(body, row) for row in page.rows], following, meta)


def _row(body: QueryBody, row: MetricsRow) -> QueryRow:
    return QueryRow([row.key] if body.dimensions else [], row.metrics, row.previous)
