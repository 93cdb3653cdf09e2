"""Events as a file: streamed from the store at the speed of the reader."""

import contextlib

from aiohttp import web

from collector.answers import HEADERS
from collector.identity.caller import CALLER
from collector.statistics.scope import Scope
from collector.streaming import stream
from collector.wire.statistics import ExportParameters
from storage.ports import EventStore
from storage.query.events import ExportQuery

EXPORT_HEADERS = {
    **HEADERS,
    "Content-Type": "application/x-ndjson",
    "Content-Disposition": 'attachment; filename="events.ndjson"',
}


class EventExport:
    """The handler of GET /export/events.ndjson."""

    def __init__(self, store: EventStore, scope: Scope) -> None:
        self._store = store
        self._scope = scope

    async def ndjson(self, request: web.Request, parameters: ExportParameters) -> web.StreamResponse:
        """Answer every event that matches, one JSON object a line; a broken connection is the only sign of a late error."""
        where = self._scope.events_of(parameters, request[CALLER], parameters.source_label)
        async with contextlib.aclosing(self._store.export(ExportQuery(where=where))) as chunks:
            return await stream(request, chunks, EXPORT_HEADERS)
