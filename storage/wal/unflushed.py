"""The bytes that wait for the disk, and the requests that wait to join them."""

import asyncio

from storage.errors import LogFull


class Unflushed:
    """Counts bytes up to `bytes_max` and a little more: what comes while they are over it waits, `wait_s` at most.

    As many bytes again may wait: what exceeds that is refused at once. Used by the event loop alone.
    """

    def __init__(self, *, bytes_max: int, wait_s: float) -> None:
        self._bytes_max = bytes_max
        self._wait_s = wait_s
        self._waiting: dict[asyncio.Future[None], int] = {}
        self._waiting_bytes = 0
        self.bytes = 0

    async def add(self, size: int) -> None:
        """Return once the bytes are counted, those that came first before them; LogFull when there is no room for them."""
        if self.has_room():
            self.bytes += size
            return
        if self._waiting_bytes + size > self._bytes_max:
            raise self._full()
        await self._room_for(size)

    def has_room(self) -> bool:
        """Whether bytes may be added at once."""
        return self.bytes <= self._bytes_max and not self._waiting

    def release(self, size: int) -> None:
        """Take bytes away, and add those of as many who wait as there is room for."""
        self.bytes -= size
        while self._waiting and self.bytes <= self._bytes_max:
            future = next(iter(self._waiting))
            self.bytes += self._forget(future)
            future.set_result(None)

    async def _room_for(self, size: int) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = size
        self._waiting_bytes += size
        try:
            async with asyncio.timeout(self._wait_s):
                await future
        except BaseException as error:  # a cancelled caller too gives its room back; it goes on
            if future in self._waiting:
                self._forget(future)
            else:
                self.release(size)  # counted in the same turn of the loop in which its request ended
            if isinstance(error, TimeoutError):
                raise self._full() from None
            raise

    def _forget(self, future: asyncio.Future[None]) -> int:
        size = self._waiting.pop(future)
        self._waiting_bytes -= size
        return size

    def _full(self) -> LogFull:
        return LogFull(f"{self.bytes} bytes wait for the disk")
