"""The questions a store answers, and the shapes of its answers; the same structs cross the store link."""

from datetime import datetime
from typing import Literal

import msgspec

from storage.health import StoreHealthQuery

CHUNK_BYTES = 256 * 1024
"""The longest chunk of an export, unless one line alone is longer."""

VALUE_LENGTH_MAX = 128
"""Characters by which the values of a pivot are told apart."""

UNREADABLE = "unreadable"
"""The code of a rejected item that is a line of the log and no item (rule R10)."""

Dimension = Literal["user", "page", "hour", "day", "week", "month"]
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
    """Every event that matches, in load order, as NDJSON in the member names of POST /track; or of one visitor alone."""

    where: EventFilter
    anonymous_id: str | None = None


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


class PivotQuery(msgspec.Struct, frozen=True, kw_only=True, tag="pivot"):
    """The events that any of `labels` names, from `from_time` to before `to_time`, UTC, by user and by value of an attr.

    `by` is the attr whose values are told apart, as texts of up to VALUE_LENGTH_MAX characters, what is longer by its
    beginning; without one there is the value "" alone, which is also that of events that have it not. `sum` is the attr whose integers are added up; without one events are counted.
    """

    app_code: str
    labels: tuple[str, ...]
    by: str | None = None
    sum: str | None = None
    from_time: datetime | None = None
    to_time: datetime | None = None
    users_max: int
    values_max: int


class PivotCell(msgspec.Struct, frozen=True):
    """A user's total of the value at `column`; the user is None of events of nobody, a pseudonym of somebody erased."""

    user_id: str | None
    column: int
    total: int


class Pivot(msgspec.Struct, frozen=True):
    """Totals by user and value, of both those with the greatest totals, which come first.

    A cell without events is not there. There are `users` and `n_values` in all, also those that were too many.
    """

    values: list[str]
    cells: list[PivotCell]
    users: int
    n_values: int


class ReceiptQuery(msgspec.Struct, frozen=True, tag="receipt"):
    """What became of one line of a log."""

    log_id: str
    offset: int


class ReceiptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a line went; `unloaded`: the store has not taken it, and does not know whether there is one.

    `position` is the load's. Of a repeat `first` is the receipt of the row that it repeats, None where that has gone
    meanwhile; `code` is why an item was rejected.
    """

    status: Literal["stored", "duplicate", "rejected", "lost", "unloaded"]
    position: int | None = None
    first: str | None = None
    code: str | None = None


class RejectedQuery(msgspec.Struct, frozen=True, kw_only=True, tag="rejected"):
    """Rejected items of an application, or of all, last loaded first. `after` is the `next` of the previous answer."""

    limit: int
    app_code: str | None = None
    code: str | None = None
    after: str | None = None


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rejected item; `app_code` and `received_at` are None where its line cannot be read.

    `raw_bytes` were kept in the log; `has_raw` says whether the store has them too.
    """

    receipt: str
    position: int
    app_code: str | None
    code: str
    reason: str | None
    received_at: datetime | None
    raw_bytes: int
    has_raw: bool


class RejectedPage(msgspec.Struct, frozen=True):
    """A page of rejected items; `next` is None on the last one."""

    rows: list[RejectedRow]
    next: str | None


class RejectedRawQuery(msgspec.Struct, frozen=True, tag="rejected_raw"):
    """One rejected item by its receipt, with what was sent."""

    log_id: str
    offset: int


class RejectedRaw(msgspec.Struct, frozen=True):
    """The item, None where there is no such one, and its bytes, None where they were not kept.

    What was refused at the door is cut to `tracking.rejected_raw_bytes_max`; a line that cannot be read is whole.
    """

    item: RejectedRow | None
    raw: bytes | None


class LogPlace(msgspec.Struct, frozen=True, order=True):
    """A place in all logs: they follow each other as their log_ids do, offsets within."""

    log_id: str
    offset: int


class Person(msgspec.Struct, frozen=True):
    """Somebody of an application: a user, or where `user_id` is None a visitor."""

    app_code: str
    user_id: str | None = None
    anonymous_id: str | None = None


class PersonRejectedQuery(msgspec.Struct, frozen=True, tag="person_rejected"):
    """Every rejected item that a person sent, or that names the person or a visitor of theirs, as NDJSON."""

    person: Person


class EraseQuery(msgspec.Struct, frozen=True, tag="erase"):
    """Erase what a person did before `until`: of a user, its visitors' events too. No question, but asked like one."""

    person: Person
    until: LogPlace


class ErasureStarted(msgspec.Struct, frozen=True):
    """The erasure outlives a crash from here on; `identifiers` of the person are on the suppression list."""

    identifiers: int


class RederiveQuery(msgspec.Struct, frozen=True, tag="rederive"):
    """Derive what is stored again, by the rules of this program. No question, but asked like one."""

    is_dry_run: bool


class RederivedCount(msgspec.Struct, frozen=True):
    """How many events had a value of a dimension, and have it now; `value` is `-` of those without one."""

    dimension: str
    value: str
    before: int
    after: int


class Rederived(msgspec.Struct, frozen=True):
    """What the rules of `version` changed: the counts that are others now, or would be."""

    version: str
    counts: list[RederivedCount]


Query = (
    VisitsQuery
    | BreakdownQuery
    | SummaryQuery
    | MetricsQuery
    | ExportQuery
    | PivotQuery
    | ReceiptQuery
    | RejectedQuery
    | RejectedRawQuery
    | PersonRejectedQuery
    | StoreHealthQuery
    | EraseQuery
    | RederiveQuery
)
