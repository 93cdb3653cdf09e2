"""A closed-loop HTTP load: N keep-alive connections, each sends its next request when the last is answered."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple, cast

import uvloop


class Load(NamedTuple):
    """What one run saw: answers by status, latencies in seconds (sorted), and how long it took."""

    statuses: dict[int, int]
    latencies_s: list[float]
    elapsed_s: float

    @property
    def answers(self) -> int:
        """All answers of the run."""
        return sum(self.statuses.values())

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.elapsed_s

    def percentile_ms(self, percent: float) -> float:
        """Return the latency that `percent` of the answers stayed under, in milliseconds."""
        return self.latencies_s[min(len(self.latencies_s) - 1, int(len(self.latencies_s) * percent / 100))] * 1000


def run(host: str, port: int, request: Callable[[], bytes], *, connections: int, seconds: float) -> Load:
    """Send what `request` returns over `connections` for `seconds`; every answer is read and counted."""
    return uvloop.run(_run(host, port, request, connections, seconds))


async def _run(host: str, port: int, request: Callable[[], bytes], connections: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    clients = [_Client(request, began + seconds) for _ in range(connections)]
    await asyncio.gather(*(loop.create_connection(lambda client=client: client, host, port) for client in clients))
    await asyncio.gather(*(client.done.wait() for client in clients))
    elapsed_s = time.perf_counter() - began
    statuses: dict[int, int] = {}
    for client in clients:
        for status, count in client.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    return Load(statuses, sorted(one for client in clients for one in client.latencies_s), elapsed_s)


class _Client(asyncio.Protocol):
    def __init__(self, request: Callable[[], bytes], until: float) -> None:
        self._request = request
        self._until = until
        self._answer = b""
        self.statuses: dict[int, int] = {}
        self.latencies_s: list[float] = []
        self.done = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, chunk: bytes) -> None:
        self._answer += chunk
        head_end = self._answer.find(b"\r\n\r\n")
        if head_end < 0 or len(self._answer) < head_end + 4 + _length(self._answer[:head_end]):
            return
        now = time.perf_counter()
        self.latencies_s.append(now - self._sent_at)
        status = int(self._answer[9:12])
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.done.set()

    def _send(self) -> None:
        self._answer = b""
        self._sent_at = time.perf_counter()
        self._transport.write(self._request())


def _length(head: bytes) -> int:
    at = head.lower().index(b"content-length:") + len(b"content-length:")
    return int(head[at : at + 12].split(b"\r", 1)[0])
