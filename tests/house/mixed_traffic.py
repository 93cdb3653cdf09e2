"""Random traffic of every form on a real daemon, and what was answered to each item of it."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp

from tests.house.daemon import Daemon, wait_for

POSTERS = 6
ITEMS_MAX = 12
"""Of one array."""
REMEMBERED = 200
"""Items that a poster may send again."""

Item = dict[str, object]

WRONG: tuple[tuple[str, Item], ...] = (
    ("missing", {"page_url": "/a"}),
    ("wrong_type", {"source_label": 7}),
    ("wrong_value", {"source_label": ""}),
    ("app_unknown", {"source_label": "a", "app_code": "nobodys"}),
    (
        "attrs_too_deep",
        {"source_label": "a", "attrs": {"a": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}},
    ),
)
"""Items that are rejected inside an array, with the code."""


class MixedTraffic:
    """Posts single items, arrays, repeats and wrong items without pause; a label belongs to one event.

    `answered` counts the items of 2xx answers by status, `unanswered` those of requests that broke off: they may have
    been taken.
    """

    def __init__(self, daemon: Daemon, seed: int) -> None:
        self.daemon = daemon
        self._dice = random.Random(seed)
        self._number = 0
        self._sent: list[Item] = []
        self.labels: set[str] = set()
        self.receipts: dict[str, str] = {}
        self.answered: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.unanswered = 0
        self.refused: Counter[int] = Counter()
        self._stop = asyncio.Event()

    @contextlib.asynccontextmanager
    async def posting(self) -> AsyncIterator[None]:
        """Post as long as the block runs; every answer is noted when it is left."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._run())
            try:
                yield
            finally:
                self._stop.set()

    async def grows(self, items: int) -> None:
        """Return once that many items more are answered."""
        wanted = self.answered.total() + items
        await asyncio.to_thread(wait_for, lambda: self.answered.total() >= wanted)

    async def _run(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            await asyncio.gather(*(self._post_until_stopped(session) for _ in range(POSTERS)))

    async def _post_until_stopped(self, session: aiohttp.ClientSession) -> None:
        while not self._stop.is_set():
            items = [self._item() for _ in range(self._dice.randint(0, ITEMS_MAX))]
            body: object = items or self._item()
            try:
                async with session.post(self.daemon.url + "/track", json=body) as answer:
                    self._note(items or [body], answer.status, await answer.json())
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)  # nobody was there to take it
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                self.unanswered += len(items) or 1
                await asyncio.sleep(0.02)

    def _note(self, items: list[object], status: int, answer: dict[str, object]) -> None:
        if status != 202:
            self.refused[status] += 1
            return
        results = answer.get("results", [answer])
        for item, result in zip(items, results, strict=True):
            self.answered[result["status"]] += 1
            if result["status"] == "rejected":
                self.codes[result["code"]] += 1
            else:
                self.receipts.setdefault(str(item["source_label"]), result["receipt"])

    def _item(self) -> Item:
        kind = self._dice.random()
        if kind < 0.2 and self._sent:
            return self._dice.choice(self._sent)
        if kind < 0.35:
            return self._dice.choice(WRONG)[1]
        return self._good()

    def _good(self) -> Item:
        self._number += 1
        label = f"label-{self._number}"
        self.labels.add(label)
        item: Item = {"source_label": label}
        if self._dice.random() < 0.5:
            item |= {"event_id": label}
            if self._dice.random() < 0.5:
                item |= {"date_created": f"20{self._dice.randint(10, 25)}-06-01 12:00:00"}
            self._sent = [*self._sent[-REMEMBERED:], item]
        return item
