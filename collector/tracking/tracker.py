"""GET /footfall.js: the browser tracker, made of script/source.js by scripts/tracker.py."""

import gzip
import importlib.resources

from aiohttp import hdrs, web

from collector.answers import HEADERS
from collector.routes import Answer, Route
from collector.unchanging import Unchanging

FRESH_S, STALE_S = 3600, 86_400
"""How long a browser asks nobody for the script; and how long after that it may still use it while it asks."""

SERVED = {
    **HEADERS,
    "Content-Type": "text/javascript; charset=utf-8",
    "Cache-Control": f"public, max-age={FRESH_S}, stale-while-revalidate={STALE_S}",
    # A page of any origin may load it, also one that isolates itself (Fetch, section 3.7).
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept-Encoding",
}


class Tracker:
    """The handler of the script; each of its two encodings has an ETag of its own (RFC 9110, section 8.8.3.3)."""

    def __init__(self) -> None:
        script = importlib.resources.files(__package__).joinpath("script", "footfall.js").read_bytes()
        self._plain = Unchanging(script, SERVED)
        self._compressed = Unchanging(gzip.compress(script, mtime=0), {**SERVED, "Content-Encoding": "gzip"})

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        answers = {200: Answer(media="text/javascript"), 304: Answer()}
        return [Route("GET", "/footfall.js", self.script, "anyone", answers)]

    async def script(self, request: web.Request) -> web.Response:
        """Answer the browser tracker, compressed where the client takes that."""
        return (self._compressed if _takes_gzip(request) else self._plain).answer(request)


def _takes_gzip(request: web.Request) -> bool:
    """Return whether gzip is named and not refused by a weight of 0 (RFC 9110, section 12.5.3)."""
    codings = request.headers.get(hdrs.ACCEPT_ENCODING, "").lower().split(",")
    weights = {name.strip(): weight.replace(" ", "") for name, _, weight in (one.partition(";") for one in codings)}
    return weights.get("gzip", "q=0").rstrip("0.") != "q="
