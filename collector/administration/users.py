"""/admin/users: who has an account, what they do, and what administrators do about it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from collector.answers import empty_answer, json_answer
from collector.identity.caller import CALLER
from collector.identity.erasure import Erasure
from collector.identity.errors import UserUnknown
from collector.identity.origin import Origins
from collector.identity.sessions import Sessions
from collector.identity.standing import Standings
from collector.routes import Answer, Bodyless, JsonBody, QueryString, Route, Taking
from collector.wire import users as wire
from collector.wire.body import decode
from collector.wire.problem import CursorInvalid
from storage import cursor
from storage.account_ports import UserStore
from storage.errors import QueryRefused, QueryTimeout, StoreDown
from storage.event import BUILT_IN_APP
from storage.ports import EventStore
from storage.query.events import EventFilter
from storage.query.visits import VisitsQuery
from storage.user import User
from storage.user_list import UsersKey, UsersQuery

ACTIVITY_ROWS = 50
"""Pageviews that are shown of a user."""

_role = msgspec.json.Decoder(wire.RoleBody)
ROLE = JsonBody(lambda raw: decode(raw, _role), wire.RoleBody)
DONE = {204: Answer()}


class UserAnswers:
    """The handlers of /admin/users; `clock` gives aware UTC times."""

    def __init__(
        self,
        users: UserStore,
        sessions: Sessions,
        standings: Standings,
        erasure: Erasure,
        *,
        store: EventStore,
        origins: Origins,
        clock: Callable[[], datetime],
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._standings = standings
        self._erasure = erasure
        self._store = store
        self._origins = origins
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        page = Taking(QueryString(wire.UsersParameters), self.page)
        block, role = Bodyless(self.block), Taking(ROLE, self.set_role)
        return [
            Route("GET", "/admin/users", page, "admin", {200: Answer(wire.UsersAnswer)}),
            Route("GET", "/admin/users/{user_id}", self.report, "admin", {200: Answer(wire.UserReport)}),
            Route("DELETE", "/admin/users/{user_id}", self.erase, "admin", DONE),
            Route("PUT", "/admin/users/{user_id}/block", block, "admin", DONE),
            Route("DELETE", "/admin/users/{user_id}/block", self.unblock, "admin", DONE),
            Route("PUT", "/admin/users/{user_id}/role", role, "admin", DONE),
            Route("DELETE", "/admin/users/{user_id}/sessions", self.end_sessions, "admin", DONE),
            Route("DELETE", "/admin/users/{user_id}/otp", self.end_second_factor, "admin", DONE),
        ]

    async def page(self, _: web.Request, asked: wire.UsersParameters) -> web.Response:
        """List users, those seen last first unless told otherwise."""
        query = UsersQuery(
            search=asked.search,
            role=asked.role,
            state=asked.state,
            seen_before=self._clock() - timedelta(days=asked.inactive_days),
            sort=asked.sort,
            order=asked.order,
            limit=asked.limit,
            after=_after(asked),
        )
        page = await self._users.page(query)
        listed = msgspec.convert(page.users, list[wire.AdminUser], from_attributes=True)
        following = None if page.next is None else cursor.encode(page.next, asked)
        return json_answer(wire.UsersAnswer(listed, following, page.total))

    async def report(self, request: web.Request) -> web.Response:
        """Show one user with its sessions and the pages it saw last."""
        user = await self._user(request)
        return json_answer(
            wire.UserReport(
                user=self._listed(user),
                firstname=user.firstname,
                lastname=user.lastname,
                has_second_factor=user.second_factor is not None and user.second_factor.confirmed_at is not None,
                sessions=msgspec.convert(
                    await self._sessions.of(user.user_id), list[wire.AdminSession], from_attributes=True
                ),
                activity=await self._activity(user.user_id),
            )
        )

    async def erase(self, request: web.Request) -> web.Response:
        """Erase a user: the account at once, and then what it did from log, archive and statistics."""
        await self._erasure.erase_user(_named(request), self._origins.of(request), by=request[CALLER])
        return empty_answer()

    async def block(self, request: web.Request) -> web.Response:
        """Shut a user out at once; what is so already is answered alike."""
        await self._standings.block(_named(request), request[CALLER], self._origins.of(request))
        return empty_answer()

    async def unblock(self, request: web.Request) -> web.Response:
        """Let a user sign in again."""
        await self._standings.unblock(_named(request), request[CALLER], self._origins.of(request))
        return empty_answer()

    async def set_role(self, request: web.Request, body: wire.RoleBody) -> web.Response:
        """Give a user another role, from its next request on."""
        await self._standings.set_role(_named(request), body.role, request[CALLER], self._origins.of(request))
        return empty_answer()

    async def end_sessions(self, request: web.Request) -> web.Response:
        """Sign a user out everywhere."""
        await self._standings.end_sessions(_named(request), request[CALLER], self._origins.of(request))
        return empty_answer()

    async def end_second_factor(self, request: web.Request) -> web.Response:
        """Let a user who has lost its second factor sign in by its password alone."""
        await self._standings.end_second_factor(_named(request), request[CALLER], self._origins.of(request))
        return empty_answer()

    async def _user(self, request: web.Request) -> User:
        user = await self._users.by_id(_named(request))
        if user is None:
            raise UserUnknown
        return user

    def _listed(self, user: User) -> wire.AdminUser:
        listed = {
            name: getattr(user, name) for name in ("user_id", "role", "nickname", "email", "created_at", "blocked_at")
        }
        return wire.AdminUser(**listed, last_seen_at=self._users.last_seen(user.user_id))

    async def _activity(self, user_id: str) -> list[wire.Activity] | None:
        where = EventFilter(app_code=BUILT_IN_APP, user_id=user_id)
        try:
            page = await self._store.visits(VisitsQuery(where=where, limit=ACTIVITY_ROWS))
        except (StoreDown, QueryTimeout):
            return None  # the account can be administered without the statistics
        return msgspec.convert(page.rows, list[wire.Activity], from_attributes=True)


def _after(asked: wire.UsersParameters) -> UsersKey | None:
    try:
        return None if asked.cursor is None else cursor.decode(asked.cursor, asked, UsersKey)
    except QueryRefused as error:
        raise CursorInvalid(str(error)) from None


def _named(request: web.Request) -> str:
    return request.match_info["user_id"]
