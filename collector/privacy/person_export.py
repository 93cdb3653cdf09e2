"""Everything that is held about one person of an application, as lines of JSON."""

import contextlib
from collections.abc import AsyncGenerator, Callable
from datetime import datetime

import msgspec

from collector.identity.own_export import held_of, own_events
from storage.account_ports import AppStore, AuditLog, UserStore
from storage.event import BUILT_IN_APP
from storage.ports import EventStore
from storage.query.erasure import Person
from storage.query.events import EventFilter, ExportQuery
from storage.query.rejected import PersonRejectedQuery


class PersonExport:
    """Gathers it from accounts, applications, store and audit log; `clock` gives aware UTC times."""

    def __init__(
        self, users: UserStore, apps: AppStore, store: EventStore, log: AuditLog, clock: Callable[[], datetime]
    ) -> None:
        self._users = users
        self._apps = apps
        self._store = store
        self._log = log
        self._clock = clock

    async def lines(self, person: Person) -> AsyncGenerator[bytes, None]:
        """Yield chunks of whole lines: each an object of one member, which says what it is.

        `account` of who has one, then each `event`, each item that was `rejected`, and each `auth_event`, the newest
        first. Nothing is given before the store has answered.
        """
        where = EventFilter(app_code=person.app_code, user_id=person.user_id)
        events = self._store.export(ExportQuery(where=where, anonymous_id=person.anonymous_id))
        async with contextlib.aclosing(events):
            first = await anext(events, b"")
            if person.app_code == BUILT_IN_APP and person.user_id is not None:
                yield await self._account(person.user_id)
            yield _named("event", first)
            async for chunk in events:
                yield _named("event", chunk)
        async with contextlib.aclosing(self._store.export(PersonRejectedQuery(person))) as rejected:
            async for chunk in rejected:
                yield _named("rejected", chunk)
        if person.app_code == BUILT_IN_APP and person.user_id is not None:
            async for entries in own_events(self._log, person.user_id):
                yield b"".join(_line("auth_event", one) for one in entries)

    async def _account(self, user_id: str) -> bytes:
        user = await self._users.by_id(user_id)
        if user is None:
            return b""
        held = held_of(user, self._users.last_seen(user_id), self._apps.of_owner(user_id), self._clock(), "")
        members = msgspec.to_builtins(held)
        return _line(
            "account", {name: value for name, value in members.items() if name not in ("events", "auth_events")}
        )


def _line(name: str, value: object) -> bytes:
    return msgspec.json.encode({name: value}) + b"\n"


def _named(name: str, lines: bytes) -> bytes:
    begin = b'{"%b":' % name.encode()
    return b"".join(begin + line + b"}\n" for line in lines.splitlines())
