"""Fresh proof that whoever sends a token is the user itself (ASVS 7.5.1)."""

from collections.abc import Callable
from datetime import datetime, timedelta

from collector.identity.audit import Audit, AuditEvent
from collector.identity.caller import Caller
from collector.identity.errors import PasswordWrong, ReauthenticationRequired
from collector.identity.origin import Origin
from collector.identity.passwords import Passwords
from collector.identity.throttle import Throttle, tried_name
from storage.user import User

REAUTHENTICATION_S = 300
"""How long after its sign-in a session needs no password for what could take the account over."""


class Reauthentication:
    """Asks for the password again; a wrong one counts as one at sign-in does. `clock` gives aware UTC times."""

    def __init__(
        self, passwords: Passwords, throttle: Throttle, clock: Callable[[], datetime], *, audit: Audit
    ) -> None:
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock
        self._audit = audit

    async def require(self, user: User, caller: Caller, password: str | None, origin: Origin) -> None:
        """Return where the password is the user's, or without one where the caller's session is fresh.

        Raises:
            ReauthenticationRequired: there is no password, and the session is older than REAUTHENTICATION_S.
            PasswordWrong, RateExceeded, HashQueueFull, AuditFailed, LogFull: as `require_password`.
        """
        if password is not None:
            await self.require_password(user, caller, password, origin)
        elif not self._is_fresh(user, caller.sid):
            raise ReauthenticationRequired

    async def require_password(
        self, user: User, caller: Caller, password: str, origin: Origin, *, failure: AuditEvent = "authn_login_fail"
    ) -> None:
        """Return where the password is the user's; `failure` is what a wrong one is on record as.

        Raises:
            PasswordWrong: it is another one.
            RateExceeded: too many wrong ones from there.
            HashQueueFull, AuditFailed, LogFull: try again.
        """
        name = tried_name(user.nickname, user.email)
        await self._audit.require(lambda: self._throttle.require_signin(name, origin), "password", origin)
        is_right = await self._passwords.verify(password, user.password_hash)
        await self._audit.require(lambda: self._throttle.require_no_wait(name, origin), "password", origin)
        if not is_right:
            self._throttle.fail(name, origin)
            await self._audit.record(
                failure, "failure", origin, actor=user.user_id, sid=caller.sid, note="of a signed-in user"
            )
            raise PasswordWrong
        self._throttle.succeed(name, origin)

    def _is_fresh(self, user: User, sid: str) -> bool:
        limit = timedelta(seconds=REAUTHENTICATION_S)
        return any(one.sid == sid and self._clock() - one.created_at <= limit for one in user.sessions)
