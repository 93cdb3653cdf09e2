"""POST /query: the one query that the console and sites use."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast

from aiohttp import web

from collector.answers import json_answer
from collector.identity.caller import CALLER
from collector.statistics.scope import events_of
from collector.wire import query as wire
from collector.wire.problem import BodyInvalid, FieldError
from collector.wire.statistics import TIME_FORMS, Filter, in_utc
from storage.errors import QueryRefused
from storage.event import BUILT_IN_APP
from storage.ports import EventStore
from storage.query import EventFilter, Metric, MetricsPage, MetricsQuery

RANGE_DAYS_MAX = 4000
"""Days that one question may reach over."""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class Range(NamedTuple):
    """From one time, included, to another; both are UTC."""

    from_time: datetime
    to_time: datetime


class MetricsAnswers:
    """The handler of POST /query."""

    def __init__(self, store: EventStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def query(self, request: web.Request, body: wire.QueryBody) -> web.Response:
        """Answer metrics in total, by page, by source or by period."""
        _require_sense(body)
        within, after = _continued(body.cursor) if body.cursor else (self._range(body), None)
        where = events_of(Filter(from_time=within.from_time, to_time=within.to_time), request[CALLER])
        began_s = time.perf_counter()
        try:
            page = await self._store.metrics(_query(body, after, where=where))
        except QueryRefused as error:
            raise _invalid(error.field, "wrong_value", str(error)) from None
        elapsed_ms = (time.perf_counter() - began_s) * 1000
        return json_answer(_answer(page, within, elapsed_ms, by_dimension=bool(body.dimensions)))

    def _range(self, body: wire.QueryBody) -> Range:
        if isinstance(body.range, str):
            to_time = self._clock()
            length = int(body.range[:-1]) * UNITS[body.range[-1]]
            return _checked(Range(to_time - length, to_time))
        from_time, to_time = (_time(place, text) for place, text in enumerate(body.range))
        return _checked(Range(from_time, to_time))


def _time(place: int, text: str) -> datetime:
    try:
        return in_utc(text)
    except ValueError:
        raise _invalid(f"range[{place}]", "wrong_value", TIME_FORMS) from None


def _checked(within: Range) -> Range:
    length = within.to_time - within.from_time
    if length <= timedelta():
        raise _invalid("range", "wrong_value", "the range ends before it begins")
    if length > timedelta(days=RANGE_DAYS_MAX):
        raise _invalid("range", "range_too_long", f"the range has more than {RANGE_DAYS_MAX} days")
    if within.from_time < EARLIEST:
        raise _invalid("range", "wrong_value", f"the range begins before {EARLIEST:%Y-%m-%d}")
    return within


def _continued(cursor: str) -> tuple[Range, str]:
    """Return the range and the store's cursor: an age means the same time on every page of an answer."""
    times, _, after = cursor.partition("~")
    try:
        from_time, to_time = (in_utc(text) for text in times.split("_"))
    except ValueError:
        raise _invalid("cursor", "wrong_value", "the cursor is not the `next` of an answer") from None
    return _checked(Range(from_time, to_time)), after


def _query(body: wire.QueryBody, after: str | None, *, where: EventFilter) -> MetricsQuery:
    dimension = body.dimensions[0] if body.dimensions else None
    by_time = dimension is None or dimension.startswith("time:")
    named, direction = body.order[0] if body.order else (dimension, "asc") if by_time else (body.metrics[0], "desc")
    if named not in (*body.metrics, dimension):
        raise _invalid("order[0][0]", "wrong_value", "should be one of the metrics or the dimension")
    return MetricsQuery(
        where=where,
        metrics=tuple(body.metrics),
        dimension=dimension,
        order_by=None if named == dimension else cast("Metric", named),
        descending=direction == "desc",
        limit=body.limit,
        after=after,
        compare=body.compare is not None,
    )


def _answer(page: MetricsPage, within: Range, elapsed_ms: float, *, by_dimension: bool) -> wire.QueryAnswer:
    rows = [wire.QueryRow([row.key] if by_dimension else [], row.metrics, row.previous) for row in page.rows]
    following = page.next and f"{within.from_time.isoformat()}_{within.to_time.isoformat()}~{page.next}"
    meta = wire.QueryMeta(
        position=page.position,
        rows_scanned=page.scanned,
        elapsed_ms=round(elapsed_ms, 3),
        from_time=within.from_time,
        to_time=within.to_time,
    )
    return wire.QueryAnswer(rows, following, meta)


def _require_sense(body: wire.QueryBody) -> None:
    if len(set(body.metrics)) < len(body.metrics):
        raise _invalid("metrics", "repeated", "a metric is repeated")
    if body.app_code != BUILT_IN_APP:
        raise _invalid("app_code", "app_unknown", "there is no application of this app_code")


def _invalid(member: str, code: str, message: str) -> BodyInvalid:
    return BodyInvalid([FieldError(f"$.{member}", code, message)])
