"""A user's standing, as administrators change it: its role, and whether it may come in at all."""

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from collector.identity.audit import Audit, AuditEvent
from collector.identity.caller import Caller
from collector.identity.errors import LastAdmin, UserUnknown
from collector.identity.origin import Origin
from storage.account_ports import UserStore
from storage.user import Role, User


class Standings:
    """Changes what users may do, each change on record before it counts; `clock` gives aware UTC times."""

    def __init__(self, users: UserStore, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._users = users
        self._audit = audit
        self._clock = clock

    async def block(self, user_id: str, by: Caller, origin: Origin) -> None:
        """Shut a user out: its sessions end, and it cannot sign in; UserUnknown, LastAdmin."""

        def blocked(user: User) -> User:
            require_another(self._users, user)
            return user if user.blocked_at else replace(user, blocked_at=self._clock(), sessions=())

        await self._change(user_id, by, origin, "user_updated", "blocked", blocked)

    async def unblock(self, user_id: str, by: Caller, origin: Origin) -> None:
        """Let a user sign in again; UserUnknown."""
        await self._change(
            user_id, by, origin, "user_updated", "unblocked", lambda user: replace(user, blocked_at=None)
        )

    async def set_role(self, user_id: str, role: Role, by: Caller, origin: Origin) -> None:
        """Give a user another role, which counts from its next request on; UserUnknown, LastAdmin."""

        def changed(user: User) -> User:
            if role != "admin":
                require_another(self._users, user)
            return replace(user, role=role)

        await self._change(user_id, by, origin, "authz_change", f"role {role}", changed)

    async def end_sessions(self, user_id: str, by: Caller, origin: Origin) -> None:
        """End every session of a user; UserUnknown."""
        note = "ended by an administrator"
        await self._change(user_id, by, origin, "session_expired", note, lambda user: replace(user, sessions=()))

    async def end_second_factor(self, user_id: str, by: Caller, origin: Origin) -> None:
        """Take a user's second factor away, for one who has lost it with its recovery codes; UserUnknown."""
        note = "second factor off"
        await self._change(user_id, by, origin, "user_updated", note, lambda user: replace(user, second_factor=None))

    async def _change(  # noqa: PLR0917 - who, to whom, from where, and what of it goes on record
        self, user_id: str, by: Caller, origin: Origin, event: AuditEvent, note: str, change: Callable[[User], User]
    ) -> None:
        """Change the user where that changes something, on record first."""
        user = await self._users.by_id(user_id)
        if user is None:
            raise UserUnknown
        if change(user) == user:
            return
        try:
            async with self._audit.recording(event, origin, actor=by.user_id, subject=user_id, sid=by.sid, note=note):
                await self._users.update(user_id, change)
        except KeyError:
            raise UserUnknown from None


def require_another(users: UserStore, user: User) -> None:
    """Raise LastAdmin where the user is the only administrator that can come in."""
    if user.role == "admin" and user.blocked_at is None and users.administrators() <= 1:
        raise LastAdmin
