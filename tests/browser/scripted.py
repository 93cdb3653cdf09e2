"""A site of one page with the tracker in it, and a daemon that answers as it is told: for what the script does by itself."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from scripts.tracker import BUILT

SENT_S = 15.0


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(SENT_S):
        while not condition():
            await asyncio.sleep(0.02)  # between two looks, until the deadline


class Sent(NamedTuple):
    """One request for /track."""

    items: list[dict[str, Any]]
    content_type: str
    token: str | None
    origin: str | None


class ScriptedSite:
    """`answers` are the next statuses of /track, with headers; none left: 202. `sent` is what came, refused or not; `knew` says of
    each request whether it had the cookie that each answer brings."""

    def __init__(self) -> None:
        self.body = ""
        self.attributes = ""
        self.tracker = "/footfall.js"
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.sent: list[Sent] = []
        self.methods: list[str] = []
        self.knew: list[bool] = []
        self.url = ""

    @classmethod
    @contextlib.asynccontextmanager
    async def served(cls) -> AsyncIterator[Self]:
        """Yield a site on a free port of 127.0.0.1."""
        site = cls()
        app = web.Application(client_max_size=2**22)
        app.router.add_get("/footfall.js", site.script)
        app.router.add_route("*", "/track", site.track)
        app.router.add_get("/{page:.*}", site.page)
        async with TestServer(app) as server:
            site.url = f"http://127.0.0.1:{server.port}"
            yield site

    @property
    def elsewhere(self) -> str:
        """The same site as another origin, which is of another site too."""
        return self.url.replace("127.0.0.1", "localhost")

    @property
    def items(self) -> list[dict[str, Any]]:
        """All that came, in its order."""
        return [item for sent in self.sent for item in sent.items]

    @property
    def labels(self) -> list[str]:
        return [item["source_label"] for item in self.items]

    @property
    def once(self) -> Counter[str]:
        """How many events of each label came, those that came again not counted."""
        return Counter({item["event_id"]: item["source_label"] for item in self.items}.values())

    async def script(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(BUILT)

    async def page(self, _: web.Request) -> web.Response:
        script = f'<script defer src="{self.tracker}" {self.attributes}></script>'
        html = f"<!doctype html><title>Shop</title>{script}{self.body}"
        return web.Response(text=html, content_type="text/html")

    async def track(self, request: web.Request) -> web.Response:
        self.methods.append(request.method)
        headers = request.headers
        items = json.loads(await request.read() or "[]")
        self.sent.append(Sent(items, headers["Content-Type"], request.query.get("api_token"), headers.get("Origin")))
        self.knew.append("footfall_id" in request.cookies)
        status, said = self.answers.pop(0) if self.answers else (202, {})
        allowed = {
            "Access-Control-Allow-Origin": headers["Origin"],
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Expose-Headers": "Retry-After",
        }
        return web.Response(status=status, headers={**said, **allowed, "Set-Cookie": "footfall_id=x; SameSite=Lax"})
