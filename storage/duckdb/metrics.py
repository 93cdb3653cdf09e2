"""From the metrics and the dimension of a question to its statement; only what it needs is computed."""

from typing import NamedTuple

import msgspec

from storage.duckdb.statement import statement
from storage.query import MetricsDimension, MetricsQuery

VISIT_METRICS = frozenset({"visits", "views_per_visit", "bounce_rate", "visit_duration"})
COUNTS = frozenset({"visitors", "visits", "pageviews", "events"})
PERIODS: dict[str, str] = {
    "time:minute": "%Y-%m-%dT%H:%M:00Z",
    "time:hour": "%Y-%m-%dT%H:00:00Z",
    "time:day": "%Y-%m-%d",
    "time:week": "%Y-%m-%d",
    "time:month": "%Y-%m",
}

PLACE_COLUMNS = 'position, "offset"'

HOST = r"""regexp_extract(lower({}), '^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?(?:www\.)?([^/?#:]+)', 1)"""
"""The host of an address as a source is named: lower case, without `www.` (RFC 3986, 3.2)."""


class Keys(NamedTuple):
    """What a dimension's rows are named by: of an event where it has its own, and of a visit.

    `columns` are those that an event needs for it, `first` what a visit takes from its first event.
    """

    of_event: str | None
    of_visit: str
    columns: str = ""
    first: str = ""


class MetricsPlace(msgspec.Struct, frozen=True, array_like=True):
    """The place of a row: what it is ordered by, and its key."""

    value: float
    key: str | None


class MetricsLine(NamedTuple):
    """One row of the answer, and the value that it is ordered by."""

    key: str | None
    metrics: list[float | None]
    value: float


def line_of(query: MetricsQuery, key: str | None, metrics: list[float | None], value: float) -> MetricsLine:
    """Return a row as DuckDB gives it, with counts as whole numbers."""
    typed = [
        int(metric) if name in COUNTS and metric is not None else metric
        for name, metric in zip(query.metrics, metrics, strict=True)
    ]
    return MetricsLine(key, typed, value)


def nothing(query: MetricsQuery) -> list[float | None]:
    """Return the metrics of no events at all."""
    return [0 if name in COUNTS else None for name in query.metrics]


def compiled(query: MetricsQuery) -> str:
    """Return the statement; its parameters besides the filter's: shift, keys, first, after, after_key, limit."""
    keys = _keys(query.dimension)
    # Which event of a visit is its first matters only where the visit takes its name from it.
    place = f"occurred_at, {PLACE_COLUMNS}" if keys.first else "occurred_at"
    # A total is a row even where there is nothing to group.
    group = "GROUP BY key" if query.dimension else ""
    parts = []
    needs_visits = keys.of_event is None or not VISIT_METRICS.isdisjoint(query.metrics)
    if keys.of_event is not None:
        parts.append(statement("metrics_of_events").format(key=keys.of_event, group=group))
    if needs_visits:
        parts.append(statement("metrics_of_visits").format(key=keys.of_visit, group=group))
    if keys.of_event is None:
        parts.append(statement("metrics_of_visits_events").format(key=keys.of_visit, group=group))
    return statement("metrics").format(
        columns=keys.columns,
        visits=statement("metrics_visits").format(first=keys.first, place=place) if needs_visits else "",
        parts="\n    UNION ALL BY NAME\n    ".join(parts),
        metrics=", ".join(query.metrics),
        **_order(query),
    )


def _keys(dimension: MetricsDimension | None) -> Keys:
    if dimension is None:
        return Keys("NULL::VARCHAR", "NULL::VARCHAR")
    if dimension == "page":
        return Keys("page_url", "page_url", f", page_url, {PLACE_COLUMNS}", _of_first("page_url"))
    if dimension == "source":
        host, own = HOST.format("referrer"), HOST.format("coalesce(page_url, '')")
        source = f", CASE WHEN referrer IS NULL THEN NULL WHEN {host} NOT IN ('', {own}) THEN {host} END AS source"
        return Keys(None, "source", f"{source}, {PLACE_COLUMNS}", _of_first("source"))
    unit, form = dimension.removeprefix("time:"), PERIODS[dimension]
    key = f"strftime(date_trunc('{unit}', {{}}), '{form}')"
    return Keys(key.format("occurred_at"), key.format("began_at"))


def _of_first(column: str) -> str:
    return f", any_value({column}) FILTER (begins) AS {column}"


def _order(query: MetricsQuery) -> dict[str, str]:
    """Return the order as parts of the statement: rows without a value stand as if it were less than any."""
    value = f"coalesce({query.order_by}, -1)::DOUBLE" if query.order_by else "0::DOUBLE"
    if query.order_by and query.descending:
        value = f"-({value})"
    backwards = query.descending and not query.order_by
    return {
        "value": value,
        "beyond": "<" if backwards else ">",
        "direction": "DESC" if backwards else "ASC",
    }
