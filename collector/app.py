"""The HTTP application: routes and their guards; opens nothing, starts nothing."""

from collections import Counter
from collections.abc import Callable, Sequence

from aiohttp import web, web_response

from collector import transport_security
from collector.answers import HEADERS
from collector.cross_origin import CrossOrigin
from collector.identity.caller import (
    CALLER,
    Authenticate,
    NotAuthorized,
    RoleInsufficient,
    TokenInvalid,
    TokenMissing,
)
from collector.problems import Forbidden, answering_problems, no_such_route
from collector.routes import BODY_WAIT_S, Handler, Route, Who, gaps, is_for_pages

RANK: dict[Who, int] = {"user": 1, "analyst": 2, "admin": 3}
"""Of the roles that the table asks for; on every other route the handler asks itself."""


def build_app(
    routes: Sequence[Route],
    authenticate: Authenticate,
    *,
    body_bytes_max: int,
    body_wait_s: float = 30.0,
    over_tls: Callable[[web.Request], bool] = lambda request: request.secure,
    refused: Counter[int] | None = None,
    forbidden: Forbidden | None = None,
    cross_origin: CrossOrigin | None = None,
) -> web.Application:
    """Return the application of a table of routes; `refused` counts its problems by status, `forbidden` records a 403.

    Without `cross_origin` no page on another host may call.
    """
    refused = Counter() if refused is None else refused
    # aiohttp's own answers (its parser's 400, `OPTIONS *`) would tell its version to strangers; it has no setting.
    web_response.SERVER_SOFTWARE = HEADERS["Server"]  # type: ignore[attr-defined]  # a name it does not export
    app = web.Application(client_max_size=body_bytes_max)
    app[BODY_WAIT_S] = body_wait_s
    app.on_response_prepare.append(transport_security.policy_over(over_tls))
    if cross_origin is not None:
        app.on_response_prepare.append(cross_origin.sign)
    for route in routes:
        assert not gaps(route), f"{route.method} {route.path}: {gaps(route)}"
        handler = _guarded(route.handler, route.who, authenticate) if route.who in RANK else route.handler
        handler = _forbidding(handler) if route.forbids else handler
        answering = answering_problems(handler, refused, forbidden)
        app.router.add_route(route.method, route.path, answering)
        if route.method == "GET":
            app.router.add_route("HEAD", route.path, answering)  # RFC 9110, 9.1: every server must support both
        if cross_origin is not None and is_for_pages(route.path):
            app.router.add_route("OPTIONS", route.path, cross_origin.preflight)
    app.router.add_route("*", r"/{path:[\s\S]*}", answering_problems(no_such_route, refused))
    return app


def _guarded(handler: Handler, who: Who, authenticate: Authenticate) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        caller = await authenticate(request)
        if caller is None:
            raise TokenMissing("this route needs an Authorization: Bearer token")
        if RANK[caller.role] < RANK[who]:
            raise RoleInsufficient(f"this route needs the role {who}")
        request[CALLER] = caller
        return await handler(request)

    return guarded


def _forbidding(handler: Handler) -> Handler:
    async def forbidding(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (TokenMissing, TokenInvalid) as error:
            raise NotAuthorized(str(error)) from None

    return forbidding
