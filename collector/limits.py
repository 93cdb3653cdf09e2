"""Limits on how often something may be asked: evenly over time, and after failures with growing waits."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import msgspec

from collector.wire.problem import RequestError

DOUBLINGS_MAX = 30
"""2^30 seconds are longer than any wait; a float ends at 2^1024."""


class RateExceeded(RequestError):
    """Too many requests (429); `wait_s` is when the next one may be worth it."""

    code = "rate_limited"

    def __init__(self, wait_s: float) -> None:
        super().__init__("too many attempts; wait before the next one")
        self.retry_after_s = max(1, math.ceil(wait_s))


class Rate(NamedTuple):
    """So many requests at once, and as many again over `period_s`."""

    requests: int
    period_s: float


class Gcra:
    """The generic cell rate algorithm (ITU-T I.371) by key, with one number a key; `monotonic` gives seconds.

    At most `keys_max` keys are known: a further one forgets those that are free again, or else the oldest.
    """

    def __init__(self, rate: Rate, monotonic: Callable[[], float], *, keys_max: int) -> None:
        self._step_s = rate.period_s / rate.requests
        self._burst_s = rate.period_s - self._step_s
        self._monotonic = monotonic
        self._keys_max = keys_max
        self._due: dict[str, float] = {}

    def take(self, key: str) -> None:
        """Count a request; RateExceeded, and nothing is counted, where it comes too early."""
        now_s = self._monotonic()
        due_s = max(self._due.get(key, now_s), now_s)
        if due_s - now_s > self._burst_s:
            raise RateExceeded(due_s - now_s - self._burst_s)
        if key not in self._due and len(self._due) >= self._keys_max:
            self._make_room(now_s)
        self._due[key] = due_s + self._step_s

    def _make_room(self, now_s: float) -> None:
        self._due = {key: due_s for key, due_s in self._due.items() if due_s > now_s}
        while len(self._due) >= self._keys_max:
            del self._due[next(iter(self._due))]


class Failures(msgspec.Struct, frozen=True):
    """How often something failed in a row, and when it last did."""

    count: int
    last_at: datetime


def require_no_wait(failures: Failures, now: datetime, *, free: int, wait_s_max: float) -> None:
    """Raise RateExceeded during the wait behind a failure: 1, 2, 4 … seconds, from the `free`-th in a row on."""
    if failures.count < free:
        return
    wait_s = min(2.0 ** min(failures.count - free, DOUBLINGS_MAX), wait_s_max)
    # A clock that was set back prolongs no wait beyond its length.
    left_s = wait_s - max(0.0, (now - failures.last_at).total_seconds())
    if left_s > 0:
        raise RateExceeded(left_s)


class Waits:
    """Waits that grow with failures in a row: 1, 2, 4 … seconds, `wait_s_max` at the most, once `free` have failed.

    Nobody is shut out: a wait ends by itself, and a try during it prolongs nothing. What has not failed for `forget_s` is
    forgotten. `clock` gives aware times, so that the state outlives a restart; at most `keys_max` keys are known.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        free: int,
        wait_s_max: float,
        forget_s: float,
        keys_max: int,
        failures: dict[str, Failures] | None = None,
    ) -> None:
        self._clock = clock
        self._free = free
        self._wait_s_max = wait_s_max
        self._forget_s = forget_s
        self._keys_max = keys_max
        self.failures = failures or {}

    def require_none(self, key: str) -> None:
        """Raise RateExceeded while the key has to wait."""
        found = self._found(key)
        if found is not None:
            require_no_wait(found, self._clock(), free=self._free, wait_s_max=self._wait_s_max)

    def fail(self, key: str) -> None:
        """Count a failure."""
        found = self._found(key)
        self.failures.pop(key, None)
        if len(self.failures) >= self._keys_max:
            self._make_room()
        self.failures[key] = Failures(1 + (found.count if found else 0), self._clock())

    def succeed(self, key: str) -> int:
        """Forget the key's failures, and return how many there were."""
        found = self._found(key)
        self.failures.pop(key, None)
        return found.count if found else 0

    def _found(self, key: str) -> Failures | None:
        found = self.failures.get(key)
        return found if found is not None and self._age_s(found) < self._forget_s else None

    def _age_s(self, failures: Failures) -> float:
        return (self._clock() - failures.last_at).total_seconds()

    def _make_room(self) -> None:
        # They stand in the order of their last failure: the first are the oldest.
        while len(self.failures) >= self._keys_max:
            del self.failures[next(iter(self.failures))]
