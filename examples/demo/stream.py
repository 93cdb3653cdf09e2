"""The visitors' requests: the past in arrays, then one action at a time, as fast as told and no longer than told."""

import asyncio
import heapq
import itertools
import secrets
import time
from datetime import datetime
from http import HTTPStatus

import aiohttp

from examples.demo.visitors import THINK_MEAN_S, Item, Shop, Step, mean_actions

ARRAY_ITEMS = 500
CONNECTIONS_MAX = 8
SAMPLE_VISITS = 2000
PAST_HOURS, PAST_VISITS = 48, 5000
ANSWER_S = 30.0


class DemoFailed(Exception):
    """The daemon did not answer as it should."""


class Stream:
    """Sends what the shop's visitors do to the daemon at `url`; `sent` counts the events that were answered 202."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self._shop = Shop(seed)
        # What a visit has on average is drawn from a shop of its own, lest the seed's visits depend on it.
        other = Shop(seed)
        self._actions = mean_actions([other.visit() for _ in range(SAMPLE_VISITS)])
        self._tokens: dict[str, str] = {}
        self._signups = 0
        self.sent = 0

    async def fill(self, until: datetime) -> None:
        """Send two days of the past."""
        items = self._shop.past(until, PAST_HOURS, PAST_VISITS)
        async with self._session() as session:
            while array := list(itertools.islice(items, ARRAY_ITEMS)):
                await self._post(session, "/track", array, HTTPStatus.ACCEPTED, {})
                self.sent += len(array)

    async def run(self, *, seconds: float, events_per_s: float, stop: asyncio.Event) -> None:
        """Let visitors come until the time is over or `stop` is set."""
        began_s = time.monotonic()
        numbers = itertools.count()
        # Who is in the shop already.
        inside = round(events_per_s * THINK_MEAN_S)
        due = [(self._shop.pause_s(1 / THINK_MEAN_S), next(numbers), self._shop.visit(), 0) for _ in range(inside)]
        heapq.heapify(due)
        next_visit_s = 0.0
        async with self._session() as session:
            while not stop.is_set() and (now_s := time.monotonic() - began_s) < seconds:
                if next_visit_s <= now_s:
                    heapq.heappush(due, (now_s, next(numbers), self._shop.visit(), 0))
                    next_visit_s += self._shop.pause_s(events_per_s / self._actions)
                while due and due[0][0] <= now_s:
                    _, number, visit, place = heapq.heappop(due)
                    await self._act(session, visit.anonymous_id, visit.steps[place])
                    if place + 1 < len(visit.steps):
                        after_s = visit.steps[place + 1].after_s
                        heapq.heappush(due, (now_s + after_s, number, visit, place + 1))
                until_s = min([next_visit_s, seconds, *(one[0] for one in due[:1])])
                await _wait(stop, until_s - (time.monotonic() - began_s))

    async def _act(self, session: aiohttp.ClientSession, anonymous_id: str, step: Step) -> None:
        if step.signs_up and anonymous_id not in self._tokens:
            await self._sign_up(session, anonymous_id)
        token = self._tokens.get(anonymous_id)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        await self._post(session, "/track", step.item, HTTPStatus.ACCEPTED, headers)
        self.sent += 1

    async def _sign_up(self, session: aiohttp.ClientSession, anonymous_id: str) -> None:
        self._signups += 1
        person: Item = {
            "nickname": f"maker{self._signups}",
            "firstname": "Mae",
            "lastname": "Ker",
            "age": 18 + self._signups % 50,
            "password": secrets.token_urlsafe(),
        }
        headers = {"Cookie": f"footfall_id={anonymous_id}"}
        envelope = await self._post(session, "/auth/signup", person, HTTPStatus.OK, headers)
        self._tokens[anonymous_id] = str(envelope["jwt_token"])
        self.sent += 1  # a sign-up with a cookie is an event

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            self._url,
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=ANSWER_S),
        )

    async def _post(
        self, session: aiohttp.ClientSession, path: str, body: object, expected: int, headers: dict[str, str]
    ) -> Item:
        try:
            async with session.post(path, json=body, headers=headers) as answer:
                if answer.status != expected:
                    raise DemoFailed(f"{path} was answered {answer.status}: {await answer.text()}")
                return dict(await answer.json())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DemoFailed(f"{self._url}{path}: {error}") from None


async def _wait(stop: asyncio.Event, wait_s: float) -> None:
    if wait_s <= 0:
        return
    try:
        async with asyncio.timeout(wait_s):
            await stop.wait()
    except TimeoutError:
        return
