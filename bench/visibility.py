"""The figure of P5: how long after its answer an event is in the statistics, while others come in steadily."""

import asyncio
import random
import time

import aiohttp
import uvloop

from bench.daemon import Daemon
from bench.errors import BenchFailed
from bench.figures import Figure, aimed
from bench.load import percentile
from bench.tally import Tally
from bench.traffic import Traffic

ARRAYS_PER_S, ARRAY_ITEMS = 50, 100
"""5,000 events a second."""

PROBE_EVERY_S = (0.15, 0.45)
"""The least and the greatest wait between two probes: random, since a rhythm could agree with the store's own."""

LOOK_S = 0.01
"""The wait between two looks for a probe; it counts as lag, as does the query."""

VISIBLE_S = 30.0
"""A probe that is not visible after this long is missing."""

TIMEOUT_S = 30.0
CONNECTIONS_MAX = 32
LAG_S_MAX = 1.0
RATE_SHARE_MIN = 0.99
ACCEPTED = 202
STEP = "visibility"


class VisibilityBench:
    """Posts arrays on a schedule that does not wait for their answers, and probes beside them."""

    def __init__(self, daemon: Daemon, tally: Tally, traffic: Traffic, dice: random.Random) -> None:
        self._daemon = daemon
        self._tally = tally
        self._traffic = traffic
        self._dice = dice
        self._lags_s: list[float] = []
        self._accepted = 0
        self._refused = 0
        self._array_answers = 0

    def figures(self, seconds: float) -> list[Figure]:
        """Return the lag, and the rate that was kept up meanwhile."""
        elapsed_s = uvloop.run(self._load(seconds))
        self._tally.add(STEP, sent=self._accepted, refused_requests=self._refused)
        return _figures(sorted(self._lags_s), self._array_answers * ARRAY_ITEMS / elapsed_s)

    async def _load(self, seconds: float) -> float:
        connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with aiohttp.ClientSession(self._daemon.server.url, connector=connector, timeout=timeout) as session:
                async with asyncio.TaskGroup() as tasks:
                    posting = tasks.create_task(self._post_arrays(session, seconds))
                    tasks.create_task(self._probe_for(session, seconds))
                return posting.result()
        except ExceptionGroup as group:  # of its tasks; what is not of the bench goes on
            failed = group.subgroup((BenchFailed, aiohttp.ClientError, TimeoutError))
            if failed is None:
                raise
            raise BenchFailed(f"{STEP}: {_first(failed)!r}") from None

    async def _post_arrays(self, session: aiohttp.ClientSession, seconds: float) -> float:
        """Return how long it took until the last one was answered, in seconds; the schedule's length at the least."""
        began, arrays = time.monotonic(), max(1, int(seconds * ARRAYS_PER_S))
        async with asyncio.TaskGroup() as posts:
            for number in range(arrays):
                await asyncio.sleep(began + number / ARRAYS_PER_S - time.monotonic())
                posts.create_task(self._post_array(session))
        return max(time.monotonic() - began, arrays / ARRAYS_PER_S)

    async def _post_array(self, session: aiohttp.ClientSession) -> None:
        self._array_answers += await self._post(session, self._traffic.array(ARRAY_ITEMS), ARRAY_ITEMS)

    async def _probe_for(self, session: aiohttp.ClientSession, seconds: float) -> None:
        until, number = time.monotonic() + seconds, 0
        async with asyncio.TaskGroup() as probes:
            while number == 0 or time.monotonic() < until:
                probes.create_task(self._probe(session, f"https://shop.example/probe/{number}"))
                number += 1
                await asyncio.sleep(self._dice.uniform(*PROBE_EVERY_S))

    async def _probe(self, session: aiohttp.ClientSession, page_url: str) -> None:
        if not await self._post(session, self._traffic.pageview(page_url), 1):
            return
        answered_at = time.monotonic()
        while not await self._visible(session, page_url):
            if time.monotonic() > answered_at + VISIBLE_S:
                raise BenchFailed(f"{page_url} was answered 202 and is not visible after {VISIBLE_S:g} s")
            await asyncio.sleep(LOOK_S)
        self._lags_s.append(time.monotonic() - answered_at)

    async def _visible(self, session: aiohttp.ClientSession, page_url: str) -> bool:
        headers = {"Authorization": f"Bearer {self._daemon.token}"}
        asked = {"page_url": page_url, "limit": "1"}
        async with session.get("/stats/visits", params=asked, headers=headers, raise_for_status=True) as answer:
            return bool((await answer.json())["rows"])

    async def _post(self, session: aiohttp.ClientSession, body: bytes, items: int) -> bool:
        async with session.post("/track", data=body, headers={"Content-Type": "application/json"}) as answer:
            await answer.read()
            accepted = answer.status == ACCEPTED
        self._accepted += accepted * items
        self._refused += not accepted
        return accepted


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _figures(lags_s: list[float], events_per_s: float) -> list[Figure]:
    if not lags_s:
        raise BenchFailed(f"{STEP}: no probe was accepted")
    events_per_s_min = ARRAYS_PER_S * ARRAY_ITEMS
    lag = [
        Figure(figure=f"visible after, {name}", value=percentile(lags_s, percent), unit="s")
        for name, percent in (("p50", 50), ("p95", 95), ("max", 100))
    ]
    rate = Figure(figure="  events that came in meanwhile", value=events_per_s, unit="events/s")
    return [
        *(aimed(figure, f"<= {LAG_S_MAX:g} s", met=figure.value <= LAG_S_MAX) for figure in lag),
        Figure(figure="  probes", value=len(lags_s), unit=""),
        aimed(rate, f"{events_per_s_min:,} events/s", met=events_per_s >= RATE_SHARE_MIN * events_per_s_min),
    ]
