"""GET /openapi.json, and /docs: Swagger UI from files of our own, so that it works where there is no network."""

import importlib.resources
from collections.abc import Sequence

import msgspec
from aiohttp import web

from collector.administration.openapi import document
from collector.answers import HEADERS
from collector.routes import Answer, Route
from collector.unchanging import Unchanging
from collector.wire.body import JSON

HTML, SCRIPT, STYLE = "text/html; charset=utf-8", "text/javascript; charset=utf-8", "text/css; charset=utf-8"
FILES = {"swagger-ui-bundle.js": SCRIPT, "docs.js": SCRIPT, "swagger-ui.css": STYLE}

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
"""What a page of ours may do (W3C, Content Security Policy Level 3)."""

SAFE = {
    **HEADERS,
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
}

UNCHANGED = Answer()


class Docs:
    """The handlers of the API's own description; `routes` are those of the table besides these."""

    def __init__(self, routes: Sequence[Route], *, version: str) -> None:
        self._page = _file(_packaged("docs.html"), HTML)
        self._files = {name: _file(_packaged(name), media) for name, media in FILES.items()}
        self._document = _file(msgspec.json.encode(document([*routes, *self.routes()], version=version)), JSON)

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [
            Route("GET", "/openapi.json", self.openapi, "anyone", {200: Answer(dict), 304: UNCHANGED}),
            Route("GET", "/docs", self.page, "anyone", {200: Answer(media="text/html"), 304: UNCHANGED}),
            Route("GET", "/docs/{file}", self.file, "anyone", {200: Answer(media="text/*"), 304: UNCHANGED}),
        ]

    async def openapi(self, request: web.Request) -> web.Response:
        """Answer this description, as OpenAPI 3.1."""
        return self._document.answer(request)

    async def page(self, request: web.Request) -> web.Response:
        """Answer the page that shows this description, without anything from elsewhere."""
        return self._page.answer(request)

    async def file(self, request: web.Request) -> web.Response:
        """Answer a file of that page."""
        found = self._files.get(request.match_info["file"])
        if found is None:
            raise web.HTTPNotFound
        return found.answer(request)


def _packaged(name: str) -> bytes:
    return importlib.resources.files(__package__).joinpath("swagger", name).read_bytes()


def _file(content: bytes, media: str) -> Unchanging:
    return Unchanging(content, {**SAFE, "Content-Type": media})
