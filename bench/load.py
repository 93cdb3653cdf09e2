"""An HTTP load over N keep-alive connections.

Closed: each sends its next request when the last is answered. Open, with a rate: requests are due on a schedule that
waits for no answer, and a latency counts from when its request was due.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, cast

import uvloop

from bench.errors import BenchFailed

ANSWER_S = 30.0
"""How long after the end of a load the last answers may come."""

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Load(NamedTuple):
    """What one run saw: answers by status, latencies in seconds (sorted), how long it took, what sending it cost us."""

    statuses: Counter[int]
    latencies_s: list[float]
    elapsed_s: float
    own_cpu_s: float

    @property
    def answers(self) -> int:
        """All answers of the run."""
        return self.statuses.total()

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.elapsed_s


def percentile(ordered: list[float], percent: float) -> float:
    """Return the value that `percent` of the sorted values stay under."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def run(
    host: str, port: int, request: Callable[[], bytes], *, connections: int, seconds: float, rate: float | None = None
) -> Load:
    """Send what `request` returns over `connections` for `seconds`; every answer is read and counted.

    With a `rate` so many are due each second; they wait for a free connection where all are waiting for an answer.

    Raises:
        BenchFailed: a request was left without an answer, so nobody knows whether it counts.
    """
    return uvloop.run(_run(host, port, request, connections=connections, seconds=seconds, rate=rate))


async def _run(
    host: str, port: int, request: Callable[[], bytes], *, connections: int, seconds: float, rate: float | None
) -> Load:
    loop = asyncio.get_running_loop()
    clients: list[_Client] = []
    try:
        async with asyncio.timeout(seconds + ANSWER_S):
            for _ in range(connections):
                _, client = await loop.create_connection(lambda: _Client(request, loop.create_future()), host, port)
                clients.append(client)
            began, own_cpu_s = time.perf_counter(), time.process_time()
            due = time.perf_counter if rate is None else _schedule(began, rate)
            for client in clients:
                client.start(due, until=began + seconds)
            await asyncio.gather(*(client.done for client in clients))
    except TimeoutError:
        raise BenchFailed(f"an answer of {host}:{port} is missing after {ANSWER_S:g} s") from None
    except OSError as error:
        raise BenchFailed(f"{host}:{port} takes no connection: {error}") from None
    finally:
        for client in clients:
            client.abort()
    elapsed_s, own_cpu_s = time.perf_counter() - began, time.process_time() - own_cpu_s
    statuses = sum((client.statuses for client in clients), Counter())
    return Load(statuses, sorted(one for client in clients for one in client.latencies_s), elapsed_s, own_cpu_s)


def _schedule(began: float, rate: float) -> Callable[[], float]:
    numbers = itertools.count()
    return lambda: began + next(numbers) / rate


class _Client(asyncio.Protocol):
    def __init__(self, request: Callable[[], bytes], done: asyncio.Future[None]) -> None:
        self._request = request
        self._answer = b""
        self._transport: asyncio.Transport | None = None
        self.done = done
        self.statuses: Counter[int] = Counter()
        self.latencies_s: list[float] = []

    def start(self, due: Callable[[], float], *, until: float) -> None:
        self._due, self._until = due, until
        self._await_next()

    def abort(self) -> None:
        self.done.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, chunk: bytes) -> None:
        self._answer += chunk
        head_end = self._answer.find(HEAD_END)
        if head_end < 0 or len(self._answer) < head_end + len(HEAD_END) + _length(self._answer[:head_end]):
            return
        self.latencies_s.append(time.perf_counter() - self._due_at)
        self.statuses[int(self._answer[9:12])] += 1
        self._await_next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(BenchFailed(f"a connection was closed before its answer: {error}"))

    def _await_next(self) -> None:
        self._due_at = self._due()
        wait_s = self._due_at - time.perf_counter()
        if self._due_at >= self._until:
            self.done.set_result(None)
        elif wait_s > 0:
            asyncio.get_running_loop().call_later(wait_s, self._send)
        else:
            self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._answer = b""
        # A timer of whole milliseconds may come too soon; too late counts.
        self._due_at = min(self._due_at, time.perf_counter())
        self._transport.write(self._request())


def _length(head: bytes) -> int:
    at = head.lower().index(LENGTH) + len(LENGTH)
    return int(head[at : at + 12].split(b"\r", 1)[0])
