"""Random traffic of every form on a real daemon, and what was answered to each item of it."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, Self

import aiohttp
import msgspec

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

BODIES: tuple[tuple[str, Callable[[object], bytes]], ...] = (
    ("application/json", msgspec.json.encode),
    ("text/plain", msgspec.json.encode),
    ("application/msgpack", msgspec.msgpack.encode),
)
FORM_WEIGHTS = (6, 2, 2)

OK, ACCEPTED, UNPROCESSABLE = 200, 202, 422


class Application(NamedTuple):
    """One whose definition of `event` is enforced: `n` is an integer."""

    app_code: str
    api_token: str
    event: str

    @classmethod
    def made(cls, daemon: Daemon, token: str) -> Self:
        """Make it, as the user of the token."""
        created = daemon.post("/app/create", {"app_name": "parts"}, token)
        app_code, event = str(created["app_code"]), "part"
        attrs = [{"name": "part", "type": "string"}, {"name": "n", "type": "integer"}]
        daemon.post(f"/app/create_event/{app_code}", {"events": [{"name": event, "attrs": attrs}]}, token)
        daemon.open(f"/app/{app_code}", b'{"mode": "enforce"}', token, method="PATCH")
        return cls(app_code, str(created["api_token"]), event)


class MixedTraffic:
    """Posts single items, arrays, repeats and wrong items in every form without pause; a label belongs to one event.

    `answered` counts the items of 2xx answers by status, and those that were answered 422 and are quarantined; "kept" may
    be anything, "told" is stored for an application. `unanswered` those of requests that broke off: they may have
    been taken.
    """

    def __init__(self, daemon: Daemon, application: Application, seed: int) -> None:
        self.daemon = daemon
        self.application = application
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
        forms = (self._track, self._call_segment, self._tell_of_device)
        while not self._stop.is_set():
            items = [self._item() for _ in range(self._dice.randint(0, ITEMS_MAX))]
            try:
                await self._dice.choices(forms, FORM_WEIGHTS)[0](session, items)
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)  # nobody was there to take it
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                self.unanswered += len(items) or 1
                await asyncio.sleep(0.02)

    async def _track(self, session: aiohttp.ClientSession, items: list[Item]) -> None:
        """Send an array or a single item, in any of the forms of a body."""
        body: object = items or self._item()
        media, encode = self._dice.choice(BODIES)
        async with session.post(
            self.daemon.url + "/track", data=encode(body), headers={"Content-Type": media}
        ) as answer:
            if answer.status != ACCEPTED:
                self.refused[answer.status] += 1
                return
            answered = await answer.json()
            for item, result in zip(items or [body], answered.get("results", [answered]), strict=True):
                self._note(str(item.get("source_label")), result)

    async def _call_segment(self, session: aiohttp.ClientSession, items: list[Item]) -> None:
        """Send calls of Segment's API, whose answer says no more than that all are kept."""
        calls = [call_of(item) for item in items]
        async with session.post(self.daemon.url + "/v1/batch", json={"batch": calls}) as answer:
            if answer.status == OK:
                self.answered["kept"] += len(calls)
            else:
                self.refused[answer.status] += 1

    async def _tell_of_device(self, session: aiohttp.ClientSession, items: list[Item]) -> None:
        """Send a device's message, which is quarantined where it breaks its definition."""
        items.clear()
        attrs = {"part": "diode", "n": self._dice.choice((1, "one"))}
        message = {"user_code": "u1", "event_name": self.application.event, "attrs": attrs}
        async with session.post(
            f"{self.daemon.url}/device/{self.application.app_code}",
            json=message,
            headers={"X-Api-Token": self.application.api_token},
        ) as answer:
            if answer.status == OK:
                self.answered["told"] += 1
            elif answer.status == UNPROCESSABLE:
                self._note("", {"status": "rejected", "code": (await answer.json())["errors"][0]["code"]})
            else:
                self.refused[answer.status] += 1

    def _note(self, label: str, result: dict[str, str]) -> None:
        self.answered[result["status"]] += 1
        if result["status"] == "rejected":
            self.codes[result["code"]] += 1
        else:
            self.receipts.setdefault(label, result["receipt"])

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


def call_of(item: Item) -> Item:
    """Return the item as Segment's API has it; one that is wrong is a call of no type."""
    if item.get("source_label") not in (None, 7, "", "a"):
        names = {"source_label": "event", "event_id": "messageId", "date_created": "timestamp"}
        return {"type": "track", "anonymousId": "v"} | {names[name]: value for name, value in item.items()}
    return {"type": "nothing"}
