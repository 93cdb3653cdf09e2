"""The figures of POST /track: single events and batches, each answered once it is on the disk."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from bench import load
from bench.daemon import Daemon
from bench.figures import Figure, aimed, compared, compared_once
from bench.framing import framing_cpu_s
from bench.live import readers
from bench.load import Load, percentile
from bench.process import CPU_TICK_S, Server
from bench.tally import Tally
from bench.traffic import Traffic

ROUNDS = 5
"""Slices of each kind; a noisy neighbour spoils one of them, not the median."""

CONNECTIONS_MANY, CONNECTIONS_FEW = 64, 8
BATCH_ITEMS = 500
READERS = 10
ACCEPTED = 202

RATIO_MIN, RATIO_AIM = 0.6, 0.75
P99_MS_MAX = 20.0
WATCHED_RATIO_MIN = 0.9
SYNCS_MAX = 4
FRAMING_PERCENT_MAX = 15
EVENTS_PER_CPU_S_MIN, EVENTS_PER_CPU_S_AIM = 150_000, 300_000

Request = Callable[[], bytes]


class Slice(NamedTuple):
    """A stretch of load, and the processor time that the server spent on it."""

    load: Load
    cpu_s: float

    @property
    def rate(self) -> float:
        """Requests a second by the clock."""
        return self.load.rate

    @property
    def per_cpu_s(self) -> float:
        """Requests for a second of the server's processor time."""
        return self.load.answers / self.cpu_s


class TrackBench:
    """Loads footfalld, whose store is counted after every slice, and the baseline beside it."""

    def __init__(self, daemon: Daemon, bare: Server, tally: Tally, traffic: Traffic) -> None:
        self._daemon = daemon
        self._bare = bare
        self._tally = tally
        self._traffic = traffic

    def warm_up(self, seconds: float) -> None:
        """Let both serve for a while without a figure."""
        self._bare_slice("/track", CONNECTIONS_MANY, seconds)
        self._slice("warm-up", self._traffic.single, 1, CONNECTIONS_MANY, seconds)

    def singles(self, connections: int, seconds: float, sync_p50: Figure) -> list[Figure]:
        """Return rate and latency of single events beside the baseline, and what the log's frames cost of it.

        Slices of both by turns; `sync_p50` is the disk's own, in milliseconds.
        """
        name = f"single, {connections} connections"
        before = self._daemon.logged()
        slices = by_turns(
            {
                "bare": lambda: self._bare_slice("/track", connections, seconds),
                "plain": lambda: self._bare_slice("/plain", connections, seconds),
                "ours": lambda: self._slice(name, self._traffic.single, 1, connections, seconds),
            }
        )
        after = self._daemon.logged()
        group_events = (after.durable_offset - before.durable_offset) / (after.groups - before.groups)
        rate, p50, *others = _single_figures(name, slices["ours"], slices["bare"], slices["plain"])
        few = connections == CONNECTIONS_FEW
        return [
            rate if few else _judged(rate),
            _waiting_for_the_disk(p50, sync_p50) if few else p50,
            *others,
            *_framing_figures(group_events, slices["ours"]),
        ]

    def watched(self, seconds: float) -> list[Figure]:
        """Return the rate of single events while READERS follow GET /live, beside the same without any."""
        name = f"single, {CONNECTIONS_MANY} connections, {READERS} readers of /live"

        def plain() -> Slice:
            return self._slice(name, self._traffic.single, 1, CONNECTIONS_MANY, seconds)

        def watched() -> Slice:
            with readers(self._daemon, READERS):
                return plain()

        slices = by_turns({"plain": plain, "watched": watched})
        rates = {kind: [one.rate for one in taken] for kind, taken in slices.items()}
        rate = compared(f"/track {name}", "/s", rates["watched"], rates["plain"])
        p99 = compared_once("  p99", "ms", _ms(slices["watched"], 99), _ms(slices["plain"], 99))
        met = rate.ratio is not None and rate.ratio >= WATCHED_RATIO_MIN
        return [aimed(rate, f"ratio >= {WATCHED_RATIO_MIN}", met=met), p99]

    def batches(self, seconds: float) -> list[Figure]:
        """Return the rates of arrays, each answered with the results of its items."""
        name = f"batches of {BATCH_ITEMS}, {CONNECTIONS_FEW} connections"

        def request() -> bytes:
            return self._traffic.batch(BATCH_ITEMS)

        slices = [self._slice(name, request, BATCH_ITEMS, CONNECTIONS_FEW, seconds) for _ in range(ROUNDS)]
        return _batch_figures(name, slices)

    def _bare_slice(self, path: str, connections: int, seconds: float) -> Slice:
        return slice_of(self._bare, lambda: self._traffic.single(path), connections, seconds)

    def _slice(self, name: str, request: Request, items: int, connections: int, seconds: float) -> Slice:
        taken = slice_of(self._daemon.server, request, connections, seconds)
        accepted = taken.load.statuses[ACCEPTED]
        # Counting waits for the store, so that the baseline's next slice does not share the machine with a backlog.
        self._tally.add(name, sent=accepted * items, refused_requests=taken.load.answers - accepted)
        return taken


