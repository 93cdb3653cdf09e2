"""Who sends a request, and to which application: token, session, cookie and what the request tells beside its body."""

from collections.abc import Callable

from aiohttp import hdrs, web
from msgspec.structs import replace
from multidict import istr

from collector.identity.caller import Authenticate, TokenInvalid, TokenMissing
from collector.tracking.context import Context
from collector.tracking.visitor import Visitor, Visitors
from collector.wire.plausible import site_of
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
    """Tells senders apart; `context_of` says what the door freezes of a request."""

    def __init__(
        self,
        apps: AppStore,
        built_in: App,
        visitors: Visitors,
        authenticate: Authenticate,
        context_of: Callable[[web.Request], Context],
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
        return await self._to(self._app_of(_token_of(request, api_token)), request)

    async def of_cookieless(self, request: web.Request, domain: str, host: str) -> Visitor:
        """Return who sends the request for a domain, of whom no cookie is asked whatever the application's own way is.

        Without an api_token beside it the domain is one itself, or one of the hostnames of an application: the built-in
        one before others, an older one before a newer. Where the built-in one has none, its domains are those of the page
        itself, whose host `host` is, and all above it: else whoever may make applications could take them.

        Raises:
            ApiTokenMissing, ApiTokenUnknown, TokenInvalid, IdentityUnreachable: nothing may be kept of it.
        """
        token = _token_of(request, None)
        app = self._of_domain(domain, host) if token is None else self._app_of(token)
        return await self._to(replace(app, visitors="cookieless"), request)

    async def _to(self, app: App, request: web.Request) -> Visitor:
        if hdrs.ORIGIN in request.headers:
            request[WRITTEN_TO] = app
        caller = await self._authenticate(request) if hdrs.AUTHORIZATION in request.headers else None
        return self._visitors.of(request, caller, app, self._context_of(request))

    def _of_domain(self, domain: str, host: str) -> App:
        if (app := self._apps.by_write_token(domain)) is not None:
            return app
        site, own = site_of(domain), self._built_in.hostnames
        names = (site, f"www.{site}")
        is_own_page = not own and (host == site or host.endswith(f".{site}"))
        if is_own_page or not set(names).isdisjoint(own):
            return self._app_of(None)
        for name in names:
            if (app := self._apps.by_hostname(name)) is not None:
                return app
        raise ApiTokenUnknown("no application has this domain")

    def _app_of(self, token: str | None) -> App:
        if token is None:
            if self._token_required:
                raise ApiTokenMissing("every event needs an api_token")
            return self._built_in
        app = self._apps.by_write_token(token)
        if app is None:
            raise ApiTokenUnknown
        return app


def _token_of(request: web.Request, in_body: str | None) -> str | None:
    token = request.headers.get(X_API_TOKEN, in_body)
    if token is None and "?" in request.raw_path:
        return request.query.get(IN_QUERY)
    return token
