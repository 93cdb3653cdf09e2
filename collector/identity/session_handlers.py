"""The routes of sessions, and who sends a request."""

from collections.abc import Awaitable
from typing import TypeVar

import msgspec
from aiohttp import web

from collector.answers import empty_answer, json_answer
from collector.identity.bearer import bearer, required_bearer
from collector.identity.caller import CALLER, Caller, SessionGone, asked_of
from collector.identity.origin import Origins
from collector.identity.sessions import Grant, Sessions, is_refresh_token
from collector.routes import Answer, Bodyless, QueryString, Route, Taking
from collector.wire import accounts as wire
from storage.user import Session

Result = TypeVar("Result")

REFRESHED = {200: Answer(wire.Refreshed)}


class SessionAnswers:
    """The handlers of refresh, sign-out and one's own sessions."""

    def __init__(self, sessions: Sessions, origins: Origins) -> None:
        self._sessions = sessions
        self._origins = origins

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        sign_out = Taking(QueryString(wire.SignoutQuery), self.sign_out)
        return [
            Route("POST", "/auth/refresh", Bodyless(self.refresh), "anyone", REFRESHED),
            Route("GET", "/auth/refresh", self.renew, "anyone", REFRESHED),
            Route("POST", "/auth/signout", sign_out, "anyone", {204: Answer()}),
            Route("GET", "/auth/sessions", self.own, "user", {200: Answer(wire.OwnSessions)}),
            Route("DELETE", "/auth/sessions/{sid}", self.end, "user", {204: Answer()}),
        ]

    async def authenticate(self, request: web.Request) -> Caller | None:
        """Return who sends the request, None without a Bearer token.

        Raises:
            TokenInvalid: the token is not good, or no longer, which is on record where its session has ended.
            AuthorizationRepeated: there are two Authorization headers.
            AuditFailed, LogFull: that could not be put on record.
        """
        token = bearer(request)
        return None if token is None else await self._noting_end(request, self._sessions.authenticate(token))

    async def forbidden(self, request: web.Request) -> None:
        """Put on record that the sender, whose token is good, may not do what it asked for."""
        caller = await self.authenticate(request)
        if caller is not None:
            await self._sessions.forbid(caller, self._origins.of(request), asked_of(request))

    async def refresh(self, request: web.Request) -> web.Response:
        """Answer the next pair of tokens for the refresh token that is sent as Bearer."""
        token, origin = required_bearer(request), self._origins.of(request)
        return _refreshed(await self._noting_end(request, self._sessions.refresh(token, origin)))

    async def renew(self, request: web.Request) -> web.Response:
        """Answer as POST does; for a jwt_token that is still good (R1) another one of the same session."""
        token, origin = required_bearer(request), self._origins.of(request)
        refresh = self._sessions.refresh if is_refresh_token(token) else self._sessions.renew
        return _refreshed(await self._noting_end(request, refresh(token, origin)))

    async def sign_out(self, request: web.Request, query: wire.SignoutQuery) -> web.Response:
        """End the session of the token, the user's others, or all; where it has ended already the answer is alike."""
        await self._sessions.sign_out(required_bearer(request), query.scope, self._origins.of(request))
        return empty_answer()

    async def own(self, request: web.Request) -> web.Response:
        """Answer the caller's sessions, the newest first."""
        caller = request[CALLER]
        found = [own_session(one, caller.sid) for one in reversed(await self._sessions.of(caller.user_id))]
        return json_answer(wire.OwnSessions(sessions=found))

    async def end(self, request: web.Request) -> web.Response:
        """End one of the caller's sessions; another user's is as unknown as none."""
        await self._sessions.end(request[CALLER].user_id, request.match_info["sid"], self._origins.of(request))
        return empty_answer()

    async def _noting_end(self, request: web.Request, use: Awaitable[Result]) -> Result:
        """Return what the use of a token brings; one of a session that has ended goes on record."""
        try:
            return await use
        except SessionGone as gone:
            await self._sessions.used_after_end(gone, self._origins.of(request))
            raise


def own_session(session: Session, current_sid: str) -> wire.OwnSession:
    """Return a session as its user is shown it."""
    members = msgspec.structs.asdict(session) | {"current": session.sid == current_sid, "last_seen_at": session.seen_at}
    return msgspec.convert(members, wire.OwnSession)


def _refreshed(grant: Grant) -> web.Response:
    return json_answer(
        wire.Refreshed(
            jwt_token=grant.token,
            refresh_token=grant.refresh_token,
            expires_in=grant.expires_in_s,
            token_type="Bearer",  # noqa: S106 - the name of a scheme
        )
    )
