"""Events as a file: streamed from the store at the speed of the reader."""

import contextlib
from collections.abc import AsyncGenerator

import structlog
from aiohttp import web

from collector.answers import HEADERS
from collector.identity.caller import CALLER
from collector.statistics.scope import events_of
from collector.wire.statistics import ExportParameters
from storage.errors import StorageError
from storage.ports import EventStore
from storage.query import ExportQuery

log = structlog.get_logger()

EXPORT_HEADERS = {
    **HEADERS,
    "Content-Type": "application/x-ndjson",
    "Content-Disposition": 'attachment; filename="events.ndjson"',
}


class EventExport:
    """The handler of GET /export/events.ndjson."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def ndjson(self, request: web.Request, parameters: ExportParameters) -> web.StreamResponse:
        """Answer every event that matches, one JSON object a line; a broken connection is the only sign of a late error."""
        where = events_of(parameters, request[CALLER], parameters.source_label)
        async with contextlib.aclosing(self._store.export(ExportQuery(where=where))) as chunks:
            # Only before the first byte can an error still become a status.
            first = await anext(chunks, b"")
            answer = web.StreamResponse(headers=EXPORT_HEADERS)
            await answer.prepare(request)
            await _pour(first, chunks, answer, request)
        return answer


async def _pour(
    first: bytes, chunks: AsyncGenerator[bytes, None], answer: web.StreamResponse, request: web.Request
) -> None:
    try:
        await answer.write(first)
        async for chunk in chunks:
            await answer.write(chunk)
        await answer.write_eof()
    except StorageError as error:
        log.error("export_broken", reason=str(error))
        # Without its last chunk the body is visibly incomplete; a problem in the middle of it would look like events.
        if request.transport is not None:
            request.transport.abort()
    except ConnectionResetError:
        log.info("export_left")
