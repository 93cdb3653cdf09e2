"""Promise P2 as a property: after random traffic with random faults every answered item is accounted for, exactly."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.house.daemon import Daemon
from tests.house.mixed_traffic import Application, MixedTraffic
from tests.house.traffic import drained, exported
from tests.needs import many

FAULTS = int(os.environ.get("MIXED_FAULTS", many(8, few=3)))
ITEMS_BETWEEN = 150
STOPPED_S = 0.5
PAGE = 1000


def restarted(daemon: Daemon) -> None:
    """Stop as an operator does, and start again."""
    assert daemon.stop() == 0
    daemon.start()


def killed_whole(daemon: Daemon) -> None:
    daemon.kill_tree()
    daemon.start()


def front_killed(daemon: Daemon) -> None:
    daemon.kill_front()
    daemon.start()


def store_killed(daemon: Daemon) -> None:
    daemon.store()
    daemon.kill_store()


async def store_stopped(daemon: Daemon) -> None:
    """Have the store stand still while items come in."""
    store = await asyncio.to_thread(daemon.store)
    os.kill(store, signal.SIGSTOP)
    await asyncio.sleep(STOPPED_S)
    os.kill(store, signal.SIGCONT)


IN_A_THREAD: tuple[Callable[[Daemon], None], ...] = (restarted, killed_whole, front_killed, store_killed)


async def faulty(traffic: MixedTraffic, dice: random.Random) -> None:
    """Let traffic run, with a fault at a random moment again and again."""
    for _ in range(FAULTS):
        await traffic.grows(ITEMS_BETWEEN)
        await asyncio.sleep(dice.random() * 0.3)
        fault = dice.choice([*IN_A_THREAD, None])
        if fault is None:
            await store_stopped(traffic.daemon)
        else:
            await asyncio.to_thread(fault, traffic.daemon)
    await traffic.grows(ITEMS_BETWEEN)


def rejected_codes(daemon: Daemon, token: str) -> Counter[str]:
    """Return how many rejected items are kept, by code."""
    codes: Counter[str] = Counter()
    cursor = ""
    while True:
        page = daemon.get(f"/admin/rejected?limit={PAGE}{cursor}", token)
        codes.update(row["code"] for row in page["rows"])
        if page["next"] is None:
            return codes
        cursor = f"&cursor={page['next']}"


def require_conserved(daemon: Daemon, traffic: MixedTraffic, before: Counter[str]) -> None:
    """Compare what senders were told with what there is: they know nothing of the requests that broke off."""
    token = daemon.admin_token()
    drained(daemon, token)
    rows = Counter(event["source_label"] for event in exported(daemon, token)) - before
    assert set(rows.values()) == {1}
    assert traffic.receipts.keys() <= rows.keys() <= traffic.labels
    of_devices = events_of(daemon, token, traffic.application.app_code)
    assert traffic.answered["told"] <= of_devices <= traffic.answered["told"] + traffic.unanswered
    codes = rejected_codes(daemon, token)
    assert traffic.codes <= codes
    ledger = daemon.get("/admin/log", token)["ledger"]
    assert (ledger["lost"], ledger["pending"]) == (0, 0)
    assert ledger["answered"] == sum(ledger[state] for state in ("stored", "duplicate", "rejected"))
    stored = ledger["stored"] - before.total()
    assert (stored, ledger["rejected"]) == (rows.total() + of_devices, codes.total())
    told = traffic.answered.total()
    assert told <= ledger["answered"] - before.total() <= told + traffic.unanswered
    # A repeat that the door had forgotten was told "accepted", and is a duplicate all the same.
    sure = traffic.answered["accepted"] + traffic.answered["duplicate"] + traffic.answered["told"]
    assert sure <= stored + ledger["duplicate"]
    for label, receipt in random.Random(0).sample(sorted(traffic.receipts.items()), 20):
        assert daemon.get(f"/admin/receipts/{receipt}", token)["status"] in ("stored", "duplicate"), label


def events_of(daemon: Daemon, token: str, app_code: str) -> int:
    """Return how many events an application has."""
    answer = daemon.post("/query", {"app_code": app_code, "metrics": ["events"], "range": "24h"}, token)
    return int(answer["rows"][0]["metrics"][0])


async def test_p2_holds_after_random_traffic_with_random_faults(tmp_path: Path):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    with Daemon.fresh(tmp_path) as daemon:
        token = daemon.admin_token()
        traffic = MixedTraffic(daemon, Application.made(daemon, token), seed)
        await asyncio.to_thread(drained, daemon, token)
        before = Counter(event["source_label"] for event in exported(daemon, token))
        async with traffic.posting():
            await faulty(traffic, random.Random(seed))
        assert min(traffic.answered[way] for way in ("accepted", "duplicate", "rejected", "kept", "told")) > 0
        assert traffic.codes["attr_type_wrong"] > 0
        await asyncio.to_thread(require_conserved, daemon, traffic, before)
        print(f"{dict(traffic.answered)} answered, {traffic.unanswered} not, {dict(traffic.refused)} refused")
