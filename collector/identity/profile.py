"""One's own profile: what is shown of a user to itself, and its changes."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from collector.identity.audit import Audit, AuditEvent
from collector.identity.caller import ENDED, AccessError, Caller, TokenInvalid
from collector.identity.errors import NameTaken, ReauthenticationRequired
from collector.identity.origin import Origin
from collector.identity.password_rules import PasswordRules
from collector.identity.passwords import Passwords
from collector.identity.reauthentication import Reauthentication
from collector.identity.throttle import Throttle
from collector.preconditions import Match, PreconditionFailed, tag_of
from collector.wire.accounts import Profile
from collector.wire.problem import BodyInvalid, FieldError, RequestError
from storage.account_ports import UserStore
from storage.audit import Outcome
from storage.errors import StorageError, UserExists
from storage.user import User

RequireChange = Callable[[Caller, str, Origin], Awaitable[None]]
"""Count what a user has put on record; RateExceeded where that would fill the disk in time."""

SIGNIN_NAMES = ("nickname", "email")
SENSITIVE = frozenset({*SIGNIN_NAMES, "phone"})
"""Members by which an account is signed in to or got back: who changes them could take it over."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a user wants changed: `members` of its profile by name, None to take one away, and a new password."""

    members: Mapping[str, str | int | None]
    password: str | None = None
    current_password: str | None = None

    def against(self, user: User) -> "Change":
        """Return what of it is not so already."""
        return replace(self, members={name: one for name, one in self.members.items() if one != getattr(user, name)})


class Profiles:
    """The profiles of the users in a UserStore; `clock` gives aware UTC times."""

    def __init__(
        self,
        users: UserStore,
        passwords: Passwords,
        reauthentication: Reauthentication,
        throttle: Throttle,
        clock: Callable[[], datetime],
        *,
        audit: Audit,
        password_rules: PasswordRules,
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._reauthentication = reauthentication
        self._throttle = throttle
        self._clock = clock
        self._audit = audit
        self._password_rules = password_rules

    async def of(self, caller: Caller) -> User:
        """Return the caller's user; TokenInvalid when it has gone meanwhile."""
        user = await self._users.by_id(caller.user_id)
        if user is None:
            raise TokenInvalid(ENDED)
        return user

    async def require_password(self, caller: Caller, password: str, origin: Origin) -> None:
        """Return where the password is the caller's; raises as `Reauthentication.require_password`, and TokenInvalid."""
        await self._reauthentication.require_password(await self.of(caller), caller, password, origin)

    async def require_change(self, caller: Caller, what: str, origin: Origin) -> None:
        """Count one of the caller's changes; RateExceeded, with `what` on record, where there are too many."""
        await self._audit.require(lambda: self._throttle.require_change(caller.user_id), what, origin)

    async def change(self, caller: Caller, change: Change, match: Match, origin: Origin) -> User:
        """Return the caller's user, changed; a new password ends all its sessions but the caller's.

        Raises:
            PreconditionFailed: the profile is no longer what the caller read, or changed while the password was checked.
            ReauthenticationRequired, PasswordWrong: as `Reauthentication.require`.
            BodyInvalid: the new password is unfit, or the user would have no name to sign in with.
            NameTaken: the nickname or e-mail is another user's.
            RateExceeded: too many changes, too many wrong passwords, or too many names tried.
            TokenInvalid: the session has ended meanwhile.
            HashQueueFull, AuditFailed, LogFull: nothing was changed; try again.
        """
        user = await self.of(caller)
        match.require(tag_of_user(user))
        change = change.against(user)
        if not change.members and change.password is None:
            return user
        _require_signin_name(user, change)
        await self.require_change(caller, "change of profile", origin)
        await self._reauthenticate(user, caller, change, origin)
        await self._require_free(user, change, origin)
        new_hash = None if change.password is None else await self._new_hash(change.password, user, change)
        # First on record, then done: what is not on record must not be.
        await self._record(change, caller, origin, "success")
        try:
            return await self._update(user, caller.sid, change.members, new_hash)
        except (StorageError, RequestError, AccessError):
            await self._record(change, caller, origin, "failure")
            raise

    async def _reauthenticate(self, user: User, caller: Caller, change: Change, origin: Origin) -> None:
        if change.password is not None:
            if change.current_password is None:
                raise ReauthenticationRequired
            await self._reauthentication.require_password(
                user, caller, change.current_password, origin, failure="authn_password_change_fail"
            )
        elif SENSITIVE & change.members.keys():
            await self._reauthentication.require(user, caller, change.current_password, origin)

    async def _require_free(self, user: User, change: Change, origin: Origin) -> None:
        """Raise NameTaken as the update will; it tells who has an account, and so is limited as sign-up is."""
        found = {"nickname": self._users.by_nickname, "email": self._users.by_email}
        for name in SIGNIN_NAMES:
            wanted = change.members.get(name)
            if wanted is not None:
                await self._audit.require(lambda: self._throttle.require_signup(origin), "change of name", origin)
                owner = await found[name](str(wanted))
                if owner is not None and owner.user_id != user.user_id:
                    raise NameTaken(name)

    async def _record(self, change: Change, caller: Caller, origin: Origin, outcome: Outcome) -> None:
        if change.password is not None:
            event: AuditEvent = "authn_password_change" if outcome == "success" else "authn_password_change_fail"
            await self._audit.record(event, outcome, origin, actor=caller.user_id, sid=caller.sid)
        if change.members:
            note = " ".join(sorted(change.members))
            await self._audit.record("user_updated", outcome, origin, actor=caller.user_id, sid=caller.sid, note=note)

    async def _new_hash(self, password: str, user: User, change: Change) -> str:
        self._password_rules.require_fit(password, replace(user, **change.members))
        return await self._passwords.hash(password)

    async def _update(
        self, seen: User, sid: str, members: Mapping[str, str | int | None], new_hash: str | None
    ) -> User:
        def changed(now: User) -> User:
            if all(session.sid != sid for session in now.sessions):
                raise TokenInvalid(ENDED)
            # Two changes on one ETag: the second one finds another profile, or another password than it knew.
            if tag_of_user(now) != tag_of_user(seen) or now.password_hash != seen.password_hash:
                raise PreconditionFailed
            new = replace(now, **members)
            return new if new_hash is None else self._with_password(new, new_hash, sid)

        try:
            return await self._users.update(seen.user_id, changed)
        except KeyError:
            raise TokenInvalid(ENDED) from None
        except UserExists as error:
            raise NameTaken(error.field) from None

    def _with_password(self, user: User, password_hash: str, sid: str) -> User:
        own = tuple(session for session in user.sessions if session.sid == sid)
        return replace(user, password_hash=password_hash, password_changed_at=self._clock(), sessions=own)


def profile_of(user: User) -> Profile:
    """Return what a user is shown of itself."""
    return msgspec.convert(user, Profile, from_attributes=True)


def tag_of_user(user: User) -> str:
    """Return the value of the ETag of a user's profile: of what is shown, so that no session changes it."""
    return tag_of(msgspec.json.encode(profile_of(user)))


def _require_signin_name(user: User, change: Change) -> None:
    taken_away = [name for name in SIGNIN_NAMES if change.members.get(name, "") is None]
    if taken_away and not any(change.members.get(name, getattr(user, name)) for name in SIGNIN_NAMES):
        message = "a user keeps a nickname or an e-mail"
        raise BodyInvalid([FieldError(f"$.{name}", "signin_name_needed", message) for name in taken_away])
