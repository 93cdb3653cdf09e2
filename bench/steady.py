"""The figures of P7 and P9: at a steady rate, what a busy, a dying and a slow store do to the answers of POST /track."""

import os
import signal
import statistics
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench import load
from bench.daemon import Daemon, running
from bench.figures import Figure, aimed, compared
from bench.lines import BEGAN
from bench.load import Load, percentile
from bench.tally import Step, Tally
from bench.traffic import Traffic

ROUNDS = 3
CONNECTIONS = 64
EVENTS_PER_S = 2000
ACCEPTED = 202

QUERIES_AT_ONCE = 2
QUESTION = msgspec.json.encode(
    {
        "metrics": ["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration"],
        "dimensions": ["page"],
        "range": [f"{BEGAN:%Y-%m-%d}", "2027-01-01"],
    }
)
"""Puts the events of every person in order: the longest that can be asked for."""

KILL_EVERY_S = 2.0
SLOW_S = 5
BUSY = {"FOOTFALL_STORE__QUERY_THREADS": str(QUERIES_AT_ONCE)}
"""As many queries as processors, each of which takes one."""

SLOW = {"FOOTFALL_STORE__EMULATE_SLOW_S": str(SLOW_S)}
P99_RATIO_MAX = 3.0
SLOW_RATIO_MAX = 1.5
"""A p99 that stays what it was varies by as much from slice to slice."""

STEADY, STEADY_SLOW = "steady, queries and kills", "steady, slow store"
Trouble = Callable[[Daemon, threading.Event], int]
"""Does something to the store of a daemon until told to stop, and returns how often."""


class Taken(NamedTuple):
    """A slice of steady load, and how often the store was troubled meanwhile."""

    load: Load
    troubles: int

    @property
    def p99_ms(self) -> float:
        """Of all answers, from when their requests were due."""
        return percentile(self.load.latencies_s, 99) * 1000

    @property
    def accepted(self) -> int:
        """Answers of 202."""
        return self.load.statuses[ACCEPTED]


class SteadyBench:
    """Single events at EVENTS_PER_S, due on a schedule: alone, and beside trouble in the store, by turns."""

    def __init__(self, directory: Path, traffic: Traffic) -> None:
        self._directory = directory
        self._traffic = traffic
        self.steps: list[Step] = []

    def figures(self, seconds: float) -> list[Figure]:
        """Return each p99 beside that without trouble; the queries are about the store that `bench.replay` left.

        `steps` are the counts of it afterwards.
        """
        slow_directory = self._directory / "slow"
        slow_directory.mkdir()
        with running(self._directory / "replay", **BUSY) as busy, running(slow_directory, **SLOW) as slow:
            busy.await_store()
            slow.await_store()
            tallies = {STEADY: Tally(busy), STEADY_SLOW: Tally(slow)}
            rounds = [self._round(busy, slow, seconds) for _ in range(ROUNDS)]
            busy.await_store()
            _count(tallies[STEADY], STEADY, [taken for *others, _ in rounds for taken in others])
            _count(tallies[STEADY_SLOW], STEADY_SLOW, [taken for *_, taken in rounds])
        self.steps = [step for tally in tallies.values() for step in tally.steps]
        return _figures(*zip(*rounds, strict=True))

    def _round(self, busy: Daemon, slow: Daemon, seconds: float) -> tuple[Taken, Taken, Taken, Taken]:
        alone = self._slice(busy, seconds, [])
        asked = self._slice(busy, seconds, [_ask_on] * QUERIES_AT_ONCE)
        killed = self._slice(busy, seconds, [_kill_on])
        busy.await_store()
        return alone, asked, killed, self._slice(slow, seconds, [])

    def _slice(self, daemon: Daemon, seconds: float, troubles: Sequence[Trouble]) -> Taken:
        stop = threading.Event()
        with ThreadPoolExecutor() as threads:
            troubling = [threads.submit(trouble, daemon, stop) for trouble in troubles]
            try:
                server = daemon.server
                taken = load.run(
                    server.host,
                    server.port,
                    self._traffic.single,
                    connections=CONNECTIONS,
                    seconds=seconds,
                    rate=EVENTS_PER_S,
                )
            finally:
                stop.set()
        return Taken(taken, sum(one.result() for one in troubling))


def _ask_on(daemon: Daemon, stop: threading.Event) -> int:
    """Ask until told to stop, and once at the least; return how often."""
    asked = 0
    while asked == 0 or not stop.is_set():
        daemon.query(QUESTION)
        asked += 1
    return asked


def _kill_on(daemon: Daemon, stop: threading.Event) -> int:
    """Kill the store at once and then every KILL_EVERY_S, where there is one; return how often."""
    killed = 0
    while True:
        for process in daemon.server.children():
            os.kill(process, signal.SIGKILL)
            killed += 1
        if stop.wait(KILL_EVERY_S):
            return killed


def _count(tally: Tally, name: str, taken: Iterable[Taken]) -> None:
    accepted, answers = sum(one.accepted for one in taken), sum(one.load.answers for one in taken)
    tally.add(name, sent=accepted, refused_requests=answers - accepted)


def _figures(
    alone: Sequence[Taken], asked: Sequence[Taken], killed: Sequence[Taken], slow: Sequence[Taken]
) -> list[Figure]:
    refused = sum(one.load.answers - one.accepted for one in (*alone, *asked, *killed, *slow))
    return [
        Figure(
            figure=f"/track {EVENTS_PER_S:,} a second, p99",
            value=statistics.median(one.p99_ms for one in alone),
            unit="ms",
        ),
        _beside("  p99, endless queries on both processors", asked, alone, P99_RATIO_MAX),
        Figure(figure="  queries answered meanwhile", value=sum(one.troubles for one in asked), unit=""),
        _beside(f"  p99, store killed every {KILL_EVERY_S:g} s", killed, alone, P99_RATIO_MAX),
        Figure(figure="  kills", value=sum(one.troubles for one in killed), unit=""),
        _beside(f"  p99, every load slowed by {SLOW_S} s", slow, alone, SLOW_RATIO_MAX),
        aimed(Figure(figure="  refused meanwhile", value=refused, unit=""), "0", met=refused == 0),
    ]


def _beside(name: str, troubled: Sequence[Taken], alone: Sequence[Taken], ratio_max: float) -> Figure:
    figure = compared(name, "ms", [one.p99_ms for one in troubled], [one.p99_ms for one in alone])
    return aimed(figure, f"ratio <= {ratio_max:g}", met=figure.ratio is not None and figure.ratio <= ratio_max)