def slice_of(server: Server, request: Request, connections: int, seconds: float) -> Slice:
    """Load the server for so long, and return what came of it."""
    before_s = server.cpu_s()
    taken = load.run(server.host, server.port, request, connections=connections, seconds=seconds)
    # Short slices of the smoke test may see no tick of the kernel's clock.
    return Slice(taken, max(server.cpu_s() - before_s, CPU_TICK_S))


def by_turns(runs: Mapping[str, Callable[[], Slice]]) -> dict[str, list[Slice]]:
    """Run each kind once a round, every other round in the opposite order: a drift of the machine meets all alike."""
    slices: dict[str, list[Slice]] = {kind: [] for kind in runs}
    for number in range(ROUNDS):
        for kind in runs if number % 2 == 0 else reversed(list(runs)):
            slices[kind].append(runs[kind]())
    return slices


def _single_figures(name: str, ours: list[Slice], bare: list[Slice], plain: list[Slice]) -> list[Figure]:
    rate = compared(f"/track {name}", "/s", [one.rate for one in ours], [one.rate for one in bare])
    p50, p99 = (compared_once(f"  p{percent}", "ms", _ms(ours, percent), _ms(bare, percent)) for percent in (50, 99))
    return [
        rate,
        p50,
        aimed(p99, f"<= {P99_MS_MAX:g} ms", met=p99.value <= P99_MS_MAX),
        compared(
            "  for a CPU-second of the server", "", [one.per_cpu_s for one in ours], [one.per_cpu_s for one in bare]
        ),
        compared("  beside web.json_response", "/s", [one.rate for one in ours], [one.rate for one in plain]),
        compared_once("  cores taken by the load generator", "", _generator_cores(ours), _generator_cores(bare)),
    ]


def _judged(rate: Figure) -> Figure:
    """Return the rate with its target, which is one for many connections: few of them wait for the disk, not for us."""
    wanted = f"ratio >= {RATIO_MIN} (aim {RATIO_AIM})"
    return aimed(rate, wanted, met=rate.ratio is not None and rate.ratio >= RATIO_MIN)


def _waiting_for_the_disk(p50: Figure, sync_p50: Figure) -> Figure:
    """Return the median latency with its target, which is one for few connections: they wait for the disk, not for us."""
    assert p50.baseline is not None
    allowed_ms = p50.baseline + SYNCS_MAX * sync_p50.value
    return aimed(p50, f"<= baseline + {SYNCS_MAX} fdatasync ({allowed_ms:.2f} ms)", met=p50.value <= allowed_ms)


def _framing_figures(group_events: float, ours: list[Slice]) -> list[Figure]:
    """Return the events of a mean group, and the part of a request's processor time that `framing_cpu_s` counts."""
    request_cpu_s = sum(one.cpu_s for one in ours) / sum(one.load.answers for one in ours)
    percent = 100 * framing_cpu_s(max(1, round(group_events))) / request_cpu_s
    framing = Figure(figure="  framing and CRC of a request's CPU", value=percent, unit="%")
    return [
        Figure(figure="  events of a group, mean", value=group_events, unit=""),
        aimed(framing, f"<= {FRAMING_PERCENT_MAX} %", met=percent <= FRAMING_PERCENT_MAX),
    ]


def _batch_figures(name: str, slices: list[Slice]) -> list[Figure]:
    events = [one.rate * BATCH_ITEMS for one in slices]
    per_cpu_s = statistics.median(one.per_cpu_s * BATCH_ITEMS for one in slices)
    wanted = f">= {EVENTS_PER_CPU_S_MIN:,} (aim {EVENTS_PER_CPU_S_AIM:,})"
    economy = Figure(figure="  for a CPU-second of the front", value=per_cpu_s, unit="events")
    return [
        Figure(figure=f"/track {name}", value=statistics.median(events), unit="events/s"),
        aimed(economy, wanted, met=per_cpu_s >= EVENTS_PER_CPU_S_MIN),
        Figure(figure="  p50", value=_ms(slices, 50), unit="ms"),
        Figure(figure="  p99", value=_ms(slices, 99), unit="ms"),
        Figure(figure="  cores taken by the load generator", value=_generator_cores(slices), unit=""),
    ]


def _ms(slices: Iterable[Slice], percent: float) -> float:
    """Return a percentile over the answers of all slices, the bad ones too."""
    return percentile(sorted(latency_s for one in slices for latency_s in one.load.latencies_s), percent) * 1000


def _generator_cores(slices: list[Slice]) -> float:
    return statistics.median(one.load.own_cpu_s / one.load.elapsed_s for one in slices)
