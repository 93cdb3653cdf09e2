"""From a question for metrics to its statement: which parts of queries/metrics.sql it needs, and how they are keyed."""

from datetime import UTC, datetime, timedelta

import msgspec

from storage.duckdb.statement import Row, statement
from storage.query.metrics import Metric, MetricsDimension, MetricsQuery, MetricsRow

PERIODS: dict[MetricsDimension, str] = {
    "time:minute": "%Y-%m-%dT%H:%M:00Z",
    "time:hour": "%Y-%m-%dT%H:00:00Z",
    "time:day": "%Y-%m-%d",
    "time:week": "%Y-%m-%d",
    "time:month": "%Y-%m",
}
"""What a period's key shows; the texts sort as the times do."""

VALUES: dict[Metric, str] = {
    "visitors": "visitors",
    "visits": "coalesce({visits}, 0)",
    "pageviews": "pageviews",
    "events": "events",
    "views_per_visit": "pageviews / nullif({visits}, 0)",
    "bounce_rate": "bounces / nullif(begun, 0)",
    "visit_duration": "microseconds / nullif(begun, 0) / 1e6",
}
RATIOS: frozenset[Metric] = frozenset({"views_per_visit", "bounce_rate", "visit_duration"})
OF_ALL_VISITS: frozenset[Metric] = frozenset({"visits", "views_per_visit"})
OF_BEGUN_VISITS: frozenset[Metric] = frozenset({"bounce_rate", "visit_duration"})

OF_FIRST_EVENTS: dict[MetricsDimension, str] = {
    "source": "source",
    "channel": "coalesce(channel, 'Direct')",
    "utm_source": "utm_source",
    "utm_medium": "utm_medium",
    "utm_campaign": "utm_campaign",
    "utm_term": "utm_term",
    "utm_content": "utm_content",
    "browser": "browser",
    "os": "os",
    "device": "device",
    "country": "country",
}
"""Dimensions of whole visits: what is said of their first event."""

OF_KEYS = "SEMI JOIN (SELECT unnest($keys::VARCHAR[]) AS kept) ON kept IS NOT DISTINCT FROM key"


class MetricsPlace(msgspec.Struct, frozen=True, array_like=True):
    """The place of a row: its value of the metric that orders, negative where that descends; None by dimension."""

    value: float | None
    key: str | None


def compiled(query: MetricsQuery, *, of_keys: bool = False) -> str:
    """Return the statement; its parameters are those of `parameters`, or with `of_keys` of `earlier`.

    It selects a key, the metrics, and the value of a MetricsPlace.
    """
    key = _key(query.dimension)
    visits = "touched" if query.dimension == "page" else "begun"
    by_dimension_down = query.order is None and query.descending
    return statement("metrics").format(
        key_of_event=key.format(time="happened"),
        key_of_visit=key.format(time="began"),
        visitors="count(DISTINCT person)" if "visitors" in (*query.metrics, query.order) else "NULL",
        group_by="GROUP BY key" if query.dimension else "",
        # Only these look at one event in particular, so that equal times need an order.
        then=', position, "offset"' if query.dimension == "page" or query.dimension in OF_FIRST_EVENTS else "",
        key_of_arrival=OF_FIRST_EVENTS.get(query.dimension, "NULL") if query.dimension else "NULL",
        text=_text(query.dimension),
        metrics=", ".join(f"{VALUES[metric]} AS metric_{n}" for n, metric in enumerate(query.metrics)).format(
            visits=visits
        ),
        value=_value(query).format(visits=visits),
        cells=_cells(query),
        kept=OF_KEYS if of_keys else "",
        beyond="<" if by_dimension_down else ">",
        direction="DESC" if by_dimension_down else "ASC",
    )


def filter_of(query: MetricsQuery) -> dict[str, object]:
    """Return the parameters that say which events."""
    return {
        "app_code": query.app_code,
        "user_id": query.user_id,
        "from_time": _naive(query.from_time),
        "to_time": _naive(query.to_time),
    }


def parameters(query: MetricsQuery, place: MetricsPlace | None) -> dict[str, object]:
    """Return the parameters for the rows behind `place`, and one row more than the limit."""
    return filter_of(query) | {
        "shift": timedelta(0),
        "first": place is None,
        "after_value": place and place.value,
        "after_key": place and place.key,
        "limit": query.limit + 1,
    }


def earlier(query: MetricsQuery, keys: list[str | None]) -> dict[str, object]:
    """Return the parameters for the rows of `keys` in the period before, whose times are moved into this one."""
    length = query.to_time - query.from_time
    of_before = msgspec.structs.replace(query, from_time=query.from_time - length, to_time=query.from_time)
    return parameters(of_before, None) | {"shift": length, "keys": keys}


def row_of(query: MetricsQuery, found: Row, before: Row | None) -> MetricsRow:
    """Return what the statement selected as a row; `before` is its row of the period before, None where it has none."""
    key, *values, _ = found
    if not query.compare:
        return MetricsRow(key, values)
    if before:
        return MetricsRow(key, values, list(before[1:-1]))
    return MetricsRow(key, values, [None if metric in RATIOS else 0 for metric in query.metrics])


def _key(dimension: MetricsDimension | None) -> str:
    if dimension in PERIODS:
        return f"date_trunc('{dimension.removeprefix('time:')}', {{time}})"
    return "page" if dimension == "page" else "NULL::VARCHAR"


def _text(dimension: MetricsDimension | None) -> str:
    if dimension in PERIODS:
        return f"strftime(cell.key, '{PERIODS[dimension]}')"
    return "cell.page_url" if dimension == "page" else "cell.key"


def _value(query: MetricsQuery) -> str:
    if query.order is None:
        return "NULL::DOUBLE"
    return f"{'-' if query.descending else ''}({VALUES[query.order]})::DOUBLE"


def _cells(query: MetricsQuery) -> str:
    if query.dimension in OF_FIRST_EVENTS:
        return "arriving AS cell"
    asked = {*query.metrics, query.order}
    joined = []
    if query.dimension == "page" and asked & OF_ALL_VISITS:
        joined.append("touching")
    if asked & (OF_BEGUN_VISITS if query.dimension == "page" else OF_BEGUN_VISITS | OF_ALL_VISITS):
        joined.append("beginning")
    return "happening AS cell" + "".join(
        f" LEFT JOIN {one} ON {one}.key IS NOT DISTINCT FROM cell.key" for one in joined
    )


def _naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)
