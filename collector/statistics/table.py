"""The routes of the statistics."""

from collector.routes import Route
from collector.statistics.export import EventExport
from collector.statistics.live import Live
from collector.statistics.visits import VisitStatistics
from storage.ports import EventStore


def routes(store: EventStore, live: Live) -> list[Route]:
    """Return the rows of the table of routes that the statistics answer."""
    statistics, export = VisitStatistics(store), EventExport(store)
    return [
        Route("GET", "/stats/visits", statistics.visits, "user"),
        Route("GET", "/stats/summary", statistics.summary, "user"),
        Route("GET", "/live", live.stream, "analyst"),
        Route("GET", "/export/events.ndjson", export.ndjson, "user"),
    ]
