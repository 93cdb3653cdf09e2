"""What the front tells the service manager that started it: sd_notify(3) and sd_watchdog_enabled(3), without a library."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from typing import Self

import structlog

log = structlog.get_logger()


class Supervisor:
    """The service manager behind NOTIFY_SOCKET; without one every call does nothing.

    `watchdog_s` is the silence after which it kills the daemon, None where it does not watch.
    """

    def __init__(self, address: str | None, watchdog_s: float | None) -> None:
        # A leading @ stands for the zero byte of a name in the abstract namespace, unix(7).
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self._watchdog_s = watchdog_s

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """Return the supervisor that the environment names; a watchdog that is meant for another process is not ours."""
        watched = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = environ.get("WATCHDOG_USEC")
        return cls(environ.get("NOTIFY_SOCKET") or None, int(usec) / 1e6 if usec and int(usec) and watched else None)

    def ready(self, status: str) -> None:
        """Say that connections are accepted."""
        self._send(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """Say that the end has begun, so that it is not taken for a failure."""
        self._send("STOPPING=1\nSTATUS=answering what is open")

    async def watch(self, stuck: Callable[[float], bool]) -> None:
        """Feed the watchdog twice in its period, except while `stuck(period_s)`; runs on the loop, so it proves that too."""
        if self._watchdog_s is None:
            return
        while True:
            if not stuck(self._watchdog_s):
                self._send("WATCHDOG=1")
            await asyncio.sleep(self._watchdog_s / 2)

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(0)  # a service manager that does not read must not stop tracking
                sender.sendto(message.encode(), self._address)
        except OSError as error:
            log.warning("notify_failed", message=message, reason=str(error))
