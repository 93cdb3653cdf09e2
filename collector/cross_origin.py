"""Pages of other origins (Fetch, section 3.2: CORS): which of them may track here, and read what they are answered.

Origins are compared as they are: no pattern, no part, never `*`.
"""

from aiohttp import hdrs, web

from collector.answers import empty_answer
from collector.routes import is_for_pages
from collector.tracking.senders import WRITTEN_TO
from storage.account_ports import AppStore
from storage.app import App

PREFLIGHT_AGE_S = 600
"""How long a browser may rely on a preflight: an origin that was taken off a list is refused after that."""

METHODS = "GET, POST"
REQUEST_HEADERS = "Authorization, Content-Encoding, Content-Type, X-Api-Token, X-Retry-Count"
"""The last one is that of Segment's client, at a second try."""
SHOWN_HEADERS = "Retry-After, X-Request-ID"


class CrossOrigin:
    """Signs the answers of routes that are for pages."""

    def __init__(self, apps: AppStore, built_in: App) -> None:
        self._apps = apps
        self._built_in = built_in

    async def sign(self, request: web.Request, answer: web.StreamResponse) -> None:
        """Say, before an answer begins, that the page may read it, where its origin is one that is listed.

        That is of the application that is written to; of any at all where it is not known: no preflight names it, and a
        request may fail before its token is read.
        """
        resource = request.match_info.route.resource
        if resource is None or not is_for_pages(resource.canonical):
            return
        # Whether there is an Origin or not: a cache in between must not give one page's answer to another.
        answer.headers.add(hdrs.VARY, hdrs.ORIGIN)
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and self._may_read(request, origin):
            answer.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            answer.headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
            answer.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = SHOWN_HEADERS

    async def preflight(self, request: web.Request) -> web.StreamResponse:
        """Answer a browser that asks whether a page may send what needs its leave."""
        answer = empty_answer()
        if self._is_listed(request.headers.get(hdrs.ORIGIN, "")):
            answer.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = METHODS
            answer.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = REQUEST_HEADERS
            answer.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(PREFLIGHT_AGE_S)
        return answer

    def _may_read(self, request: web.Request, origin: str) -> bool:
        app = request.get(WRITTEN_TO)
        return self._is_listed(origin) if app is None else origin in app.origins

    def _is_listed(self, origin: str) -> bool:
        return origin in self._built_in.origins or self._apps.lists_origin(origin)
