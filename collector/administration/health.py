"""GET /health, /ready and /version."""

import asyncio
import http
import importlib.metadata

import msgspec
from aiohttp import web

from collector.administration.ledger import lag_of, ledger_of
from collector.answers import json_answer
from collector.identity.caller import Authenticate
from collector.routes import Answer, Route
from collector.wire.health import Build, DiskUsage, Health, LogHealth, Ready, StoreHealth, Version
from storage.errors import LogFull, StorageError
from storage.health import LogHealth as OwnLog
from storage.health import StoreHealth as Asked
from storage.ports import DiskSurvey, EventLog, EventStore


class HealthAnswers:
    """What the daemon says of itself."""

    def __init__(self, log: EventLog, store: EventStore, disk: DiskSurvey, authenticate: Authenticate) -> None:
        self._log = log
        self._store = store
        self._disk = disk
        self._authenticate = authenticate
        build = Build(importlib.metadata.version("footfall"), commit=None, build_date=None)
        self._version = Version(server=build, client=build, tracker=build)

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [
            Route("GET", "/health", self.health, "anyone", {200: Answer(Health)}),
            Route("GET", "/ready", self.ready, "anyone", {200: Answer(Ready)}),
            Route("GET", "/version", self.version, "anyone", {200: Answer(Version)}),
        ]

    async def health(self, request: web.Request) -> web.Response:
        """Answer ok or degraded, and to an administrator why."""
        caller = await self._authenticate(request)
        reasons: list[str] = []
        store = await self._asked(reasons)
        # After the store was asked: what it took by then is in the log's figures too.
        log = self._log.health()
        if not log.accepting:
            reasons.insert(0, f"tracking is refused: {log.reason}")
        health = Health("degraded" if reasons else "ok")
        if caller is not None and caller.role == "admin":
            health = await self._detailed(health, reasons, log, store)
        return json_answer(health)

    async def _detailed(self, health: Health, reasons: list[str], log: OwnLog, store: Asked | None) -> Health:
        usage = await asyncio.to_thread(self._disk.usage)
        ledger = None if store is None else ledger_of(store, log)
        return Health(
            health.status,
            reasons,
            msgspec.convert(log, LogHealth, from_attributes=True),
            None if store is None else msgspec.convert(store, StoreHealth, from_attributes=True),
            ledger,
            lag_of(store, ledger, usage),
            msgspec.convert(usage, DiskUsage, from_attributes=True),
        )

    async def ready(self, _: web.Request) -> web.Response:
        """Answer ready while tracking is accepted; LogFull otherwise."""
        log = self._log.health()
        if not log.accepting:
            raise LogFull(log.reason or "the log does not accept")
        return json_answer(Ready())

    async def version(self, _: web.Request) -> web.Response:
        """Answer what is running."""
        return json_answer(self._version, http.HTTPStatus.OK)

    async def _asked(self, reasons: list[str]) -> Asked | None:
        try:
            store = await self._store.health()
        except StorageError as error:
            reasons.append(f"statistics are away: {error}")
            return None
        if store.last_error is not None:
            reasons.append(f"events are not loaded: {store.last_error}")
        reasons += [f"events of one log are not loaded: {reason}" for reason in store.unreadable]
        if store.rebuild is not None:
            reasons.append(f"statistics are being rebuilt ({store.rebuild.reason}): {store.rebuild}")
        reasons += [f"the log is damaged: {alarm}" for alarm in store.alarms]
        return store
