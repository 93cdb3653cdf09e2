"""The Overview's questions, and its answers put together."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

from collector.wire.query import Dimension, Metric, QueryAnswer, QueryBody
from console.answers import read
from console.errors import AnswerUnreadable
from console.plot import Series
from console.state import Overview, Ranked, Span, Totals

NOW = "5m"
"""Who was seen within this age is a visitor now."""
RANKED_MAX = 50
TOTALS: list[Metric] = ["visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration"]
EPOCH_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


class Asks(Protocol):
    """What of a client is needed here."""

    async def post(self, path: str, body: object) -> bytes:
        """Return the body of a good answer."""


async def overview(client: Asks, span: Span, metric: Metric) -> Overview:
    """Ask the daemon; raises as `Client.post` does."""
    body = QueryBody(metrics=TOTALS, range=span.age, compare="previous")
    totals, now, series, pages, sources = await asyncio.gather(
        _ask(client, body),
        _ask(client, QueryBody(metrics=["visitors"], range=NOW)),
        _ask(client, QueryBody(metrics=[metric], range=span.age, dimensions=[span.dimension], limit=1000)),
        _ask(client, _ranking("page", "pageviews", span)),
        _ask(client, _ranking("source", "visits", span)),
    )
    return Overview(
        span=span,
        metric=metric,
        position=totals.meta.position,
        visitors_now=int(_first(now)[0] or 0),
        totals=Totals(*_first(totals)),
        previous=None if totals.rows[0].previous is None else Totals(*totals.rows[0].previous),
        series=_series(series, span),
        pages=_ranked(pages),
        sources=_ranked(sources),
    )


def _ranking(dimension: Dimension, count: Metric, span: Span) -> QueryBody:
    return QueryBody(metrics=["visitors", count], range=span.age, dimensions=[dimension], limit=RANKED_MAX)


async def _ask(client: Asks, body: QueryBody) -> QueryAnswer:
    return read(await client.post("query", body), QueryAnswer)


def _first(answer: QueryAnswer) -> list[float | int | None]:
    if not answer.rows:
        raise AnswerUnreadable("the daemon answered a total without a row")
    return answer.rows[0].metrics


def _series(answer: QueryAnswer, span: Span) -> Series:
    """Return the counts with a zero for every period that has no row."""
    start = _floor(answer.meta.from_time, span.step)
    periods = -((start - answer.meta.to_time) // span.step)
    counts = {_time(row.dimensions[0]): row.metrics[0] for row in answer.rows}
    return Series(start, span.step, [counts.get(start + n * span.step) or 0 for n in range(periods)])


def _floor(at: datetime, step: timedelta) -> datetime:
    return EPOCH_MONDAY + (at - EPOCH_MONDAY) // step * step


def _time(key: str | None) -> datetime:
    try:
        at = datetime.fromisoformat(key or "")
    except ValueError:
        raise AnswerUnreadable(f"the daemon answered a period named {key}") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _ranked(answer: QueryAnswer) -> tuple[Ranked, ...]:
    return tuple(Ranked(row.dimensions[0], *(int(metric or 0) for metric in row.metrics)) for row in answer.rows)
