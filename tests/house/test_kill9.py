"""Promises P1 and P2 under kill -9: every acknowledged event is stored exactly once.

This proves crashes of processes: the page cache survives them. A power cut is another test.
"""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from tests.house.daemon import Daemon, wait_for

POSTERS = 8
BATCH = 5


class Traffic:
    """Posts without pause over all starts of a daemon and keeps what was acknowledged; a poster repeats nothing."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._number = 0
        self.acknowledged: dict[str, str] = {}
        self.refused: Counter[int] = Counter()
        self.broken = 0
        self.stop = asyncio.Event()

    async def run(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            await asyncio.gather(*(self._post_for_ever(session, poster) for poster in range(POSTERS)))

    async def _post_for_ever(self, session: aiohttp.ClientSession, poster: int) -> None:
        while not self.stop.is_set():
            many = poster % 2 == 0
            labels = [self._label() for _ in range(BATCH if many else 1)]
            # Half of the ids are ours to choose, so that both kinds of events are in it.
            items = [
                {"source_label": label, **({"event_id": label} if poster < POSTERS // 2 else {})} for label in labels
            ]
            try:
                async with session.post(self.daemon.url + "/track", json=items if many else items[0]) as answer:
                    self._note(labels, answer.status, await answer.json())
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                self.broken += 1
                await asyncio.sleep(0.02)

    def _note(self, labels: list[str], status: int, answer: dict[str, object]) -> None:
        if status != 202:
            self.refused[status] += 1
            return
        results = answer.get("results", [answer])
        for label, result in zip(labels, results, strict=True):
            self.acknowledged[label] = result["receipt"]

    def _label(self) -> str:
        self._number += 1
        return f"label-{self._number}"


def exported(daemon: Daemon, token: str) -> Counter[str]:
    lines = daemon.open("/export/events.ndjson", None, token).splitlines()
    return Counter(json.loads(line)["source_label"] for line in lines)


def receipts(daemon: Daemon, token: str) -> dict[str, str]:
    lines = daemon.open("/export/events.ndjson", None, token).splitlines()
    return {event["source_label"]: event["receipt"] for event in map(json.loads, lines)}


def drained(daemon: Daemon, token: str) -> None:
    """Return when everything durable is loaded."""

    def caught_up() -> bool:
        health = daemon.get("/health", token)
        return health["status"] == "ok" and health["store"]["lag_bytes"] == 0

    wait_for(caught_up, 60)


def loaded(daemon: Daemon, token: str) -> int:
    """Return how many loads the store has made, -1 while it does not answer."""
    store = daemon.get("/health", token)["store"]
    return -1 if store is None else int(store["position"])


async def rounds(traffic: Traffic, token: str, kill: str, count: int, seed: int) -> None:
    """Kill `count` times at random moments, each after new events were acknowledged and others were loaded."""
    daemon, posting = traffic.daemon, asyncio.create_task(traffic.run())
    dice = random.Random(seed)
    for _ in range(count):
        acknowledged, position = len(traffic.acknowledged), await asyncio.to_thread(loaded, daemon, token)
        await asyncio.to_thread(wait_for, lambda a=acknowledged: len(traffic.acknowledged) > a + 50)
        await asyncio.to_thread(wait_for, lambda p=position: loaded(daemon, token) > max(p, 0))
        await asyncio.sleep(dice.random() * 0.3)
        await asyncio.to_thread(getattr(daemon, f"kill_{kill}"))
        if kill != "store":
            await asyncio.to_thread(daemon.start)
    traffic.stop.set()
    await posting


@pytest.mark.parametrize(("kill", "count"), [("tree", 6), ("front", 6), ("store", 8)])
async def test_every_acknowledged_event_is_stored_exactly_once(tmp_path: Path, kill: str, count: int):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    with Daemon.fresh(tmp_path) as daemon:
        token = await asyncio.to_thread(daemon.admin_token)
        traffic = Traffic(daemon)
        await rounds(traffic, token, kill, count, seed)
        await asyncio.to_thread(drained, daemon, token)
        stored = await asyncio.to_thread(exported, daemon, token)
        assert len(traffic.acknowledged) > 50 * count
        missing = traffic.acknowledged.keys() - stored.keys()
        assert not missing
        assert {label for label, times in stored.items() if times > 1} == set()
        found = await asyncio.to_thread(receipts, daemon, token)
        assert {label: found[label] for label in traffic.acknowledged} == traffic.acknowledged
        if kill == "store":
            assert (traffic.refused, traffic.broken) == (Counter(), 0)
        report = daemon.get("/admin/log", token)["ledger"]
        assert report["answered"] == sum(
            report[state] for state in ("stored", "duplicate", "rejected", "lost", "pending")
        )
        assert report["answered"] >= len(traffic.acknowledged)
        assert report["pending"] == 0
        health = daemon.get("/health", token)["store"]
        assert health["n_rows"] + health["n_rejected"] >= len(traffic.acknowledged)
