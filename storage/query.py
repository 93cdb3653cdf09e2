"""The questions a store answers, and the shapes of its answers; the same structs cross the store link."""

from datetime import datetime
from typing import Literal

import msgspec

CHUNK_BYTES = 256 * 1024
"""The longest chunk of an export, unless one line alone is longer."""

Dimension = Literal["user", "page", "hour", "day", "week", "month"]


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events: every given member must match. Times are UTC; `from_time` is included, `to_time` is not."""

    app_code: str
    source_label: str | None = None
    user_id: str | None = None
    page_url: str | None = None
    from_time: datetime | None = None
    to_time: datetime | None = None


class VisitsQuery(msgspec.Struct, frozen=True, kw_only=True, tag="visits"):
    """Single pageviews, newest first. `after` is the `next` of the previous answer."""

    where: EventFilter
    limit: int
    after: str | None = None


class VisitRow(msgspec.Struct, frozen=True):
    """One pageview; `timestamp` is when it happened, UTC."""

    user_id: str | None
    anonymous_id: str | None
    page_url: str | None
    timestamp: datetime


class VisitsPage(msgspec.Struct, frozen=True):
    """A page of pageviews; `next` is None on the last one."""

    rows: list[VisitRow]
    next: str | None


class BreakdownQuery(msgspec.Struct, frozen=True, kw_only=True, tag="breakdown"):
    """Pageviews and distinct visitors by one or several dimensions; periods are UTC, weeks begin on Monday.

    Order: the period ascending where there is one, then visits descending, then the other dimensions.
    """

    where: EventFilter
    by: tuple[Dimension, ...]
    limit: int
    after: str | None = None


class BreakdownRow(msgspec.Struct, frozen=True):
    """`keys` stand in the order of `by`; a user is None where nobody was signed in."""

    keys: list[str | None]
    visits: int
    visitors: int


class BreakdownPage(msgspec.Struct, frozen=True):
    """A page of a breakdown; `next` is None on the last one."""

    rows: list[BreakdownRow]
    next: str | None


class SummaryQuery(msgspec.Struct, frozen=True, kw_only=True, tag="summary"):
    """Totals of pageviews and the pages with most of them."""

    where: EventFilter
    pages: int


class PageCount(msgspec.Struct, frozen=True):
    """A page, its pageviews and its distinct visitors."""

    page_url: str
    visits: int
    unique_users: int


class Summary(msgspec.Struct, frozen=True):
    """`unique_users` counts distinct persons: users, and visitors who never signed in."""

    total_visits: int
    unique_users: int
    popular_pages: list[PageCount]


class ExportQuery(msgspec.Struct, frozen=True, kw_only=True, tag="export"):
    """Every event that matches, in load order, as NDJSON in the member names of POST /track."""

    where: EventFilter


Metric = Literal["visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration"]
MetricsDimension = Literal["page", "source", "time:minute", "time:hour", "time:day", "time:week", "time:month"]


class MetricsQuery(msgspec.Struct, frozen=True, kw_only=True, tag="metrics"):
    """Metrics of the events between the times of `where`, which are given, in total or for each value of a dimension.

    A person is a user, or a visitor who never signed in. A visit is events of a person less than 30 minutes apart, as
    far as they are in the time asked for; it is a bounce with one event alone, and lasts from its first event to its
    last. An event of nobody is in no visit. `views_per_visit`, `bounce_rate` (0 to 1) and `visit_duration` (seconds)
    are means over visits, None where there is none.

    A page has the events on it and the visits that began there; a source the visits that came from it: the host of the
    referrer of their first event, None where that has none or the page's own. A period has the events in it and the
    visits that began in it; only periods with either have a row.

    Order: by the metric `order_by`, else by the dimension; ties by the dimension, rows without a name last. `compare`
    adds the same metrics of the time of the same length just before, periods at the same distance from its beginning.
    """

    where: EventFilter
    metrics: tuple[Metric, ...]
    dimension: MetricsDimension | None = None
    order_by: Metric | None = None
    descending: bool = False
    limit: int
    after: str | None = None
    compare: bool = False


class MetricsRow(msgspec.Struct, frozen=True):
    """`metrics` and `previous` stand in the order of the question; previous is None unless it was asked for."""

    key: str | None
    metrics: list[float | None]
    previous: list[float | None] | None = None


class MetricsPage(msgspec.Struct, frozen=True):
    """A page of metrics; without a dimension it has one row. `position` is the store's, `scanned` counts the events."""

    rows: list[MetricsRow]
    next: str | None
    position: int
    scanned: int


class StoreHealthQuery(msgspec.Struct, frozen=True, tag="health"):
    """How the store is."""


class StoreHealth(msgspec.Struct, frozen=True):
    """Counts since the store was created; `lag_bytes` of durable log are not loaded yet.

    P2: items answered 2xx = n_rows + n_rejected + n_duplicates + what is pending in the log.
    """

    position: int
    n_rows: int
    n_rejected: int
    n_duplicates: int
    loaded_at: datetime | None
    lag_bytes: int
    last_error: str | None


Query = VisitsQuery | BreakdownQuery | SummaryQuery | MetricsQuery | ExportQuery | StoreHealthQuery
