"""Who sends a request where an outside provider says so, and the one route of accounts that is left then."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from collector.answers import json_answer
from collector.identity.bearer import bearer
from collector.identity.caller import CALLER, Caller, asked_of
from collector.identity.origin import Origin, Origins
from collector.identity.provider import Provider
from collector.routes import Answer, Route
from collector.wire.accounts import Profile

Forbid = Callable[[Caller, Origin, str], Awaitable[None]]
"""Put on record that a caller may not do what the text says."""

ASKED = web.RequestKey("asked", Caller)
"""Whom the provider named at the last question about a request."""


class ProviderAnswers:
    """Stands in the place of SessionAnswers: the accounts are elsewhere."""

    def __init__(self, provider: Provider, origins: Origins, forbid: Forbid) -> None:
        self._provider = provider
        self._origins = origins
        self._forbid = forbid

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [Route("GET", "/auth/me", self.me, "user", {200: Answer(Profile)})]

    async def authenticate(self, request: web.Request) -> Caller | None:
        """Return who sends the request, None without a Bearer token; IdentityUnreachable where nobody can say."""
        token = bearer(request)
        if token is None:
            return None
        caller = await self._provider.authenticate(token)
        request[ASKED] = caller
        return caller

    async def forbidden(self, request: web.Request) -> None:
        """Put on record that the sender, whose token is good, may not do what it asked for."""
        caller = request.get(ASKED)
        if caller is not None:
            await self._forbid(caller, self._origins.of(request), asked_of(request))

    async def me(self, request: web.Request) -> web.Response:
        """Answer the caller's user_id and role, as far as they count here."""
        caller = request[CALLER]
        return json_answer(Profile(user_id=caller.user_id, role=caller.role))
