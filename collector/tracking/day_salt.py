"""The salt of visitors without cookies: a new one every day (UTC), and of the one before nothing is left."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import date, datetime

import msgspec
import structlog

from collector.identity.throttle import Kept

SALT_BYTES = 32
SALT_NAME = "day_salt.json"
"""Below the data directory; no backup has it."""

LOOK_S = 60.0
"""The longest that the salt of yesterday stays on disk where nobody comes."""

log = structlog.get_logger()


class _Salt(msgspec.Struct, frozen=True):
    day: date
    salt: bytes


class DaySalt:
    """Gives the salt; `kept` brings it over a restart. `clock` gives aware UTC times, `random` secret bytes."""

    def __init__(self, kept: Kept, clock: Callable[[], datetime], random: Callable[[int], bytes]) -> None:
        self._kept = kept
        self._clock = clock
        self._random = random
        self._is_kept = True
        self._wake = asyncio.Event()
        self._current = self._read() or self._new()

    def today(self) -> bytes:
        """Return the salt of this day: the same until midnight, and then never again."""
        if self._current.day != self._clock().date():
            self._current = self._new()
        return self._current.salt

    async def run(self) -> None:
        """Have on disk what is in memory, and nothing else, until cancelled."""
        while True:
            self.today()
            await self._keep()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_S)

    def _new(self) -> _Salt:
        self._is_kept = False
        self._wake.set()
        return _Salt(self._clock().date(), self._random(SALT_BYTES))

    async def _keep(self) -> None:
        self._wake.clear()
        if self._is_kept:
            return
        self._is_kept = True
        try:
            await asyncio.to_thread(self._kept.write, lambda: msgspec.json.encode(self._current))
        except OSError as error:
            self._is_kept = False
            log.warning("salt_not_kept", reason=str(error))

    def _read(self) -> _Salt | None:
        try:
            content = self._kept.read()
            return None if content is None else msgspec.json.decode(content, type=_Salt)
        except (OSError, msgspec.DecodeError) as error:
            log.warning("salt_forgotten", reason=str(error))
            return None
