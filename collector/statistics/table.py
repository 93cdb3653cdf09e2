"""The routes of the statistics."""

from collections.abc import Callable
from datetime import datetime

from collector.routes import Answer, QueryString, Route, Taking, struct_body
from collector.statistics.export import EventExport
from collector.statistics.query import MetricsAnswers
from collector.statistics.visits import VisitStatistics
from collector.wire import statistics as wire
from collector.wire.query import QueryAnswer, QueryBody
from storage.ports import EventStore

VISITS, SUMMARY = QueryString(wire.VisitsParameters), QueryString(wire.SummaryParameters)
EXPORT = QueryString(wire.ExportParameters)


def routes(store: EventStore, clock: Callable[[], datetime]) -> list[Route]:
    """Return the rows of the table of routes that the statistics answer."""
    statistics, export, metrics = VisitStatistics(store), EventExport(store), MetricsAnswers(store, clock)
    events = {200: Answer(media="application/x-ndjson")}
    return [
        Route("GET", "/stats/visits", Taking(VISITS, statistics.visits), "user", {200: Answer(*wire.VISITS)}),
        Route("GET", "/stats/summary", Taking(SUMMARY, statistics.summary), "user", {200: Answer(wire.SummaryAnswer)}),
        Route("POST", "/query", Taking(struct_body(QueryBody), metrics.query), "user", {200: Answer(QueryAnswer)}),
        Route("GET", "/export/events.ndjson", Taking(EXPORT, export.ndjson), "user", events),
    ]
