"""The metrics of a store in plain Python, event by event."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from storage import cursor
from storage.enrichment.agent import Agent
from storage.enrichment.arrival import Arrival
from storage.event import ENGAGEMENT
from storage.query.metrics import Metric, MetricsPage, MetricsQuery, MetricsRow
from tests.fakes import enrichment
from tests.fakes.stored import Stored

VISIT_GAP = timedelta(minutes=30)
OF_FIRST_EVENTS = {*Agent._fields, *Arrival._fields, "country"}

Visit = list[Stored]
Key = str | None


def page(stored: list[Stored], position: int, query: MetricsQuery) -> MetricsPage:
    length = query.to_time - query.from_time
    cells = _cells(stored, query, timedelta(0))
    before = _cells(stored, query, length)
    lines = sorted(cells, key=lambda key: _place(query, key, cells[key]), reverse=_is_reversed(query))
    if query.after is not None:
        after = _comparable(*cursor.decode(query.after, query, tuple[float | None, Key]))
        places = {key: _place(query, key, cells[key]) for key in lines}
        lines = [key for key in lines if (places[key] < after if _is_reversed(query) else places[key] > after)]
    shown = lines[: query.limit]
    rows = [
        MetricsRow(
            key,
            [cells[key].value(metric) for metric in query.metrics],
            [before.get(key, Cell()).value(metric) for metric in query.metrics] if query.compare else None,
        )
        for key in shown
    ]
    following = None
    if len(lines) > query.limit:
        following = cursor.encode((_value(query, cells[shown[-1]]), shown[-1]), query)
    return MetricsPage(rows, following, position, len(_in_range(stored, query, timedelta(0))))


class Cell:
    """What is counted for one key: its events, its visits, and those of them that are measured."""

    def __init__(self) -> None:
        self.events: list[Stored] = []
        self.visits: list[Visit] = []
        self.measured: list[Visit] = []

    def value(self, metric: Metric) -> float | int | None:
        pageviews = sum(row.is_pageview for row in self.events)
        spans = [(visit[-1].occurred_at - visit[0].occurred_at) // timedelta(microseconds=1) for visit in self.measured]
        mean = _ratio(sum(spans), len(spans))
        values: dict[Metric, float | int | None] = {
            "visitors": len({row.person for row in self.events} - {None}),
            "visits": len(self.visits),
            "pageviews": pageviews,
            "events": len(self.events),
            "views_per_visit": _ratio(pageviews, len(self.visits)),
            "bounce_rate": _ratio(sum(_is_bounce(visit) for visit in self.measured), len(self.measured)),
            "visit_duration": None if mean is None else mean / 1e6,
        }
        return values[metric]


def _cells(stored: list[Stored], query: MetricsQuery, shift: timedelta) -> dict[Key, Cell]:
    cells: dict[Key, Cell] = defaultdict(Cell)
    if query.dimension is None:
        cells[None] = Cell()
    events = _in_range(stored, query, shift)
    visits = _visits(events)
    if query.dimension in OF_FIRST_EVENTS:
        for visit in visits:
            cell = cells[_told(visit[0], query.dimension)]
            cell.events += visit
            cell.visits.append(visit)
            cell.measured.append(visit)
        return cells
    for row in events:
        cells[_key(row, query, shift)].events.append(row)
    for visit in visits:
        entry = _key(visit[0], query, shift)
        cells[entry].measured.append(visit)
        for key in {_key(row, query, shift) for row in visit} if query.dimension == "page" else {entry}:
            cells[key].visits.append(visit)
    return cells


def _in_range(stored: list[Stored], query: MetricsQuery, shift: timedelta) -> list[Stored]:
    return [
        row
        for row in stored
        if row.event.app_code == query.app_code
        and query.user_id in (None, row.event.user_id)
        and query.from_time <= row.occurred_at + shift < query.to_time
    ]


def _visits(events: Iterable[Stored]) -> list[Visit]:
    visits: list[Visit] = []
    latest: dict[tuple[str, str], Visit] = {}
    for row in sorted(events, key=lambda row: row.place):
        if row.person is None:
            continue
        visit = latest.get(row.person)
        if visit is None or row.occurred_at - visit[-1].occurred_at >= VISIT_GAP:
            visit = latest[row.person] = []
            visits.append(visit)
        visit.append(row)
    return visits


def _key(row: Stored, query: MetricsQuery, shift: timedelta) -> Key:
    if query.dimension in (None, "page"):
        return row.event.page_url if query.dimension else None
    at = row.occurred_at + shift
    return {
        "time:minute": f"{_day(at)}T{at.hour:02}:{at.minute:02}:00Z",
        "time:hour": f"{_day(at)}T{at.hour:02}:00:00Z",
        "time:day": _day(at),
        "time:week": _day(at - timedelta(days=at.weekday())),
        "time:month": _day(at)[:7],
    }[query.dimension]


def _day(at: datetime) -> str:
    return str(at.date())


def _told(first: Stored, dimension: str) -> str | None:
    if dimension == "country":
        return first.event.country
    told = enrichment.agent(first.event) if dimension in Agent._fields else enrichment.arrival(first.event)
    return getattr(told, dimension, None)


def _is_bounce(visit: Visit) -> bool:
    return sum(row.event.source_label != ENGAGEMENT for row in visit) <= 1


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _is_reversed(query: MetricsQuery) -> bool:
    return query.descending and query.order is None


def _value(query: MetricsQuery, cell: Cell) -> float | None:
    if query.order is None:
        return None
    value = cell.value(query.order)
    return None if value is None else (-value if query.descending else value)


def _place(query: MetricsQuery, key: Key, cell: Cell) -> tuple[object, ...]:
    return _comparable(_value(query, cell), key)


def _comparable(value: float | None, key: Key) -> tuple[object, ...]:
    return value is None, value or 0, key is None, key or ""
