"""The store process: started, watched and restarted by the front; tracking does not notice when it is away."""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import AsyncIterator

import msgspec
import structlog

from storage.errors import StoreDown
from storage.settings import StoreSettings
from storage.store_client import StoreClient

START_WAIT_S = 60.0
"""How long a verb waits for a store process that is starting."""

LOOK_S = 0.2
"""Between two looks whether it answers."""

STEADY_S = 10.0
"""A store that lived this long is restarted without waiting longer than the first time."""

log = structlog.get_logger()


class StoreProcess:
    """Keeps one store process running and attached to `client`; cancelling `run` ends it."""

    def __init__(
        self,
        client: StoreClient,
        settings: StoreSettings,
        *,
        restart_wait_s: float,
        restart_wait_s_max: float,
        stop_wait_s: float,
    ) -> None:
        self._client = client
        self._settings = settings
        self._restart_wait_s = restart_wait_s
        self._restart_wait_s_max = restart_wait_s_max
        self._stop_wait_s = stop_wait_s
        self._process: asyncio.subprocess.Process | None = None
        self._rebuild_next = settings.rebuild
        self.starts = 0

    async def run(self) -> None:
        """Run until cancelled; each store that ends is followed by another, after a wait that doubles up to a limit."""
        wait_s = self._restart_wait_s
        while True:
            started = time.monotonic()
            status = await self._run_once()
            if time.monotonic() - started >= STEADY_S:
                wait_s = self._restart_wait_s
            log.error("store_ended", status=status, restart_in_s=wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, self._restart_wait_s_max)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run it for a verb, from its first answer on; StoreDown when none comes in time."""
        task = asyncio.create_task(self.run())
        try:
            await self.started(after=0)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def started(self, *, after: int) -> None:
        """Return once a process that began after `after` others answers; StoreDown when none does in time."""
        try:
            async with asyncio.timeout(START_WAIT_S):
                while True:
                    if await self._answers(after):
                        return
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise StoreDown(f"the store did not start within {START_WAIT_S:g} s; see its log") from None

    async def _answers(self, after: int) -> bool:
        if self.starts <= after:
            return False
        try:
            await self._client.health()
        except StoreDown:
            return False
        return True

    def rebuild(self) -> None:
        """End the store process; the next one, and only that, sets its files aside and fills itself again."""
        self._rebuild_next = True
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    async def _run_once(self) -> int:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # the packages are ours, not those of the working directory
                "-m",
                "storage",
                stdin=asyncio.subprocess.PIPE,
                pass_fds=[theirs.fileno()],
            )
            settings = msgspec.structs.replace(self._settings, link=theirs.fileno(), rebuild=self._rebuild_next)
        self._process, self._rebuild_next, self.starts = process, False, self.starts + 1
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(settings) + b"\n")
        process.stdin.close()
        log.info("store_started", process=process.pid)
        try:
            await self._client.attach(ours)
        finally:
            ours.close()
            status = await self._ended(process)
        return status

    async def _ended(self, process: asyncio.subprocess.Process) -> int:
        try:
            async with asyncio.timeout(self._stop_wait_s):
                return await process.wait()
        except TimeoutError:
            # It can lose nothing: what it has not copied is in the log.
            process.kill()
            return await process.wait()
