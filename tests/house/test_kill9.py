"""Promises P1 and P2 under kill -9: every acknowledged event is stored exactly once.

This proves crashes of processes: the page cache survives them. A power cut is another test.
"""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for
from tests.house.traffic import Traffic, check
from tests.needs import many

ROUNDS = {"tree": many(6, few=2), "front": many(6, few=2), "store": many(8, few=3)}

ROUNDS_A_TOKEN = 20
"""A token ends after a quarter of an hour."""


def loaded(daemon: Daemon, token: str) -> int:
    """Return how many loads the store has made, -1 while it does not answer."""
    store = daemon.get("/health", token)["store"]
    return -1 if store is None else int(store["position"])


async def rounds(traffic: Traffic, kill: str, count: int, seed: int) -> None:
    """Kill `count` times at random moments, each after new events were acknowledged and others were loaded."""
    daemon, dice = traffic.daemon, random.Random(seed)
    for number in range(count):
        if number % ROUNDS_A_TOKEN == 0:
            token = await asyncio.to_thread(daemon.admin_token)
        position = await asyncio.to_thread(loaded, daemon, token)
        await traffic.grows(50)
        await asyncio.to_thread(wait_for, lambda p=position, t=token: loaded(daemon, t) > max(p, 0))
        await asyncio.sleep(dice.random() * 0.3)
        await asyncio.to_thread(getattr(daemon, f"kill_{kill}"))
        if kill != "store":
            await asyncio.to_thread(daemon.start)


@pytest.mark.parametrize("kill", ["tree", *(pytest.param(one, marks=pytest.mark.long) for one in ("front", "store"))])
async def test_every_acknowledged_event_is_stored_exactly_once(tmp_path: Path, kill: str):
    count = int(os.environ.get("KILL_ROUNDS", ROUNDS[kill]))
    seed = random.randrange(1 << 30)
    print(f"seed {seed}, {count} rounds")
    with Daemon.fresh(tmp_path) as daemon:
        traffic = Traffic(daemon)
        async with traffic.posting():
            await rounds(traffic, kill, count, seed)
        token = await asyncio.to_thread(daemon.admin_token)
        assert len(traffic.acknowledged) >= 50 * count
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)
        print(f"{len(traffic.acknowledged)} acknowledged, missing 0, twice 0")
        assert "store_rows_gone" not in daemon.stderr_file.read_text()
        if kill == "store":
            assert (traffic.refused, traffic.broken) == (Counter(), 0)
