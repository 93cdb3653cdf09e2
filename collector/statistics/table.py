"""The routes of the statistics."""

from collections.abc import Callable
from datetime import datetime

from collector.routes import Answer, JsonBody, QueryString, Route, Taking
from collector.statistics.export import EventExport
from collector.statistics.query import MetricsStatistics
from collector.statistics.scope import Scope
from collector.statistics.visits import VisitStatistics
from collector.wire import statistics as wire
from collector.wire.query import QueryAnswer, QueryBody, read_query
from storage.account_ports import AppStore
from storage.ports import EventStore

VISITS, SUMMARY = QueryString(wire.VisitsParameters), QueryString(wire.SummaryParameters)
QUESTION = JsonBody(read_query, QueryBody)
EXPORT = QueryString(wire.ExportParameters)


def routes(
    store: EventStore, apps: AppStore, clock: Callable[[], datetime], stopwatch: Callable[[], float]
) -> list[Route]:
    """Return the rows of the table of routes that the statistics answer."""
    scope = Scope(apps)
    statistics, export = VisitStatistics(store, scope), EventExport(store, scope)
    metrics = MetricsStatistics(store, scope, clock, stopwatch)
    events = {200: Answer(media="application/x-ndjson")}
    return [
        Route("GET", "/stats/visits", Taking(VISITS, statistics.visits), "user", {200: Answer(*wire.VISITS)}),
        Route("GET", "/stats/summary", Taking(SUMMARY, statistics.summary), "user", {200: Answer(wire.SummaryAnswer)}),
        Route("POST", "/query", Taking(QUESTION, metrics.query), "user", {200: Answer(QueryAnswer)}),
        Route("GET", "/export/events.ndjson", Taking(EXPORT, export.ndjson), "user", events),
    ]
