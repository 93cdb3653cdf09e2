"""How often somebody may try to sign in or up, by name and by where the tries come from, and what users may write."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec
import structlog

from collector.identity.origin import Origin
from collector.limits import Failures, Gcra, Rate, Waits
from storage.user import email_key, nickname_key

WAIT_S_MAX = 60.0
FORGET_S = 3600.0
"""How long failures in a row are remembered after the last one."""
KEYS_MAX = 100_000
"""Names, and peers, that are known at a time."""
KEEP_S = 1.0
"""Between two writes of what outlives a restart."""

log = structlog.get_logger()

_decoder = msgspec.json.Decoder(dict[str, Failures])


class Kept(Protocol):
    """Where the failures outlive a restart."""

    def read(self) -> bytes | None:
        """Return what was written last, None where nothing was; OSError where it cannot be read."""

    def write(self, content: Callable[[], bytes]) -> None:
        """Return once what `content` gives survives a power cut, the newest of all that is written; OSError where it cannot be."""


class Rates(NamedTuple):
    """Requests a minute from one peer, and changes of one user.

    So many wrong passwords for one name from one peer as `free_failures` says have no wait behind them.
    """

    signins: int
    signups: int
    free_failures: int
    changes: int


def tried_name(nickname: str | None, email: str | None) -> str:
    """Return what tries of a user's password are counted under: its nickname, or else its e-mail, however spelled."""
    return f"nickname {nickname_key(nickname)}" if nickname is not None else f"email {email_key(email or '')}"


class Throttle:
    """Limits of sign-in, sign-up and what the signed-in have written; `clock` gives aware times, `monotonic` seconds.

    A name waits by the peer that tries it: whoever fails with somebody else's name delays nobody but himself. Names are
    known by MACs under `key` alone, as people type passwords there now and then.
    """

    def __init__(
        self, rates: Rates, key: bytes, kept: Kept, clock: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._key = key
        self._kept = kept
        self._signins = Gcra(Rate(rates.signins, 60.0), monotonic, keys_max=KEYS_MAX)
        self._signups = Gcra(Rate(rates.signups, 60.0), monotonic, keys_max=KEYS_MAX)
        self._changes = Gcra(Rate(rates.changes, 60.0), monotonic, keys_max=KEYS_MAX)
        self._waits = Waits(
            clock,
            free=rates.free_failures,
            wait_s_max=WAIT_S_MAX,
            forget_s=FORGET_S,
            keys_max=KEYS_MAX,
            failures=self._read(),
        )
        self._is_kept = True

    def require_signup(self, origin: Origin) -> None:
        """Count a sign-up; RateExceeded where its peer makes too many."""
        self._signups.take(origin.limited_as)

    def require_signin(self, name: str, origin: Origin) -> None:
        """Count a sign-in; RateExceeded where its peer makes too many, or has to wait with this name."""
        self._signins.take(origin.limited_as)
        self.require_no_wait(name, origin)

    def require_no_wait(self, name: str, origin: Origin) -> None:
        """Count nothing; RateExceeded where the peer has to wait with this name.

        It is asked again behind the hash: of tries that were let in together, those that others have overtaken learn no
        more than they would have in turn.
        """
        self._waits.require_none(self._known_as(name, origin))

    def require_change(self, user_id: str) -> None:
        """Count what a user has put on record without a password; RateExceeded where that would fill the disk in time."""
        self._changes.take(user_id)

    def fail(self, name: str, origin: Origin) -> None:
        """Count a wrong password for a name, whether somebody has it or not."""
        self._waits.fail(self._known_as(name, origin))
        self._is_kept = False

    def succeed(self, name: str, origin: Origin) -> int:
        """Forget the failures with the name from there, and return how many there were."""
        count = self._waits.succeed(self._known_as(name, origin))
        self._is_kept = self._is_kept and not count
        return count

    async def run(self) -> None:
        """Write what outlives a restart, now and then and at the end."""
        try:
            while True:
                await asyncio.sleep(KEEP_S)
                await self._keep()
        finally:
            await self._keep()

    async def _keep(self) -> None:
        if self._is_kept:
            return
        self._is_kept = True
        try:
            await asyncio.to_thread(self._kept.write, lambda: msgspec.json.encode(self._waits.failures.copy()))
        except OSError as error:
            self._is_kept = False
            log.warning("throttle_not_kept", reason=str(error))

    def _read(self) -> dict[str, Failures]:
        try:
            content = self._kept.read()
            return {} if content is None else _decoder.decode(content)
        except (OSError, msgspec.DecodeError) as error:
            log.warning("throttle_forgotten", reason=str(error))
            return {}

    def _known_as(self, name: str, origin: Origin) -> str:
        return hmac.new(self._key, f"{origin.limited_as} {name}".encode(), hashlib.sha256).hexdigest()[:32]
