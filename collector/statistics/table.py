"""The routes of the statistics."""

from collections.abc import Callable
from datetime import datetime

from collector.routes import Route
from collector.statistics.export import EventExport
from collector.statistics.query import MetricsAnswers
from collector.statistics.visits import VisitStatistics
from storage.ports import EventStore


def routes(store: EventStore, clock: Callable[[], datetime]) -> list[Route]:
    """Return the rows of the table of routes that the statistics answer."""
    statistics, export = VisitStatistics(store), EventExport(store)
    return [
        Route("GET", "/stats/visits", statistics.visits, "user"),
        Route("GET", "/stats/summary", statistics.summary, "user"),
        Route("POST", "/query", MetricsAnswers(store, clock).query, "user"),
        Route("GET", "/export/events.ndjson", export.ndjson, "user"),
    ]
