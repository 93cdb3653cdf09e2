"""A site of one page with the tracker in it, and a daemon that answers as it is told: for what the script does by itself."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, Self

from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page

from scripts.tracker import BUILT

SENT_S = 30.0
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(SENT_S):
        while not condition():
            await asyncio.sleep(0.02)  # between two looks, until the deadline


class Sent(NamedTuple):
    """One request for /track; `has_cookie`: it came with the one that each answer brings."""

    method: str
    items: list[dict[str, Any]]
    content_type: str
    token: str | None
    origin: str | None
    has_cookie: bool


class ScriptedSite:
    """`answers` are the next statuses of /track, with headers; none left: 202. `sent` is what came, refused or not."""

    def __init__(self) -> None:
        self.body = ""
        self.attributes = ""
        self.tracker = "/footfall.js"
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.sent: list[Sent] = []
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
        headers = request.headers
        sent = Sent(
            method=request.method,
            items=json.loads(await request.read()),
            content_type=headers["Content-Type"],
            token=request.query.get("api_token"),
            origin=headers.get("Origin"),
            has_cookie="footfall_id" in request.cookies,
        )
        self.sent.append(sent)
        status, said = self.answers.pop(0) if self.answers else (202, {})
        allowed = {
            "Access-Control-Allow-Origin": headers["Origin"],
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Expose-Headers": "Retry-After",
        }
        return web.Response(status=status, headers={**said, **allowed, "Set-Cookie": "footfall_id=x; SameSite=Lax"})


async def opened(page: Page, site: ScriptedSite, body: str = "", attributes: str = "", path: str = "/") -> None:
    """Open the page, and return once its first pageview has come."""
    site.body, site.attributes = body, attributes
    await page.goto(site.url + path)
    await until(lambda: "pageview" in site.labels)


async def after(page: Page, site: ScriptedSite) -> list[dict[str, Any]]:
    """Return what came after the first pageview; events arrive in their order, so a last one ends it."""
    await page.evaluate("footfall.track('last')")
    await until(lambda: "last" in site.labels)
    items = site.items
    return items[1 : [item["source_label"] for item in items].index("last")]
