"""Accounts: sign-up and sign-in."""

import secrets
from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from collector.identity.caller import Caller, TokenInvalid
from collector.identity.errors import CredentialsWrong, NameTaken
from collector.identity.origin import Origin
from collector.identity.passwords import Passwords
from collector.identity.sessions import Grant, Sessions
from collector.identity.throttle import Throttle
from collector.wire.accounts import require_nickname, require_password
from storage.errors import UserExists
from storage.ports import UserStore
from storage.user import Role, User, email_key, nickname_key

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


class Accounts:
    """The rules of accounts over a UserStore; `clock` gives aware UTC times."""

    def __init__(
        self,
        users: UserStore,
        passwords: Passwords,
        sessions: Sessions,
        throttle: Throttle,
        clock: Callable[[], datetime],
        *,
        password_length_min: int,
        random_hex: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._sessions = sessions
        self._throttle = throttle
        self._clock = clock
        self._password_length_min = password_length_min
        self._random_hex = random_hex

    async def sign_up(self, person: Person, password: str, origin: Origin) -> Grant:
        """Make a user with its first session.

        Raises:
            BodyInvalid: the password is too short or too long.
            NameTaken: the nickname or e-mail is another user's, in any case or look-alike form.
            RateExceeded: too many from there.
            HashQueueFull: try again.
        """
        self._throttle.require_signup(origin)
        user = await self._new(person, password, "user")
        session = self._sessions.new(origin)
        user = replace(user, sessions=(session,))
        await self._add(user)
        return self._sessions.grant(user, session)

    async def add_admin(self, nickname: str, password: str) -> User:
        """Make an administrator without a session; raises as `sign_up`, and BodyInvalid for an unfit nickname too."""
        require_nickname(nickname)
        user = await self._new(Person(nickname=nickname), password, "admin")
        await self._add(user)
        return user

    async def sign_in(
        self, password: str, origin: Origin, *, nickname: str | None = None, email: str | None = None
    ) -> Grant:
        """Open a session of the user of that nickname or e-mail.

        Raises:
            CredentialsWrong: no such user or another password; which one, neither text nor time says.
            RateExceeded: too many from there, or too many wrong ones for this name.
            HashQueueFull: try again.
        """
        name = f"nickname {nickname_key(nickname)}" if nickname is not None else f"email {email_key(email or '')}"
        self._throttle.require_signin(name, origin)
        user = await self._named(nickname, email)
        if not await self._passwords.verify(password, user.password_hash if user else None) or user is None:
            self._throttle.fail(name, origin)
            raise CredentialsWrong
        self._throttle.succeed(name, origin)
        old_hash = new_hash = user.password_hash
        if self._passwords.outdated(old_hash):
            new_hash = await self._passwords.hash(password)
        session = self._sessions.new(origin)

        def signed_in(now: User) -> User:
            stored = new_hash if now.password_hash == old_hash else now.password_hash
            return replace(now, password_hash=stored, sessions=self._sessions.with_new(now.sessions, session))

        try:
            return self._sessions.grant(await self._users.update(user.user_id, signed_in), session)
        except KeyError:
            raise CredentialsWrong from None

    async def user_of(self, caller: Caller) -> User:
        """Return the user behind a caller; TokenInvalid when it has gone meanwhile."""
        user = await self._users.by_id(caller.user_id)
        if user is None:
            raise TokenInvalid("the session has ended")
        return user

    async def _new(self, person: Person, password: str, role: Role) -> User:
        require_password(password, length_min=self._password_length_min)
        return User(
            user_id=self._random_hex(ID_BYTES),
            role=role,
            created_at=self._clock(),
            password_hash=await self._passwords.hash(password),
            **msgspec.structs.asdict(person),
        )

    async def _add(self, user: User) -> None:
        try:
            await self._users.add(user)
        except UserExists as error:
            raise NameTaken(error.field) from None

    async def _named(self, nickname: str | None, email: str | None) -> User | None:
        if nickname is not None:
            return await self._users.by_nickname(nickname)
        assert email is not None
        return await self._users.by_email(email)
