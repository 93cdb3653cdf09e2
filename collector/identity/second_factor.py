"""The second factor of a user: set-up, confirmation, end."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, NoReturn

from msgspec.structs import replace

from collector.identity import recovery_codes, totp
from collector.identity.audit import Audit
from collector.identity.caller import ENDED, Caller, TokenInvalid
from collector.identity.errors import OtpOff, OtpOn, OtpRequired, ReauthenticationRequired
from collector.identity.origin import Origin
from collector.identity.otp_check import FACTOR, OtpCheck, Refusal, Verdict
from collector.identity.otp_keys import OtpKeys
from collector.identity.reauthentication import Reauthentication
from collector.limits import RateExceeded
from storage.account_ports import UserStore
from storage.errors import StorageError
from storage.user import SecondFactor, User

SETUP_S = 600
"""How long a set-up waits for its first code."""


class Setup(NamedTuple):
    """What an authenticator app is given: its secret, also as an otpauth:// address."""

    secret: str
    uri: str


class SecondFactors:
    """The second factors of the users in a UserStore, their changes on record; `clock` gives aware UTC times.

    `site_name` is what an authenticator app shows with its codes.
    """

    def __init__(
        self,
        users: UserStore,
        reauthentication: Reauthentication,
        keys: OtpKeys,
        audit: Audit,
        clock: Callable[[], datetime],
        *,
        site_name: str,
    ) -> None:
        self._users = users
        self._reauthentication = reauthentication
        self._keys = keys
        self._check = OtpCheck(keys, clock)
        self._audit = audit
        self._clock = clock
        self._site_name = site_name

    async def begin(self, caller: Caller, password: str | None, origin: Origin) -> Setup:
        """Give the caller the secret of a new authenticator; it counts once `confirm` has seen a code of it.

        Raises:
            OtpOn: there is one that counts.
            ReauthenticationRequired, PasswordWrong, RateExceeded, HashQueueFull, AuditFailed, LogFull: of the password.
        """
        user = await self._reauthenticated(caller, password, origin)
        secret = totp.new_secret()
        factor = SecondFactor(secret=self._keys.seal(user.user_id, secret), created_at=self._clock())

        def begun(now: User) -> Verdict:
            if now.second_factor is not None and now.second_factor.confirmed_at is not None:
                raise OtpOn
            return Verdict(replace(now, second_factor=factor))

        await self._change(caller, origin, begun)
        account = user.nickname or user.email or user.user_id
        return Setup(totp.shown(secret), totp.uri(secret, account=account, site_name=self._site_name))

    async def confirm(self, caller: Caller, otp: str, origin: Origin) -> list[str]:
        """Let the caller's new authenticator count, and return its recovery codes: nobody can tell them again.

        Raises:
            OtpOn: there is one that counts.
            OtpOff: there is none, or it was begun over SETUP_S ago.
            OtpWrong, RateExceeded: it is no code of the moment; too many were not.
            AuditFailed, LogFull: try again.
        """
        codes = recovery_codes.new_codes()
        macs = tuple(self._keys.mac(caller.user_id, code) for code in codes)

        def confirmed(now: User) -> Verdict:
            verdict = self._check.check_code(now, self._pending(now), otp)
            factor = verdict.user.second_factor
            if verdict.refusal is not None or factor is None:
                return verdict
            return Verdict(replace(now, second_factor=replace(factor, confirmed_at=self._clock(), recovery=macs)))

        await self._change(caller, origin, confirmed, note="second factor on")
        return codes

    async def end(self, caller: Caller, password: str | None, otp: str | None, origin: Origin) -> None:
        """Take the caller's second factor away, one that does not count yet without a code.

        Raises:
            OtpOff: there is none.
            OtpWrong, RateExceeded: the code is wrong or was used; too many were.
            ReauthenticationRequired, PasswordWrong, HashQueueFull, AuditFailed, LogFull: of the password, and of a code
                that is missing.
        """
        await self._reauthenticated(caller, password, origin)

        def ended(now: User) -> Verdict:
            if now.second_factor is None:
                raise OtpOff
            verdict = self._check.check(now, otp)
            return verdict if verdict.refusal else Verdict(replace(now, second_factor=None))

        await self._change(caller, origin, ended, note="second factor off")

    def _pending(self, user: User) -> SecondFactor:
        factor = user.second_factor
        if factor is not None and factor.confirmed_at is not None:
            raise OtpOn
        if factor is None or self._clock() - factor.created_at > timedelta(seconds=SETUP_S):
            raise OtpOff
        return factor

    async def _reauthenticated(self, caller: Caller, password: str | None, origin: Origin) -> User:
        user = await self._users.by_id(caller.user_id)
        if user is None:
            raise TokenInvalid(ENDED)
        if password is None:
            raise ReauthenticationRequired("your password")
        await self._reauthentication.require_password(user, caller, password, origin)
        return user

    async def _change(
        self, caller: Caller, origin: Origin, change: Callable[[User], Verdict], *, note: str = ""
    ) -> None:
        """Store what `change` makes of the user; where that is no refusal, `note` goes on record or it is taken back."""
        before: SecondFactor | None = None
        refusal: Refusal | None = None

        def changed(now: User) -> User:
            nonlocal before, refusal
            if all(session.sid != caller.sid for session in now.sessions):
                raise TokenInvalid(ENDED)
            before = now.second_factor
            user, refusal = change(now)
            return user

        try:
            user = await self._users.update(caller.user_id, changed)
        except KeyError:
            raise TokenInvalid(ENDED) from None
        if refusal is not None:
            await self._refuse(caller, origin, refusal)
        if note:
            await self._record(caller, origin, note, before, user.second_factor)

    async def _record(
        self, caller: Caller, origin: Origin, note: str, before: SecondFactor | None, after: SecondFactor | None
    ) -> None:
        def undone(now: User) -> User:
            return replace(now, second_factor=before) if now.second_factor == after else now

        try:
            await self._audit.record("user_updated", "success", origin, actor=caller.user_id, sid=caller.sid, note=note)
        except StorageError:
            await self._users.update(caller.user_id, undone)
            raise

    async def _refuse(self, caller: Caller, origin: Origin, refusal: Refusal) -> NoReturn:
        who, sid = caller.user_id, caller.sid
        if isinstance(refusal, OtpRequired):
            raise ReauthenticationRequired("a code of your authenticator app, or a recovery code, as otp")
        if isinstance(refusal, RateExceeded):
            await self._audit.record_flood("excess_rate_limit_exceeded", origin, actor=who, sid=sid, note=FACTOR)
        else:
            await self._audit.record("authn_login_fail", "failure", origin, actor=who, sid=sid, note=FACTOR)
        raise refusal
