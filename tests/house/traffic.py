"""Traffic on a real daemon, and the check that follows every fault: what was acknowledged is stored exactly once."""

import asyncio
import contextlib
import json
import os
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp

from tests.house.daemon import Daemon, wait_for

POSTERS = 8
BATCH = 5
RECEIPTS = int(os.environ.get("KILL_RECEIPTS", "20"))
"""How many receipts are asked for one by one; the export has all of them."""


class Traffic:
    """Posts without pause over all starts of a daemon and keeps what was acknowledged; a poster repeats nothing."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._number = 0
        self.acknowledged: dict[str, str] = {}
        self.refused: Counter[int] = Counter()
        self.broken = 0
        self.stop = asyncio.Event()

    @contextlib.asynccontextmanager
    async def posting(self) -> AsyncIterator[None]:
        """Post as long as the block runs; every answer is noted when it is left."""
        self.stop.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.run())
            try:
                yield
            finally:
                self.stop.set()

    async def run(self) -> None:
        """Post until `stop` is set."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            await asyncio.gather(*(self._post_for_ever(session, poster) for poster in range(POSTERS)))

    async def grows(self, events: int) -> None:
        """Return once that many events more are acknowledged."""
        wanted = len(self.acknowledged) + events
        await asyncio.to_thread(wait_for, lambda: len(self.acknowledged) >= wanted)

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
                    assert answer.status != 503 or "Retry-After" in answer.headers
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


def exported(daemon: Daemon, token: str) -> list[dict[str, str]]:
    """Return every stored event."""
    return [json.loads(line) for line in daemon.open("/export/events.ndjson", None, token).splitlines()]


def drained(daemon: Daemon, token: str) -> None:
    """Return when everything durable is loaded."""

    def caught_up() -> bool:
        health = daemon.get("/health", token)
        return health["status"] == "ok" and health["store"]["lag_bytes"] == 0

    wait_for(caught_up, 60)


def check(daemon: Daemon, acknowledged: dict[str, str], token: str) -> None:
    """Require of a running daemon that every label is stored once, under its receipt, and that P2's counts add up.

    Nothing else may be posted meanwhile.
    """
    drained(daemon, token)
    events = exported(daemon, token)
    found = {event["source_label"]: event["receipt"] for event in events}
    assert {label: found.get(label) for label in acknowledged} == acknowledged
    for name in ("source_label", "receipt"):
        assert [value for value, times in Counter(event[name] for event in events).items() if times > 1] == []
    report = daemon.get("/admin/log", token)["ledger"]
    assert report["answered"] == sum(report[state] for state in ("stored", "duplicate", "rejected", "lost", "pending"))
    assert report["answered"] >= len(acknowledged)
    assert (report["pending"], report["lost"]) == (0, 0)
    store = daemon.get("/health", token)["store"]
    assert store["n_rows"] == len(events)
    for label in sample(acknowledged):
        assert daemon.get(f"/admin/receipts/{acknowledged[label]}", token)["status"] == "stored"


def sample(acknowledged: dict[str, str]) -> list[str]:
    """Return some labels, spread over all: a request each would take too long."""
    labels = list(acknowledged)
    return labels[:: len(labels) // RECEIPTS + 1]
