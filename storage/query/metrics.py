"""Visitors, visits and what is made of them, of any range: what POST /query asks the store."""

from datetime import datetime
from typing import Literal

import msgspec

Metric = Literal["visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration"]


MetricsDimension = Literal[
    "page",
    "source",
    "channel",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "browser",
    "os",
    "device",
    "country",
    "time:minute",
    "time:hour",
    "time:day",
    "time:week",
    "time:month",
]
"""What visits are grouped by. All but the page and the times are those of a visit's first event (docs/enrichment.md)."""


class MetricsQuery(msgspec.Struct, frozen=True, kw_only=True, tag="metrics"):
    """`metrics` of the events from `from_time` to before `to_time`, UTC, for each value of `dimension`.

    A person is a user, or a visitor who never signed in. A visit is a run of events of one person, in range, each less
    than 30 minutes after the one before; events of nobody make none. A bounce is a visit of one event, not counting
    ENGAGEMENT; a duration is the time from the first event of a visit to its last.

    Without a dimension there is one row, whatever there is. A period has the events that happened in it and the visits
    that began in it. A page has the events at it and the visits that touched it, but bounces and durations are those of
    the visits that began at it. Whatever else a visit's first event tells has its visits whole; a source is None where
    nobody sent the visitor, any other where the event does not tell it.

    Rows are in the order of `order`, and then of the dimension; None orders by the dimension alone. A metric that is
    None is last. With `compare` each row has the metrics of the same length of time before: those of the same page, source and so on,
    or of the period that was that much earlier.
    """

    app_code: str
    from_time: datetime
    to_time: datetime
    metrics: tuple[Metric, ...]
    order: Metric | None
    descending: bool
    limit: int
    user_id: str | None = None
    dimension: MetricsDimension | None = None
    after: str | None = None
    compare: bool = False


class MetricsRow(msgspec.Struct, frozen=True):
    """`metrics` and `previous` in the order of the question; a ratio is None where there is nothing to divide by."""

    key: str | None
    metrics: list[int | float | None]
    previous: list[int | float | None] | None = None


class MetricsPage(msgspec.Struct, frozen=True):
    """A page of rows, of the store as it was at `position`; `rows_scanned` events are in range."""

    rows: list[MetricsRow]
    next: str | None
    position: int
    rows_scanned: int
