"""Accounts: sign-up and sign-in."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

import msgspec
from msgspec.structs import replace

from collector.identity.audit import Audit, AuditEvent
from collector.identity.errors import CredentialsWrong, NameTaken, OtpInvalid, OtpRequired
from collector.identity.origin import HERE, Origin
from collector.identity.otp_check import FACTOR, REFUSALS, OtpCheck, Refusal, recovery_note
from collector.identity.password_rules import PasswordRules
from collector.identity.passwords import Passwords
from collector.identity.sessions import Grant, Sessions
from collector.identity.throttle import Throttle, tried_name
from collector.limits import RateExceeded
from collector.wire.accounts import require_nickname
from storage.account_ports import UserStore
from storage.errors import StorageError, UserExists
from storage.user import Role, Session, User

ID_BYTES = 16
"""Randomness in a user_id: 32 hexadecimal digits."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs up: a nickname or an e-mail, and what else is known."""

    nickname: str | None = None
    email: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    age: int | None = None
    phone: str | None = None


class _PasswordChanged(Exception):
    """The password is not the one that was checked any more."""


class Accounts:
    """The rules of accounts over a UserStore, each outcome on record; `clock` gives aware UTC times."""

    def __init__(
        self,
        users: UserStore,
        passwords: Passwords,
        sessions: Sessions,
        throttle: Throttle,
        clock: Callable[[], datetime],
        *,
        audit: Audit,
        password_rules: PasswordRules,
        otp_check: OtpCheck,
        random_hex: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._sessions = sessions
        self._throttle = throttle
        self._audit = audit
        self._clock = clock
        self._password_rules = password_rules
        self._otp_check = otp_check
        self._random_hex = random_hex

    async def sign_up(self, person: Person, password: str, origin: Origin) -> Grant:
        """Make a user with its first session.

        Raises:
            BodyInvalid: the password is not fit.
            NameTaken: the nickname or e-mail is another user's, in any case or look-alike form.
            RateExceeded: too many from there.
            HashQueueFull, AuditFailed, LogFull: try again.
        """
        await self._audit.require(lambda: self._throttle.require_signup(origin), "sign-up", origin)
        user = await self._new(person, password, "user")
        session = self._sessions.new(origin)
        user = replace(user, sessions=(session,))
        await self._add(user, origin, actor=user.user_id, sid=session.sid)
        return self._sessions.grant(user, session)

    async def add_admin(self, nickname: str, password: str) -> User:
        """Make an administrator without a session; raises as `sign_up`, and BodyInvalid for an unfit nickname too."""
        require_nickname(nickname)
        user = await self._new(Person(nickname=nickname), password, "admin")
        await self._add(user, HERE, note="admin, at the command line")
        return user

    async def sign_in(
        self,
        password: str,
        origin: Origin,
        *,
        nickname: str | None = None,
        email: str | None = None,
        otp: str | None = None,
    ) -> Grant:
        """Open a session of the user of that nickname or e-mail.

        Raises:
            CredentialsWrong: no such user or another password; which one, neither text nor time says.
            OtpRequired, OtpInvalid: the password is right, its user has a second factor.
            RateExceeded: too many from there, or too many wrong ones for this name.
            HashQueueFull, AuditFailed, LogFull: try again.
        """
        name = tried_name(nickname, email)
        await self._audit.require(lambda: self._throttle.require_signin(name, origin), "sign-in", origin)
        user = await self._named(nickname, email)
        is_right = await self._passwords.verify(password, user.password_hash if user else None)
        await self._audit.require(lambda: self._throttle.require_no_wait(name, origin), "sign-in", origin)
        if not is_right or user is None or user.blocked_at is not None:
            await self._refuse(name, user, origin)
        session = self._sessions.new(origin)
        try:
            opened, displaced = await self._open(user, password, otp, session)
        except _PasswordChanged:
            return await self.sign_in(password, origin, nickname=nickname, email=email, otp=otp)
        except CredentialsWrong:
            await self._refuse(name, user, origin)
        except REFUSALS as refusal:
            await self._refuse_otp(name, user, refusal, origin)
        failures = self._throttle.succeed(name, origin)
        notes = (f"{failures} wrong before" if failures else "", recovery_note(user, opened))
        await self._record_signin(opened, session, displaced, notes, origin)
        return self._sessions.grant(opened, session)

    async def _refuse(self, name: str, user: User | None, origin: Origin) -> NoReturn:
        self._throttle.fail(name, origin)
        if user is None:
            await self._audit.record("authn_login_fail", "failure", origin, name=name)
        else:
            note = "" if user.blocked_at is None else "blocked"
            await self._audit.record("authn_login_fail", "failure", origin, subject=user.user_id, note=note)
        raise CredentialsWrong

    async def _refuse_otp(self, name: str, user: User, refusal: Refusal, origin: Origin) -> NoReturn:
        if isinstance(refusal, RateExceeded):
            await self._audit.record_flood("excess_rate_limit_exceeded", origin, actor=user.user_id, note=FACTOR)
            raise refusal
        is_missing = isinstance(refusal, OtpRequired)
        if not is_missing:
            self._throttle.fail(name, origin)
        note = f"{FACTOR} missing" if is_missing else FACTOR
        await self._audit.record("authn_login_fail", "failure", origin, subject=user.user_id, note=note)
        raise refusal if is_missing else OtpInvalid

    async def _open(self, user: User, password: str, otp: str | None, session: Session) -> tuple[User, list[Session]]:
        """Add the session to the user's, and return those too that had to make room.

        Raises:
            CredentialsWrong, _PasswordChanged: while the hash was made, the user was blocked or erased, or its password changed.
            OtpRequired, OtpWrong, RateExceeded: the second factor is missing or wrong, or has to wait.
        """
        old_hash = new_hash = user.password_hash
        displaced: list[Session] = []
        refusal: Refusal | None = None
        if self._passwords.outdated(old_hash):
            new_hash = await self._passwords.hash(password)

        def signed_in(now: User) -> User:
            nonlocal refusal
            if now.blocked_at is not None:
                raise CredentialsWrong
            if now.password_hash != old_hash:
                raise _PasswordChanged
            now, refusal = self._otp_check.check(now, otp)
            if refusal is not None:
                return now
            sessions = self._sessions.with_new(now.sessions, session)
            displaced.extend(one for one in now.sessions if one.expires_at > session.created_at and one not in sessions)
            return replace(now, password_hash=new_hash, sessions=sessions)

        try:
            opened = await self._users.update(user.user_id, signed_in)
        except KeyError:
            raise CredentialsWrong from None
        if refusal is not None:
            raise refusal
        return opened, displaced

    async def _record_signin(
        self, user: User, session: Session, displaced: list[Session], notes: tuple[str, str], origin: Origin
    ) -> None:
        event: AuditEvent = "authn_login_successafterfail" if notes[0] else "authn_login_success"
        note = ", ".join(filter(None, notes))
        try:
            await self._audit.record(event, "success", origin, actor=user.user_id, sid=session.sid, note=note)
            for one in displaced:
                await self._audit.record("excess_sessions_exceeded", "success", origin, actor=user.user_id, sid=one.sid)
        except StorageError:
            # Nobody gets this session's token: it must not stay among those in use.
            await self._sessions.remove(user.user_id, session.sid)
            raise

    async def _new(self, person: Person, password: str, role: Role) -> User:
        self._password_rules.require_fit(password, person)
        return User(
            user_id=self._random_hex(ID_BYTES),
            role=role,
            created_at=self._clock(),
            password_hash=await self._passwords.hash(password),
            **msgspec.structs.asdict(person),
        )

    async def _add(
        self, user: User, origin: Origin, *, actor: str | None = None, sid: str | None = None, note: str = ""
    ) -> None:
        try:
            await self._users.add(user)
        except UserExists as error:
            raise NameTaken(error.field) from None
        try:
            await self._audit.record(
                "user_created", "success", origin, actor=actor, subject=user.user_id, sid=sid, note=note
            )
        except StorageError:
            # Nobody hears of this account: its names must be free for the next try.
            await self._users.remove(user.user_id, self._clock())
            raise

    async def _named(self, nickname: str | None, email: str | None) -> User | None:
        if nickname is not None:
            return await self._users.by_nickname(nickname)
        assert email is not None
        return await self._users.by_email(email)
