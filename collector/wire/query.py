"""What POST /query takes and answers: the one query that the console and sites use."""

from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from collector.wire.body import decode
from collector.wire.pattern import AGE
from collector.wire.problem import BodyInvalid, FieldError
from collector.wire.statistics import UNIQUE, Cursor, Limit
from collector.wire.tracking import Identifier

RANGE_DAYS_MAX = 4000
"""Days in the range of one question."""

Metric = Literal["visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration"]
Dimension = Literal[
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
Direction = Literal["asc", "desc"]
Age = Annotated[str, Meta(pattern=AGE)]
Moment = Annotated[str, Meta(min_length=10, max_length=40)]


class QueryBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question: `metrics` of the events in `range`, for each value of the dimension where there is one.

    `range` is an age until now (`30m`, `24h`, `7d`) or two times or dates as text, the second not included. `order` names a metric or
    the dimension; without it a time dimension ascends and others have the first metric descend.
    """

    metrics: Annotated[list[Metric], Meta(min_length=1, max_length=7, extra_json_schema=UNIQUE)]
    range: Age | Annotated[list[Moment], Meta(min_length=2, max_length=2)]
    app_code: Identifier = "site"
    dimensions: Annotated[list[Dimension], Meta(max_length=1)] = []
    order: Annotated[list[tuple[Metric | Dimension, Direction]], Meta(max_length=1)] = []
    limit: Limit = 100
    cursor: Cursor | None = None
    compare: Literal["previous"] | None = None


class QueryRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """`dimensions` and `metrics` stand in the order of the question; `previous` are the metrics of the period before.

    A source is None for visits that came directly, a page is None for events outside of pages, and what a visit does not
    tell is None. A metric is None where there is nothing to divide by (the bounce rate of no visits).
    """

    dimensions: list[str | None]
    metrics: list[float | int | None]
    previous: list[float | int | None] | None = None


class QueryMeta(msgspec.Struct, frozen=True, kw_only=True, rename={"from_time": "from", "to_time": "to"}):
    """`position`: the loads that the answer knows of. `from` and `to`: the range as times; `to` is not included."""

    position: int
    rows_scanned: int
    elapsed_ms: float
    from_time: datetime
    to_time: datetime


class QueryAnswer(msgspec.Struct, frozen=True):
    """The rows; `next` is the cursor of the next page."""

    rows: list[QueryRow]
    next: str | None
    meta: QueryMeta


_question = msgspec.json.Decoder(QueryBody)


def read_query(raw: bytes) -> QueryBody:
    """Return the question; BodyMalformed and BodyInvalid as for every body."""
    body = decode(raw, _question)
    repeated = [n for n, metric in enumerate(body.metrics) if metric in body.metrics[:n]]
    if repeated:
        raise BodyInvalid([FieldError(f"$.metrics[{n}]", "repeated", "the metric is repeated") for n in repeated])
    if any(name in get_args(Dimension) and name not in body.dimensions for name, _ in body.order):
        raise BodyInvalid(
            [FieldError("$.order[0][0]", "wrong_value", "the order names a dimension that is not asked for")]
        )
    return body
