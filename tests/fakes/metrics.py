"""Metrics in plain Python, as `storage.query.MetricsQuery` words them; one pass over the events for each visitor."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from storage.duckdb import cursor
from storage.event import PAGEVIEW, Event
from storage.query import MetricsPage, MetricsQuery, MetricsRow

GAP = timedelta(minutes=30)
FORMS = {
    "time:minute": "%Y-%m-%dT%H:%M:00Z",
    "time:hour": "%Y-%m-%dT%H:00:00Z",
    "time:day": "%Y-%m-%d",
    "time:week": "%Y-%m-%d",
    "time:month": "%Y-%m",
}


class Row(Protocol):
    """One stored event, its user resolved."""

    @property
    def event(self) -> Event: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def place(self) -> tuple[datetime, int, int]: ...
    @property
    def person(self) -> tuple[str, str] | None: ...


class Visit(NamedTuple):
    rows: Sequence[Row]

    @property
    def lasted_s(self) -> float:
        return (self.rows[-1].occurred_at - self.rows[0].occurred_at).total_seconds()


def metrics_page(rows: Iterable[Row], query: MetricsQuery, position: int) -> MetricsPage:
    """Answer the question over the rows of its application, whatever their time."""
    rows = list(rows)
    where = query.where
    assert where.from_time is not None
    assert where.to_time is not None
    length = where.to_time - where.from_time
    now = _between(rows, where.from_time, where.to_time)
    found = _by_key(now, query, timedelta())
    before = _by_key(_between(rows, where.from_time - length, where.from_time), query, length)
    lines = sorted(found.items(), key=lambda one: _order(query, one), reverse=query.descending and not query.order_by)
    if query.after is not None:
        value, key = cursor.decode(query.after, query, tuple[float, str | None])
        after = (value, key is None, key or "")
        backwards = query.descending and not query.order_by
        lines = [one for one in lines if (_order(query, one) < after if backwards else _order(query, one) > after)]
    shown = lines[: query.limit]
    nothing = _figures([], [], query)
    answer = [MetricsRow(key, figures, before.get(key, nothing) if query.compare else None) for key, figures in shown]
    if len(lines) <= query.limit:
        return MetricsPage(answer, None, position, len(now))
    last = shown[-1]
    return MetricsPage(answer, cursor.encode((_order(query, last)[0], last[0]), query), position, len(now))


def _between(rows: list[Row], start: datetime, end: datetime) -> list[Row]:
    return [row for row in rows if start <= row.occurred_at < end]


def _by_key(rows: list[Row], query: MetricsQuery, shift: timedelta) -> dict[str | None, list[float | None]]:
    visits = _visits(rows)
    if query.dimension is None:
        return {None: _figures(rows, visits, query)}
    events_of: dict[str | None, list[Row]] = defaultdict(list)
    visits_of: dict[str | None, list[Visit]] = defaultdict(list)
    shift = shift if query.dimension.startswith("time:") else timedelta()
    for visit in visits:
        key = _key(visit.rows[0], query.dimension, shift)
        visits_of[key].append(visit)
        if query.dimension == "source":
            events_of[key] += visit.rows
    if query.dimension != "source":
        for row in rows:
            events_of[_key(row, query.dimension, shift)].append(row)
    if not {"visits", "views_per_visit", "bounce_rate", "visit_duration"} & {*query.metrics}:
        visits_of.clear()
    return {key: _figures(events_of[key], visits_of[key], query) for key in {*events_of, *visits_of}}


def _visits(rows: list[Row]) -> list[Visit]:
    of: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.person is not None:
            of[row.person].append(row)
    visits: list[list[Row]] = []
    for theirs in of.values():
        theirs.sort(key=lambda row: row.place)
        for at, row in enumerate(theirs):
            if at == 0 or row.occurred_at - theirs[at - 1].occurred_at >= GAP:
                visits.append([])
            visits[-1].append(row)
    return [Visit(visit) for visit in visits]


def _figures(rows: Sequence[Row], visits: Sequence[Visit], query: MetricsQuery) -> list[float | None]:
    pageviews = sum(row.event.source_label == PAGEVIEW and row.event.page_url is not None for row in rows)
    figures: dict[str, float | None] = {
        "visitors": len({row.person for row in rows} - {None}),
        "visits": len(visits),
        "pageviews": pageviews,
        "events": len(rows),
        "views_per_visit": pageviews / len(visits) if visits else None,
        "bounce_rate": sum(len(visit.rows) == 1 for visit in visits) / len(visits) if visits else None,
        "visit_duration": sum(visit.lasted_s for visit in visits) / len(visits) if visits else None,
    }
    return [figures[name] for name in query.metrics]


def _key(row: Row, dimension: str, shift: timedelta) -> str | None:
    at = row.occurred_at + shift
    match dimension:
        case "page":
            return row.event.page_url
        case "source":
            host = _host(row.event.referrer)
            return host if host != _host(row.event.page_url) else None
        case "time:week":
            at -= timedelta(days=at.weekday())
    return f"{at:{FORMS[dimension]}}"


def _host(url: str | None) -> str | None:
    return (urlsplit(url or "").hostname or "").removeprefix("www.") or None


def _order(query: MetricsQuery, line: tuple[str | None, list[float | None]]) -> tuple[float, bool, str]:
    key, figures = line
    value = 0.0
    if query.order_by is not None:
        found = figures[query.metrics.index(query.order_by)]
        value = -1.0 if found is None else float(found)
        value = -value if query.descending else value
    return value, key is None, key or ""
