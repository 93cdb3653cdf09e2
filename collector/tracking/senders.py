"""Who sends a request, and to which application: token, session, cookie and what the request tells beside its body."""

from collections.abc import Callable

from aiohttp import hdrs, web
from multidict import istr

from collector.identity.caller import Authenticate, TokenInvalid, TokenMissing
from collector.tracking.context import Context
from collector.tracking.visitor import Visitor, Visitors
from storage.account_ports import AppStore
from storage.app import App

X_API_TOKEN = istr("X-Api-Token")
WRITTEN_TO = web.RequestKey("written_to", App)
"""Set on requests of pages, once it is known."""
IN_QUERY = "api_token"
"""The parameter that brings what X-Api-Token would: an api_token is public, a beacon and a picture have no headers."""


class ApiTokenMissing(TokenMissing):
    """Every event here needs an api_token (401)."""

    code = "api_token_missing"


class ApiTokenUnknown(TokenInvalid):
    """The api_token names no application, or is revoked, or another application's than the one asked for (401)."""

    code = "api_token_unknown"

    def __init__(self, said: str = "no application has this api_token") -> None:
        super().__init__(said)


class Senders:
    """Tells senders apart; `context_of` says what the door freezes of a request to an application."""

    def __init__(
        self,
        apps: AppStore,
        built_in: App,
        visitors: Visitors,
        authenticate: Authenticate,
        context_of: Callable[[web.Request, App], Context],
        *,
        token_required: bool = False,
    ) -> None:
        self._apps = apps
        self._built_in = built_in
        self._visitors = visitors
        self._authenticate = authenticate
        self._context_of = context_of
        self._token_required = token_required

    async def of(self, request: web.Request, api_token: str | None = None) -> Visitor:
        """Return who sends the request.

        X-Api-Token wins over `api_token`, which is one that stood in the body, and that over the one in the query.

        Raises:
            ApiTokenMissing, ApiTokenUnknown, TokenInvalid, IdentityUnreachable: nothing may be kept of it.
        """
        headers = request.headers
        token = headers.get(X_API_TOKEN, api_token)
        if token is None and "?" in request.raw_path:
            token = request.query.get(IN_QUERY)
        app = self._app_of(token)
        if hdrs.ORIGIN in headers:
            request[WRITTEN_TO] = app
        caller = await self._authenticate(request) if hdrs.AUTHORIZATION in headers else None
        return self._visitors.of(request, caller, app, self._context_of(request, app))

    def _app_of(self, token: str | None) -> App:
        if token is None:
            if self._token_required:
                raise ApiTokenMissing("every event needs an api_token")
            return self._built_in
        app = self._apps.by_write_token(token)
        if app is None:
            raise ApiTokenUnknown
        return app
