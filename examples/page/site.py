"""The page's own server: it passes on to the daemon what is the daemon's, as nginx would, so that both are one origin."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

HERE = Path(__file__).parent
PASSED_ON = ("/footfall.js", "/track", "/auth/{rest:.*}")
HOP_BY_HOP = (hdrs.CONNECTION, hdrs.KEEP_ALIVE, hdrs.TRANSFER_ENCODING, hdrs.CONTENT_LENGTH)
"""Of one connection alone (RFC 9110, section 7.6.1), or made anew with the body."""

TRACKER = '<script defer src="/footfall.js"></script>'
"""The line of the page that tracks it."""

SESSION = web.AppKey("session", aiohttp.ClientSession)


def build_site(daemon: str, tracker: str = TRACKER) -> web.Application:
    """Return the page at every address but PASSED_ON, which `daemon` (http://host:port) answers."""
    page = (HERE / "index.html").read_text(encoding="utf-8").replace(TRACKER, tracker)
    site = web.Application()
    site.cleanup_ctx.append(_connected)
    for path in PASSED_ON:
        site.router.add_route("*", path, _passed_on_to(daemon))
    site.router.add_get("/page.js", _text((HERE / "page.js").read_text(encoding="utf-8"), "text/javascript"))
    site.router.add_get("/{page:.*}", _text(page, "text/html"))
    return site


async def _connected(site: web.Application) -> AsyncIterator[None]:
    # Cookies are the browser's: none may be kept here for the next one.
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar, auto_decompress=False) as site[SESSION]:
        yield


def _passed_on_to(daemon: str) -> Handler:
    async def pass_on(request: web.Request) -> web.Response:
        body, headers = await request.read(), _end_to_end(request.headers)
        asked = request.app[SESSION].request(request.method, daemon + request.raw_path, data=body, headers=headers)
        try:
            async with asked as answer:
                return web.Response(status=answer.status, body=await answer.read(), headers=_end_to_end(answer.headers))
        except aiohttp.ClientConnectionError:
            raise web.HTTPBadGateway from None

    return pass_on


def _end_to_end(headers: "Mapping[str, str]") -> "CIMultiDict[str]":
    kept = CIMultiDict(headers)
    for name in HOP_BY_HOP:
        kept.popall(name, None)
    return kept


def _text(text: str, media: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=media)

    return answer
