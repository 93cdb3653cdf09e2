"""GET /auth/me/export: everything that is held about oneself, streamed."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime

import msgspec
from aiohttp import web
from msgspec.structs import asdict, replace

from collector.answers import HEADERS
from collector.applications.handlers import shown
from collector.identity.audit import Audit
from collector.identity.caller import CALLER, Caller
from collector.identity.origin import Origins
from collector.identity.profile import Profiles, profile_of
from collector.identity.session_handlers import own_session
from collector.routes import Answer, Route
from collector.streaming import array, stream
from collector.wire.audit import AuthEvent
from collector.wire.profile import OwnExport, OwnSecondFactor
from storage.account_ports import AppStore, AuditLog, UserStore
from storage.app import App
from storage.audit import AuditEntry, AuditFilter
from storage.event import BUILT_IN_APP
from storage.ports import EventStore
from storage.query.events import EventFilter, ExportQuery
from storage.user import SecondFactor, User

AUTH_EVENTS_AT_ONCE = 1_000
EXPORT_HEADERS = {**HEADERS, "Content-Disposition": 'attachment; filename="footfall-export.json"'}
STREAMED = b'"events":[],"auth_events":[]}'
"""The end of an export before its events are in it."""


class OwnExports:
    """The handler of one's own export; `clock` gives aware UTC times."""

    def __init__(
        self,
        profiles: Profiles,
        users: UserStore,
        apps: AppStore,
        store: EventStore,
        log: AuditLog,
        *,
        audit: Audit,
        origins: Origins,
        clock: Callable[[], datetime],
    ) -> None:
        self._profiles = profiles
        self._users = users
        self._apps = apps
        self._store = store
        self._log = log
        self._audit = audit
        self._origins = origins
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [Route("GET", "/auth/me/export", self.export, "user", {200: Answer(OwnExport)})]

    async def export(self, request: web.Request) -> web.StreamResponse:
        """Answer profile, sessions, applications, events and audit entries of the caller; a connection that breaks leaves no whole JSON."""
        caller = request[CALLER]
        user = await self._profiles.of(caller)
        origin = self._origins.of(request)
        await self._profiles.require_change(caller, "export", origin)
        await self._audit.record("sensitive_read", "success", origin, actor=user.user_id, sid=caller.sid, note="export")
        async with contextlib.aclosing(self._document(user, caller)) as chunks:
            return await stream(request, chunks, EXPORT_HEADERS)

    async def _document(self, user: User, caller: Caller) -> AsyncGenerator[bytes, None]:
        head = msgspec.json.encode(self._head(user, caller))
        where = EventFilter(app_code=BUILT_IN_APP, user_id=user.user_id)
        async with contextlib.aclosing(self._store.export(ExportQuery(where=where))) as chunks:
            events = array(chunks)
            # Nothing is sent before the store has answered: until then it can be said that it is away.
            yield head.removesuffix(STREAMED) + b'"events":' + await anext(events)
            async for piece in events:
                yield piece
        yield b',"auth_events":'
        async for piece in array(self._auth_events(user.user_id)):
            yield piece
        yield b"}"

    def _head(self, user: User, caller: Caller) -> OwnExport:
        last_seen_at, apps = self._users.last_seen(user.user_id), self._apps.of_owner(user.user_id)
        return held_of(user, last_seen_at, apps, self._clock(), caller.sid)

    async def _auth_events(self, user_id: str) -> AsyncGenerator[bytes, None]:
        async for events in own_events(self._log, user_id):
            yield b"".join(msgspec.json.encode(one) + b"\n" for one in events)


def held_of(
    user: User, last_seen_at: datetime | None, apps: Sequence[App], now: datetime, current_sid: str
) -> OwnExport:
    """Return all that is held about a user, who owns these applications, but its events."""
    alive = [session for session in reversed(user.sessions) if session.expires_at > now]
    return OwnExport(
        exported_at=now,
        profile=profile_of(user),
        created_at=user.created_at,
        last_seen_at=last_seen_at,
        second_factor=None if user.second_factor is None else _own_factor(user.second_factor),
        sessions=[own_session(session, current_sid) for session in alive],
        apps=[shown(app) for app in apps],
        events=[],
        auth_events=[],
    )


async def own_events(log: AuditLog, user_id: str) -> AsyncGenerator[list[AuthEvent], None]:
    """Yield what is on record about a user, the newest first, without whom else it is about."""
    before: int | None = None
    while True:
        page = await log.page(AuditFilter(user_id=user_id, before=before), limit=AUTH_EVENTS_AT_ONCE)
        yield [_own_event(entry, user_id) for entry in page.entries]
        if (before := page.before) is None:
            return


def _own_factor(factor: SecondFactor) -> OwnSecondFactor:
    return OwnSecondFactor(
        created_at=factor.created_at,
        confirmed_at=factor.confirmed_at,
        recovery_codes=len(factor.recovery),
        failures=factor.failures,
        failed_at=factor.failed_at,
    )


def _own_event(entry: AuditEntry, user_id: str) -> AuthEvent:
    """Return the entry without what it says of somebody else: an administrator who did it, or another user it was done to."""
    row = entry.row
    if row.actor not in (None, user_id):
        row = replace(row, actor=None, peer="", user_agent="", sid=None, request_id=None)
    if row.subject != user_id:
        row = replace(row, subject=None)
    return AuthEvent(number=entry.number, **asdict(row))
