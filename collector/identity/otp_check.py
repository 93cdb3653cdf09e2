"""Judges what is sent for a second factor: a code of the authenticator app, or a recovery code in its place."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from collector.identity import totp
from collector.identity.errors import OtpRequired, OtpWrong
from collector.identity.otp_keys import OtpKeys
from collector.limits import Failures, RateExceeded, require_no_wait
from collector.sealing import SealBroken
from storage.errors import UserFileCorrupt
from storage.user import SecondFactor, User

FREE_FAILURES = 5
WAIT_S_MAX = 3600.0
"""Between two codes for one user, from whatever address: 24 a day, each right with a chance of 3 in a million.

Whoever knows the password, and tries day and night, has a chance of 2.6 % in a year.
"""

Refusal = OtpRequired | OtpWrong | RateExceeded
REFUSALS = (OtpRequired, OtpWrong, RateExceeded)
FACTOR = "second factor"
"""What rows of the audit log say of codes."""


class Verdict(NamedTuple):
    """A user as the check leaves it, which is to be stored also where `refusal` says why it may not go on."""

    user: User
    refusal: Refusal | None = None


class OtpCheck:
    """Checks codes by what is kept under `keys`; `clock` gives aware UTC times.

    It is for the inside of the update that grants what the code is for: of requests that send one code at once, one wins.
    """

    def __init__(self, keys: OtpKeys, clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._clock = clock

    def check(self, user: User, otp: str | None) -> Verdict:
        """Judge what was sent for the second factor of a user; where it has none that counts, anything will do."""
        factor = user.second_factor
        if factor is None or factor.confirmed_at is None:
            return Verdict(user)
        if not otp:
            return Verdict(user, OtpRequired())
        return self.check_code(user, factor, otp) if totp.is_code(otp) else self._check_recovery(user, factor, otp)

    def check_code(self, user: User, factor: SecondFactor, code: str) -> Verdict:
        """Judge a code of the app; `factor` is the user's, whether it counts already or not."""
        now = self._clock()
        try:
            require_no_wait(_failures(factor), now, free=FREE_FAILURES, wait_s_max=WAIT_S_MAX)
        except RateExceeded as refusal:
            return Verdict(user, refusal)
        step = totp.step_of(self._secret(user, factor), code, now)
        if step is None:
            failed = replace(factor, failures=factor.failures + 1, failed_at=now)
            return Verdict(replace(user, second_factor=failed), OtpWrong())
        if step <= factor.step:
            # No guess was made: whoever repeats a code knows it.
            return Verdict(user, OtpWrong())
        return Verdict(replace(user, second_factor=replace(factor, step=step, failures=0, failed_at=None)))

    def _check_recovery(self, user: User, factor: SecondFactor, code: str) -> Verdict:
        used = self._keys.mac(user.user_id, code)
        left = tuple(one for one in factor.recovery if one != used)
        if len(left) == len(factor.recovery):
            return Verdict(user, OtpWrong())
        return Verdict(replace(user, second_factor=replace(factor, recovery=left, failures=0, failed_at=None)))

    def _secret(self, user: User, factor: SecondFactor) -> bytes:
        try:
            return self._keys.unseal(user.user_id, factor.secret)
        except SealBroken as error:
            raise UserFileCorrupt(f"user {user.user_id}: {error}; was PASSWORD_PEPPER changed?") from None


def recovery_note(before: User, after: User) -> str:
    """Return what is worth a note of a sign-in: that a recovery code was used, and how many are left."""
    had, has = (len(user.second_factor.recovery) if user.second_factor else 0 for user in (before, after))
    return f"by recovery code, {has} left" if has < had else ""


def _failures(factor: SecondFactor) -> Failures:
    return Failures(factor.failures, factor.failed_at or factor.created_at)
