"""Applications as their owners make and change them: nothing is changed that is not on record first."""

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Literal, NamedTuple

from collector.applications.app_tokens import new_write_token
from collector.applications.codes import RandomBytes, new_code
from collector.applications.errors import AppUnknown, TooManyApps
from collector.identity.audit import Audit, AuditEvent
from collector.identity.caller import Caller, RoleInsufficient
from collector.identity.origin import Origin
from collector.identity.profile import RequireChange
from storage.account_ports import AppStore
from storage.app import App
from storage.errors import AppExists

Change = Callable[[App], App]


class Asker(NamedTuple):
    """Who asks for a change, and from where."""

    caller: Caller
    origin: Origin


class Applications:
    """Makes, changes and deletes applications; `clock` gives aware UTC times.

    `creators` are the least role that may make one, and each user at most `apps_per_user_max`.
    """

    def __init__(
        self,
        apps: AppStore,
        audit: Audit,
        require_change: RequireChange,
        *,
        clock: Callable[[], datetime],
        random_bytes: RandomBytes,
        creators: Literal["user", "admin"],
        apps_per_user_max: int,
    ) -> None:
        self._apps = apps
        self._audit = audit
        self._require_change = require_change
        self._clock = clock
        self._random_bytes = random_bytes
        self._creators = creators
        self._apps_per_user_max = apps_per_user_max
        self._creating: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def create(self, app_name: str, asker: Asker) -> App:
        """Return a new application of the asker's.

        Raises:
            RoleInsufficient: only administrators make applications here.
            AppExists: the asker has one of that name.
            TooManyApps: the asker has as many as a user may have.
            RateExceeded: the asker has changed too much in the last minute.
            AuditFailed, LogFull, LogFailed, DirectoryUnusable: there is none; try again.
        """
        caller = asker.caller
        if self._creators == "admin" and caller.role != "admin":
            raise RoleInsufficient("only administrators make applications here")
        # One after another, so that of many at once none is one too many.
        async with self._creating.setdefault(caller.user_id, asyncio.Lock()):
            self._require_room(app_name, caller.user_id)
            app = self._new(app_name, caller.user_id)
            async with self._recording("app_created", app, asker):
                await self._apps.add(app)
            return app

    async def change(self, app: App, change: Change, event: AuditEvent, asker: Asker, note: str) -> App:
        """Return the application as `change` makes it; where that changes nothing, nothing goes on record.

        Raises:
            AppUnknown: it has been deleted meanwhile.
            AppExists: its owner has another one of the new name.
            RateExceeded: the asker has changed too much in the last minute.
            AuditFailed, LogFull, LogFailed, DirectoryUnusable: try again. And what `change` raises.
        """
        if change(app) == app:
            return app
        async with self._recording(event, app, asker, note):
            return await self._apps.update(app.app_code, change)

    async def delete(self, app: App, asker: Asker) -> None:
        """Delete the application with its tokens and definitions; AppUnknown and others as `change`."""
        async with self._recording("app_deleted", app, asker):
            await self._apps.remove(app.app_code)

    def _new(self, app_name: str, owner_id: str) -> App:
        now = self._clock()
        return App(
            app_code=new_code(app_name, "app", self._random_bytes),
            app_name=app_name,
            owner_id=owner_id,
            created_at=now,
            write_tokens=(new_write_token(self._random_bytes, now),),
        )

    def _require_room(self, app_name: str, user_id: str) -> None:
        own = self._apps.of_owner(user_id)
        if any(app.app_name == app_name for app in own):
            raise AppExists(f"you have an application of the name {app_name!r} already")
        if len(own) >= self._apps_per_user_max:
            raise TooManyApps(f"a user may have {self._apps_per_user_max} applications; delete one first")

    @contextlib.asynccontextmanager
    async def _recording(self, event: AuditEvent, app: App, asker: Asker, note: str = "") -> AsyncIterator[None]:
        caller, origin = asker
        await self._require_change(caller, "change of an application", origin)
        try:
            async with self._audit.recording(
                event,
                origin,
                actor=caller.user_id,
                subject=app.owner_id or caller.user_id,
                sid=caller.sid or None,
                note=f"{app.app_code} {note}".strip(),
            ):
                yield
        except KeyError:
            raise AppUnknown from None
