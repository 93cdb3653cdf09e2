"""Who sends a request, and to which application: token, session, cookie and what the request tells beside its body."""

from collections.abc import Callable

from aiohttp import hdrs, web
from multidict import istr

from collector.identity.caller import Authenticate, TokenInvalid
from collector.tracking.context import Context
from collector.tracking.visitor import Visitor, Visitors
from storage.account_ports import AppStore
from storage.app import App

X_API_TOKEN = istr("X-Api-Token")


class ApiTokenUnknown(TokenInvalid):
    """The api_token names no application, or is revoked, or another application's than the one asked for (401)."""

    code = "api_token_unknown"


class Senders:
    """Tells senders apart; `context_of` says what the door freezes of a request to an application."""

    def __init__(
        self,
        apps: AppStore,
        built_in: App,
        visitors: Visitors,
        authenticate: Authenticate,
        context_of: Callable[[web.Request, App], Context],
    ) -> None:
        self._apps = apps
        self._built_in = built_in
        self._visitors = visitors
        self._authenticate = authenticate
        self._context_of = context_of

    async def of(self, request: web.Request, api_token: str | None = None) -> Visitor:
        """Return who sends the request; `api_token` is one that stood elsewhere than in X-Api-Token, which wins.

        Raises:
            ApiTokenUnknown, TokenInvalid, IdentityUnreachable: nothing may be kept of it.
        """
        headers = request.headers
        token = headers.get(X_API_TOKEN, api_token)
        app = self._built_in if token is None else self._of_token(token)
        caller = await self._authenticate(request) if hdrs.AUTHORIZATION in headers else None
        return self._visitors.of(request, caller, app, self._context_of(request, app))

    def _of_token(self, token: str) -> App:
        app = self._apps.by_write_token(token)
        if app is None:
            raise ApiTokenUnknown("no application has this api_token")
        return app
