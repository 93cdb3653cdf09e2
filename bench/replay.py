"""The figure of replay: a log of made-up events, and how fast the real store process loads it."""

import asyncio
import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from bench.bare_load import BareLoad, bare_load, write_lines
from bench.errors import BenchFailed
from bench.figures import Figure, aimed, compared
from bench.lines import lines, repeats
from bench.process import children, cpu_s, resident_peak_mb
from collector.settings import Settings
from collector.store_process import StoreProcess
from storage.errors import StoreDown
from storage.files import make_directory
from storage.health import StoreHealth
from storage.logs import configure_logs
from storage.query.events import EventFilter
from storage.query.visits import Summary, SummaryQuery
from storage.settings import StoreSettings
from storage.store_client import StoreClient
from storage.wal.log import WriteAheadLog

GROUP_EVENTS = 1000
LOOK_S = 0.02
"""The wait between two questions how far the store is; asking takes it a millisecond."""

UNCHANGED_S = 30.0
"""A store that loads nothing for this long will not load the rest."""

STOP_S = 15.0
ERASURE_KEY = "of nobody: the bench erases no person"


ROUNDS = 3
RATE_MIN = 100_000


class Replay(NamedTuple):
    """What loading a log took the store process, from its start on, and what it answers then."""

    seconds: float
    cpu_s: float
    memory_peak_mb: float
    summary: Summary


class ReplayBench:
    """Fills a log and has it loaded ROUNDS times from nothing, by turns with the baseline."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        self._directory = directory / "replay"
        self._data = self._directory / "data"
        self._settings = settings

    def figures(self, events: int) -> list[Figure]:
        """Return events a second; the log and the store of the last round stay in the directory."""
        make_directory(self._directory)
        fill(self._data, self._settings, events)
        plain_lines = self._directory / "lines.ndjson"
        write_lines(plain_lines, events)
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append(bare_load(self._directory, plain_lines, self._settings))
            shutil.rmtree(self._data / "store", ignore_errors=True)
            ours.append(replay(self._data, self._settings, events))
        plain_lines.unlink()
        return _figures(events, ours, bare)


def _figures(events: int, ours: list[Replay], bare: list[BareLoad]) -> list[Figure]:
    rate = compared(
        "replay of the log", "events/s", [events / one.seconds for one in ours], [events / one.seconds for one in bare]
    )
    per_cpu_s = compared(
        "  for a CPU-second of the store",
        "",
        [events / one.cpu_s for one in ours],
        [events / one.cpu_s for one in bare],
    )
    return [
        aimed(rate, f">= {RATE_MIN:,} events/s", met=rate.value >= RATE_MIN),
        per_cpu_s,
        Figure(figure="  events", value=events, unit=""),
        Figure(figure="  memory of the store, peak", value=max(one.memory_peak_mb for one in ours), unit="MB"),
    ]


def fill(data: Path, settings: Settings, events: int) -> None:
    """Write a log of `events` events below `data`, as a front does that is given arrays of GROUP_EVENTS."""
    make_directory(data)
    asyncio.run(_fill(data / "log", settings, events))


async def _fill(root: Path, settings: Settings, events: int) -> None:
    async with WriteAheadLog(root, **settings.log.model_dump()) as log:
        for group in lines(events, at_once=GROUP_EVENTS):
            await log.append(group)


def replay(data: Path, settings: Settings, events: int) -> Replay:
    """Start the store process on the log of `fill` and return once it has all of it; the process is gone then.

    Raises:
        BenchFailed: it came to a halt, or stored something else.
    """
    # The bench's own output is for figures: what the store's watcher has to say goes beside it, if it is an error.
    configure_logs("error", "text")
    return asyncio.run(_replay(data, settings, events))


async def _replay(data: Path, settings: Settings, events: int) -> Replay:
    client = StoreClient(query_timeout_s=settings.store.query_timeout_s)
    others = set(children(os.getpid()))
    began = time.monotonic()
    running = asyncio.create_task(_store(data, settings, client).run())
    try:
        await _loaded(client, events)
        seconds, (process,) = time.monotonic() - began, set(children(os.getpid())) - others
        return Replay(seconds, cpu_s(process), resident_peak_mb(process), await client.summary(_everything()))
    finally:
        running.cancel()
        await asyncio.wait([running])


def _store(data: Path, settings: Settings, client: StoreClient) -> StoreProcess:
    told = StoreSettings(
        data=str(data.absolute()),
        link=-1,
        erasure_key=ERASURE_KEY,
        log_level="error",
        log_format="text",
        **settings.store.model_dump(include=set(StoreSettings.__struct_fields__)),
    )
    return StoreProcess(client, told, restart_wait_s=STOP_S, restart_wait_s_max=STOP_S, stop_wait_s=STOP_S)


async def _loaded(client: StoreClient, events: int) -> None:
    expected, found = (events - repeats(events), 0, repeats(events)), (0, 0, 0)
    changed_at = time.monotonic()
    while time.monotonic() < changed_at + UNCHANGED_S:
        await asyncio.sleep(LOOK_S)
        health = await _health(client)
        if health is None:
            continue
        if (health.n_rows, health.n_rejected, health.n_duplicates) != found:
            found, changed_at = (health.n_rows, health.n_rejected, health.n_duplicates), time.monotonic()
        if found == expected and health.lag_bytes == 0:
            return
    raise BenchFailed(f"replay: expected rows, rejected and duplicates {expected}, the store has {found}")


async def _health(client: StoreClient) -> StoreHealth | None:
    """Return what the store says of itself, or None while it is not up."""
    try:
        return await client.health()
    except StoreDown:
        return None


def _everything() -> SummaryQuery:
    return SummaryQuery(where=EventFilter(app_code="site"), pages=10)
