"""GET /admin/log: the log, the equation of what it took, and its files."""

import asyncio

import msgspec
from aiohttp import web

from collector.administration.ledger import lag_of, ledger_of
from collector.answers import json_answer
from collector.routes import Answer, Route
from collector.wire.health import DiskUsage, LogHealth, LogReport
from storage.errors import StorageError
from storage.health import StoreHealth
from storage.ports import DiskSurvey, EventLog, EventStore


class LogAnswers:
    """What administrators are told of the log."""

    def __init__(self, log: EventLog, store: EventStore, disk: DiskSurvey) -> None:
        self._log = log
        self._store = store
        self._disk = disk

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [Route("GET", "/admin/log", self.log, "admin", {200: Answer(LogReport)})]

    async def log(self, _: web.Request) -> web.Response:
        """Answer what the log took, what became of it, and what lies on the disk."""
        return json_answer(await self.report())

    async def report(self) -> LogReport:
        """Return the figures; those of the store are None while it is away."""
        usage = await asyncio.to_thread(self._disk.usage)
        store = await self._asked()
        # After the store was asked: what it took by then is in the log's figures too.
        log = self._log.health()
        ledger = None if store is None else ledger_of(store, log)
        return LogReport(
            msgspec.convert(log, LogHealth, from_attributes=True),
            ledger,
            lag_of(store, ledger, usage),
            None if store is None else store.checkpoint_at,
            msgspec.convert(usage, DiskUsage, from_attributes=True),
            None if store is None else store.marked,
        )

    async def _asked(self) -> StoreHealth | None:
        try:
            return await self._store.health()
        except StorageError:
            return None  # /health says why
