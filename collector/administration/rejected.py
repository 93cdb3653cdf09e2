"""GET /admin/rejected: what was kept aside, and why."""

import msgspec
from aiohttp import web

from collector.answers import json_answer
from collector.routes import Answer, QueryString, Route, Taking
from collector.wire.rejected import RejectedAnswer, RejectedParameters
from storage.ports import EventStore
from storage.query import RejectedQuery

REJECTED = QueryString(RejectedParameters)


class Rejected:
    """Reads rejected items from the store."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [
            Route("GET", "/admin/rejected", Taking(REJECTED, self.rejected), "admin", {200: Answer(RejectedAnswer)})
        ]

    async def rejected(self, _request: web.Request, asked: RejectedParameters) -> web.Response:
        """List the rejected items of every application, last loaded first."""
        page = await self._store.rejected(RejectedQuery(limit=asked.limit, after=asked.cursor))
        return json_answer(msgspec.convert(page, RejectedAnswer, from_attributes=True))
