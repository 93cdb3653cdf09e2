"""Tracking as the tests call it: the application over a real log; what is asserted is the lines that are durable."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from collector.app import build_app
from collector.identity.bearer import bearer
from collector.identity.caller import Caller, TokenInvalid
from collector.identity.origin import Origins
from collector.tracking import table as tracking
from collector.tracking.blocked import Blocked
from collector.tracking.context import Context, Contexts
from collector.tracking.door import Door
from collector.tracking.intake import Intake
from collector.tracking.recent import RecentIds
from collector.tracking.senders import Senders
from collector.tracking.visitor import COOKIE, SITE, Visitors, known
from collector.tracking.wishes import Wishes
from storage.account_ports import AppStore
from storage.app import App
from storage.app_files import AppFiles
from storage.ports import EventLog
from tests.logs import open_log, read_all

NOW = datetime(2026, 11, 20, 12, 30, 15, 250_000, tzinfo=UTC)
EVENT_BYTES_MAX = 32 * 1024
BODY_BYTES_MAX = 1 << 20
RAW_BYTES_MAX = 40
DEADLINE_S = 20.0

ANNA = Caller("7", "user", "s1")
SIGNED_IN = {"Authorization": "Bearer anna"}
JSON = {"Content-Type": "application/json"}

R0 = {"id_user": 9841, "source_label": "search_page", "date_created": "2018-04-10 12:09:07"}
"""The record as the source document prints it."""

Members = dict[str, object]


async def authenticate(request: Request) -> Caller | None:
    token = bearer(request)
    if token not in (None, "anna"):
        raise TokenInvalid("the token is not ours")
    return None if token is None else ANNA


PLAIN = Contexts(Origins((), known), Wishes(dnt="count", gpc="count"), Blocked(()), None)
"""Without settings."""

CookielessId = Callable[[Request, App, Context], str]


def somebody(_request: Request, _app: App, _context: Context) -> str:
    return "somebody"


def app_over(
    log: EventLog,
    apps: AppStore | None = None,
    *,
    recent_ids_max: int = 100,
    token_required: bool = False,
    contexts: Contexts = PLAIN,
    cookieless: CookielessId = somebody,
    built_in: App = SITE,
) -> Application:
    door = Door(lambda: NOW, random.Random(1).getrandbits, event_bytes_max=EVENT_BYTES_MAX)
    intake = Intake(log, door, RecentIds(recent_ids_max), rejected_raw_bytes_max=RAW_BYTES_MAX)
    visitors = Visitors(lambda: str(uuid.uuid4()), cookieless, cookie_secure=False)
    stored = apps or AppFiles(Path())
    senders = Senders(stored, built_in, visitors, authenticate, contexts.of, token_required=token_required)
    routes = tracking.routes(intake, senders, visitors)
    return build_app(routes, authenticate, body_bytes_max=BODY_BYTES_MAX)


class TrackingSite(NamedTuple):
    client: TestClient[Request, Application]
    log: EventLog
    directory: Path
    apps: AppStore = AppFiles(Path())

    @property
    def visitor(self) -> str | None:
        """The anonymous_id in the client's cookie, None before the first answer that brings one."""
        found = {cookie.key: cookie.value for cookie in self.client.session.cookie_jar}
        return found.get(COOKIE)

    async def post(self, body: object, path: str = "/track", **headers: str) -> ClientResponse:
        """Send the body as JSON, or as it is where it is bytes already."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.client.post(path, data=raw, headers=JSON | headers)

    async def accepted(self, body: object, path: str = "/track", **headers: str) -> Members:
        answer = await self.post(body, path, **headers)
        assert answer.status == 202, await answer.text()
        return await answer.json()

    async def refused(self, body: object, status: int, path: str = "/track", **headers: str) -> Members:
        """Return the problem; nothing of the request may have reached the log."""
        before = self.log.health().durable_offset
        answer = await self.post(body, path, **headers)
        assert answer.status == status, await answer.text()
        assert answer.content_type == "application/problem+json"
        assert self.log.health().durable_offset == before
        problem = await answer.json()
        assert problem["status"] == status
        return problem

    async def lines(self) -> dict[str, Members]:
        """Return every line by its receipt, once a reader of the log takes all that was acknowledged for durable."""
        count = self.log.health().durable_offset + 1
        async with asyncio.timeout(DEADLINE_S):
            while len(found := read_all(self.directory)[1]) < count:
                await asyncio.sleep(0.01)
        members = [msgspec.json.decode(line) for line in found]
        return {f"{self.log.log_id}:{one.pop('offset')}": one for one in members}

    async def line_of(self, body: object, path: str = "/track", **headers: str) -> Members:
        """Send one action and return the line that its receipt points at."""
        answer = await self.accepted(body, path, **headers)
        return (await self.lines())[str(answer["receipt"])]


@asynccontextmanager
async def open_tracking(
    directory: Path,
    *,
    recent_ids_max: int = 100,
    token_required: bool = False,
    contexts: Contexts = PLAIN,
    cookieless: CookielessId = somebody,
    built_in: App = SITE,
) -> AsyncIterator[TrackingSite]:
    async with open_log(directory) as log, AppFiles(directory / "apps") as apps:
        app = app_over(
            log,
            apps,
            recent_ids_max=recent_ids_max,
            token_required=token_required,
            contexts=contexts,
            cookieless=cookieless,
            built_in=built_in,
        )
        # What the library calls itself would stand in every line.
        async with TestClient(TestServer(app), skip_auto_headers=["User-Agent"]) as client:
            yield TrackingSite(client, log, directory, apps)


def fields(problem: Members) -> list[tuple[str, str]]:
    """Return the path and the code of every wrong member that a problem names."""
    return [(error["path"], error["code"]) for error in problem["errors"]]
