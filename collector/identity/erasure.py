"""Erasing people: the account with its sessions at once, and what they did as soon as the store takes it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Protocol

import structlog

from collector.identity.audit import Audit
from collector.identity.caller import Caller
from collector.identity.errors import UserUnknown
from collector.identity.origin import Origin
from collector.identity.standing import require_another
from storage.account_ports import UserStore
from storage.errors import StorageError
from storage.event import BUILT_IN_APP
from storage.query.erasure import ErasureStarted, LogPlace, Person
from storage.user import User

RETRY_S = 5.0
"""Between two tries to have the store erase what removed users did."""

log = structlog.get_logger()


class ErasingStore(Protocol):
    """What erasing needs of a store."""

    async def erase(self, person: Person, until: LogPlace) -> ErasureStarted:
        """Return once the erasure comes to its end whatever happens; StoreDown where there is nobody to ask."""


Unlisted = Callable[[Iterable[str]], set[str]]
"""Return the user_ids whose erasure the store has never taken; blocks on the disk. StorageError where it cannot say."""


class Erasure:
    """Erases people; `end` ends what is written of the log, and returns its place. `clock` gives aware UTC times.

    The tombstone of an account keeps its erasure from being forgotten: until the store has taken the user_id, after a
    crash as well, `run` goes on asking.
    """

    def __init__(
        self,
        users: UserStore,
        store: ErasingStore,
        audit: Audit,
        *,
        end: Callable[[], Awaitable[LogPlace]],
        unlisted: Unlisted,
        clock: Callable[[], datetime],
        retry_s: float = RETRY_S,
    ) -> None:
        self._users = users
        self._store = store
        self._audit = audit
        self._end = end
        self._unlisted = unlisted
        self._clock = clock
        self._retry_s = retry_s
        self._owed: set[str] = set()
        self._wake = asyncio.Event()

    @property
    def owed(self) -> int:
        """How many removed users the store has yet to be told of."""
        return len(self._owed)

    async def erase(self, person: Person, origin: Origin, *, by: Caller | None = None) -> None:
        """Return once whoever it is is sure to be erased, the account as well where the person has one; on record first.

        `by` is None for whoever sits at the command line. Raises as `remove`, and StoreDown where there is no account
        to keep what is owed.
        """
        user_id = await self.account_of(person)
        if user_id is not None:
            await self.erase_user(user_id, origin, by=by)
            return
        actor, sid = (None, None) if by is None else (by.user_id, by.sid or None)
        name = person.user_id or person.anonymous_id
        note = person.app_code
        async with self._audit.recording("person_erased", origin, actor=actor, name=name, sid=sid, note=note):
            await self.erase_person(person)

    async def account_of(self, person: Person) -> str | None:
        """Return the user_id of the person's account, or of what is left of it: only users of the built-in application have one."""
        if person.app_code != BUILT_IN_APP or person.user_id is None:
            return None
        return person.user_id if await self._users.holds(person.user_id) else None

    async def erase_user(self, user_id: str, origin: Origin, *, by: Caller | None = None) -> None:
        """Return once the account is gone for good and the rest is sure to follow; raises as `remove`."""
        await self.remove(user_id, origin, by=by)
        self._owed.add(user_id)
        try:
            await self._tell(user_id)
        except StorageError as error:
            log.warning("erasure_waits", reason=str(error), retry_in_s=self._retry_s)
        finally:
            self._wake.set()

    async def erase_person(self, person: Person) -> None:
        """Return once what a person did until now is sure to be erased, account or not; StorageError where it is not."""
        await self._store.erase(person, await self._end())

    async def remove(self, user_id: str, origin: Origin, *, by: Caller | None = None) -> None:
        """Remove the account alone; `by` is None for whoever sits at the command line.

        Raises:
            UserUnknown: there is no such user, nor a file that was left of one.
            LastAdmin: it is the only administrator.
            AuditFailed, LogFull, LogFailed, DirectoryUnusable: try again.
        """

        def allow(user: User) -> None:
            require_another(self._users, user)

        user = await self._users.by_id(user_id)
        if user is not None:
            allow(user)
        elif not await self._users.holds(user_id):
            raise UserUnknown
        actor, sid = (None, None) if by is None else (by.user_id, by.sid)
        try:
            async with self._audit.recording("user_deleted", origin, actor=actor, subject=user_id, sid=sid):
                await self._users.remove(user_id, self._clock(), allow)
        except KeyError:
            raise UserUnknown from None

    async def run(self) -> None:
        """Have the store erase what removed users did, as often as it takes, until cancelled."""
        is_known = False
        while True:
            try:
                if not is_known:
                    self._owed |= await asyncio.to_thread(self._unlisted, self._users.removed())
                    is_known = True
                for user_id in sorted(self._owed):
                    await self._tell(user_id)
            except StorageError as error:
                log.warning("erasure_waits", reason=str(error), retry_in_s=self._retry_s)
                await asyncio.sleep(self._retry_s)
                continue
            if not self._owed:
                self._wake.clear()
                await self._wake.wait()

    async def _tell(self, user_id: str) -> None:
        await self.erase_person(Person(BUILT_IN_APP, user_id))
        self._owed.discard(user_id)
