"""Promises P1 and P2 when a process dies at a chosen place: at its n-th system call of a kind, or at a named step.

This proves crashes of processes: the page cache survives them. A power cut is another test.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from storage.crashpoint import CRASH_POINTS, VARIABLE
from tests.house.daemon import Daemon, wait_for
from tests.house.traffic import Traffic, check
from tests.needs import under_strace

SPREAD = int(os.environ.get("KILL_SPREAD", "0"))
"""How many n of each call in `CALLS` are tried; 0: of two calls by chance, one each."""

SETTINGS = {
    "FOOTFALL_LOG__SEGMENT_BYTES_MAX": "65536",
    "FOOTFALL_LOG__GROUP_BYTES_MAX": "65536",
    "FOOTFALL_SERVER__BODY_BYTES_MAX": "65536",
    "FOOTFALL_STORE__CHECKPOINT_S": "0.3",
}
"""Segments end, checkpoints come and archiving begins many times a second."""

CALLS = {
    "anything": {"pwrite64": 60, "fdatasync": 60, "fsync": 12, "rename": 5, "unlink": 5},
    "the database": {"write": 8, "pwrite64": 12, "fdatasync": 12},
}
"""What is killed at its n-th call, n up to this one: a thread of front or store, whichever comes to it first."""

PATHS: dict[str, tuple[str, ...]] = {"anything": (), "the database": ("events.duckdb", "events.duckdb.wal")}


def store_deaths(daemon: Daemon) -> int:
    return daemon.stderr_file.read_text().count('"status": -9')


async def killed(daemon: Daemon, traffic: Traffic) -> None:
    """Run the daemon under traffic until one of its processes was killed, perhaps before it accepted anything."""
    deaths = store_deaths(daemon) if daemon.stderr_file.exists() else 0
    with daemon:
        if await asyncio.to_thread(daemon.launch):
            traffic.daemon = daemon
            await asyncio.to_thread(wait_for, lambda: daemon.ended() or store_deaths(daemon) > deaths, 60)


async def checked(root: Path, traffic: Traffic) -> None:
    with Daemon(root, **SETTINGS) as daemon:
        await asyncio.to_thread(daemon.start)
        token = await asyncio.to_thread(daemon.admin_token)
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)


@pytest.mark.long
@pytest.mark.parametrize("target", CALLS)
async def test_a_kill_at_any_system_call_loses_nothing_and_stores_nothing_twice(tmp_path: Path, target: str):
    seed = random.randrange(1 << 30)
    dice = random.Random(seed)
    daemon = Daemon(tmp_path, **SETTINGS)
    daemon.run("init")
    traffic = Traffic(daemon)
    async with traffic.posting():
        calls = list(CALLS[target].items())
        for call, last in calls * SPREAD or dice.sample(calls, 2):
            number = dice.randint(1, last)
            print(f"seed {seed}: {call} {number} of {target}")
            await killed(Daemon(tmp_path, prefix=at_call(tmp_path, target, call, number), **SETTINGS), traffic)
    assert traffic.acknowledged
    await checked(tmp_path, traffic)


def at_call(root: Path, target: str, call: str, number: int) -> tuple[str, ...]:
    """Return the prefix under which a thread is killed as it makes its `number`-th call, and its process with it."""
    paths = [str(root / "data" / "store" / name) for name in PATHS[target]]
    flags = [flag for path in paths for flag in ("-P", path)]
    return (
        *under_strace(root / "strace.log", f"trace={call}", f"inject={call}:signal=KILL:when={number}"),
        *flags,
    )


@pytest.mark.long
async def test_a_kill_between_any_two_steps_of_the_store_loses_nothing_and_stores_nothing_twice(tmp_path: Path):
    daemon = Daemon(tmp_path, **SETTINGS)
    daemon.run("init")
    traffic = Traffic(daemon)
    async with traffic.posting():
        for point in CRASH_POINTS:
            print(point)
            if point == "store_set_aside":
                os.truncate(daemon.data / "store" / "events.duckdb", 0)
            deaths = store_deaths(daemon) if daemon.stderr_file.exists() else 0
            await killed(Daemon(tmp_path, **SETTINGS | {VARIABLE: point}), traffic)
            # The front has no such places: whoever died, it was the store, and it died there.
            assert store_deaths(daemon) > deaths
    await checked(tmp_path, traffic)
