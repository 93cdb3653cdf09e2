"""A site of applications: real files and a real log, callers by the names of their tokens, a clock that tests move."""

import os
import random
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request, Response

from collector.answers import json_answer
from collector.app import build_app
from collector.applications import table as applications
from collector.applications.built_in import built_in_app
from collector.applications.readers import Readers
from collector.cross_origin import CrossOrigin
from collector.identity.audit import FLOODS, FLOODS_MAX, Audit
from collector.identity.caller import Caller, TokenInvalid
from collector.identity.origin import Origin, Origins
from collector.limits import Gcra, Rate
from collector.routes import Answer, Route
from collector.tracking import table as tracking
from collector.tracking.auth_events import AuthEvents
from collector.tracking.door import Door
from collector.tracking.intake import Intake
from collector.tracking.recent import RecentIds
from collector.tracking.senders import Senders
from collector.tracking.visitor import Visitors, known
from storage.app_files import AppFiles
from storage.audit import AuditFilter, AuditRow
from storage.audit_file import AuditFile, audit_key
from tests.collector.tracking_site import PLAIN, somebody
from tests.fakes.log import MemoryLog

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = audit_key("a key of the tests: 0123456789abcdef0123456789abcdef")
BODY_BYTES_MAX = 64 * 1024
HOME = "https://home.example"
BUILT_IN = built_in_app([HOME])
APPS_PER_USER_MAX = 3
DEFINITIONS_MAX = 4

CALLERS = {
    "anna": Caller("user-anna", "user", "s1"),
    "boris": Caller("user-boris", "user", "s2"),
    "ana": Caller("user-ana", "analyst", "s3"),
    "boss": Caller("user-boss", "admin", "s4"),
}

Members = dict[str, Any]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


async def authenticate(request: Request) -> Caller | None:
    header = request.headers.get("Authorization")
    if header is None:
        return None
    name = header.removeprefix("Bearer ")
    if name not in CALLERS:
        raise TokenInvalid("the token is not ours")
    return CALLERS[name]


class AppSite(NamedTuple):
    client: TestClient[Request, Application]
    apps: AppFiles
    audit: AuditFile
    log: MemoryLog
    clock: Clock

    async def call(
        self, method: str, path: str, body: object = None, *, as_: str | None = "anna", **headers: str
    ) -> ClientResponse:
        """Send a request as one of CALLERS, or as nobody."""
        sent = ({} if as_ is None else {"Authorization": f"Bearer {as_}"}) | headers
        return await self.client.request(method, path, json=body, headers=sent)

    async def ok(self, method: str, path: str, body: object = None, *, as_: str | None = "anna", **headers: str) -> Any:
        """Return the JSON of an answer that must be 200, or None of a 204."""
        answer = await self.call(method, path, body, as_=as_, **headers)
        assert answer.status in (200, 204), await answer.text()
        return await answer.json() if answer.status == 200 else None

    async def refused(
        self, status: int, method: str, path: str, body: object = None, *, as_: str | None = "anna", **headers: str
    ) -> Members:
        """Return the problem of an answer of this status; no application may have changed."""
        before = self.apps.every()
        answer = await self.call(method, path, body, as_=as_, **headers)
        assert answer.status == status, await answer.text()
        assert answer.content_type == "application/problem+json"
        assert self.apps.every() == before
        return await answer.json()

    async def created(self, app_name: str = "Shop", *, as_: str = "anna") -> Members:
        return await self.ok("POST", "/app/create", {"app_name": app_name}, as_=as_)

    async def tracked(self, api_token: str) -> int:
        """Return the status of an action that is sent with this token."""
        answer = await self.call("POST", "/track", {"source_label": "a"}, as_=None, **{"X-Api-Token": api_token})
        return answer.status

    async def audited(self) -> list[AuditRow]:
        """Return what is on record, the oldest first."""
        return [entry.row for entry in (await self.audit.page(AuditFilter(), limit=1000)).entries[::-1]]


@asynccontextmanager
async def open_apps(
    directory: Path,
    *,
    creators: Literal["user", "admin"] = "user",
    changes_per_minute: int = 1000,
    more: Callable[[AppFiles], list[Route]] = lambda _: [],
) -> AsyncIterator[AppSite]:
    """Open what is in the directory: leaving and entering again is a restart. `more` are further routes."""
    clock = Clock()
    log = MemoryLog()
    door = Door(clock, random.Random(1).getrandbits, event_bytes_max=32 * 1024)
    async with AuditFile(directory / "audit", KEY) as audit_file, AppFiles(directory / "apps") as apps:
        floods = Gcra(FLOODS, clock.seconds, keys_max=FLOODS_MAX)
        audit = Audit(audit_file, KEY, AuthEvents(log, door).append, clock, floods)
        changes = Gcra(Rate(changes_per_minute, 60.0), clock.seconds, keys_max=10)

        async def require_change(caller: Caller, what: str, origin: Origin) -> None:
            await audit.require(lambda: changes.take(caller.user_id), what, origin)

        readers = Readers(apps, authenticate, clock)
        routes = [
            *applications.routes(
                apps,
                readers,
                audit,
                require_change,
                origins=Origins((), known),
                clock=clock,
                random_bytes=os.urandom,
                creators=creators,
                apps_per_user_max=APPS_PER_USER_MAX,
                definitions_max=DEFINITIONS_MAX,
            ),
            *_tracking(log, door, apps),
            _read_by(readers),
            *more(apps),
        ]
        app = build_app(routes, authenticate, body_bytes_max=BODY_BYTES_MAX, cross_origin=CrossOrigin(apps, BUILT_IN))
        async with TestClient(TestServer(app)) as client:
            yield AppSite(client, apps, audit_file, log, clock)


def _read_by(readers: Readers) -> Route:
    async def read(request: Request) -> Response:
        """Say which application may be read."""
        app = await readers.app_of(request, request.match_info["app_code"], "analytics")
        return json_answer({"app_code": app.app_code})

    return Route("GET", "/reading/{app_code}", read, "reader", {200: Answer(dict)})


def _tracking(log: MemoryLog, door: Door, apps: AppFiles) -> list[Route]:
    intake = Intake(log, door, RecentIds(100), rejected_raw_bytes_max=40)
    visitors = Visitors(lambda: str(uuid.uuid4()), somebody, cookie_secure=False)
    return tracking.routes(intake, Senders(apps, BUILT_IN, visitors, authenticate, PLAIN.of), visitors)
