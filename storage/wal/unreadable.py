"""Which logs cannot be read for now, why, and when the next try is due: a bad sector stops its own log and no other."""

import threading
from collections.abc import Callable
from typing import NamedTuple

import structlog

RETRY_S = 1.0
"""How long to wait before a log that could not be read is tried again; each further wait is twice as long."""

RETRY_S_MAX = 60.0
"""The longest of these waits: over one bad sector a disk can hold the thread that loads for many seconds."""

log = structlog.get_logger()


class _Wait(NamedTuple):
    reason: str
    wait_s: float
    until_s: float


class Unreadable:
    """Logs by log_id; `clock` is in seconds. Each reason is logged once. May be used from any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changing = threading.Lock()
        self._waits: dict[str, _Wait] = {}

    def is_waiting(self, log_id: str) -> bool:
        """Return whether the log could not be read and the next try is not due yet."""
        wait = self._waits.get(log_id)
        return wait is not None and self._clock() < wait.until_s

    def note(self, log_id: str, reason: str) -> None:
        """Have the log wait; twice as long as the last time, if there was one."""
        with self._changing:
            before = self._waits.get(log_id)
            wait_s = RETRY_S if before is None else min(2 * before.wait_s, RETRY_S_MAX)
            self._waits[log_id] = _Wait(reason, wait_s, self._clock() + wait_s)
        if before is None or before.reason != reason:
            log.error("log_unreadable", log_id=log_id, reason=reason)

    def forget(self, log_id: str) -> None:
        """Note that the log was read; without effect where it always could be."""
        with self._changing:
            before = self._waits.pop(log_id, None)
        if before is not None:
            log.info("log_readable_again", log_id=log_id)

    def reasons(self) -> dict[str, str]:
        """Return why, by log_id."""
        with self._changing:
            return {log_id: wait.reason for log_id, wait in self._waits.items()}
