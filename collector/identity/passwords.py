"""Password hashes: bcrypt over a peppered digest, in a bounded pool of threads."""

import asyncio
import base64
import hashlib
import hmac
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

import bcrypt

from collector.identity.errors import HashQueueFull
from storage.errors import UserFileCorrupt

SCHEME = "bcrypt-hmac-sha384"
"""The name in front of every hash: bcrypt of base64 of HMAC-SHA-384 (OWASP Password Storage, "Pre-Hashing Passwords")."""

STORED = re.compile(re.escape(SCHEME) + r"(?P<hash>\$2[aby]\$(?P<cost>0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53})")

Result = TypeVar("Result")


class Passwords:
    """Hashes `threads` passwords at once while `queue_max` more wait; each takes 2^`cost` rounds.

    The digest in front of bcrypt has 64 characters of every password: no end of it is cut off, NUL ends nothing.
    """

    def __init__(self, pepper: bytes, *, cost: int, threads: int, queue_max: int) -> None:
        self._pepper = pepper
        self._cost = cost
        self._cost_met = cost
        self._threads_max = threads
        self._room = threading.BoundedSemaphore(threads + queue_max)

    async def __aenter__(self) -> Self:
        """Start the threads and make the hash that unknown names are checked against."""
        self._threads = ThreadPoolExecutor(self._threads_max, "password")
        self._nobody = await self.hash("")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Return what to store, a new salt each time; HashQueueFull when the queue is."""
        return await self._in_thread(lambda: self._hash(password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Return whether the password is the one of the stored hash; without a hash no password is right.

        A wrong answer takes the time of one hash whether there is a stored one or not: at the configured cost, and after
        that was lowered at the greatest that a stored hash was found to have since the start.

        Raises:
            HashQueueFull: the queue is full.
            UserFileCorrupt: the stored hash is not of a known scheme.
        """
        if stored is None:
            await self._in_thread(lambda: self._verify(password, self._nobody))
            return False
        return await self._in_thread(lambda: self._verify(password, stored))

    def outdated(self, stored: str) -> bool:
        """Return whether a password that is known to be right should be hashed anew: another cost or kind of hash."""
        return not stored.startswith(f"{SCHEME}$2b${self._cost:02}$")

    def _hash(self, password: str) -> str:
        return SCHEME + bcrypt.hashpw(self._digest(password), bcrypt.gensalt(self._cost)).decode("ascii")

    def _verify(self, password: str, stored: str) -> bool:
        match = STORED.fullmatch(stored)
        if match is None:
            raise UserFileCorrupt("the password hash of a user is not of a known scheme")
        digest, stored_cost = self._digest(password), int(match["cost"])
        self._cost_met = max(self._cost_met, stored_cost)
        if bcrypt.checkpw(digest, match["hash"].encode("ascii")):
            return True
        # 2^c + 2^c + 2^(c+1) + … + 2^(met-1) = 2^met: a cheaper hash does not tell who exists, nor does a dearer one.
        for cost in range(stored_cost, self._cost_met):
            bcrypt.hashpw(digest, bcrypt.gensalt(cost))
        return False

    def _digest(self, password: str) -> bytes:
        return base64.b64encode(hmac.digest(self._pepper, password.encode(), hashlib.sha384))

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        if not self._room.acquire(blocking=False):
            raise HashQueueFull("too many passwords wait for their hash")
        job = self._threads.submit(call)
        # The job's own callback, not the waiter's: a caller that left leaves its hash running.
        job.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(job)
