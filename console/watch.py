"""What is known of the daemon: one frozen snapshot, made anew by everything that is heard while somebody is signed in."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

from collector.wire.live import LiveBatch
from collector.wire.query import Metric
from console.answers import read
from console.errors import ConsoleError, Refused
from console.feed import Streams, follow
from console.overview import Asks, overview
from console.state import Link, Me, Rates, Snapshot, Span

REFRESH_S = 2.0
"""Between two overviews at least; the daemon gets REST times as long as it took to answer."""
REST = 10
IDLE_REFRESH_S = 15.0
"""Between two overviews while no event comes in."""
ME_S = 15.0
"""Between two looks at who is signed in: the role may change."""


class Client(Asks, Streams, Protocol):
    """What of a client is needed here."""

    async def get(self, path: str) -> bytes:
        """Return the body of a good answer."""


class Watch:
    """Keeps the snapshot; `known` is called when it is another user or role than before."""

    def __init__(
        self, now: datetime, monotonic: Callable[[], float], draw: Callable[[], float], *, known: Callable[[], None]
    ) -> None:
        self.snapshot = Snapshot(now)
        self._monotonic = monotonic
        self._draw = draw
        self._known = known
        self._rates = Rates()
        self._stale = asyncio.Event()

    def at(self, now: datetime, now_s: float) -> Snapshot:
        """Return the snapshot with the rates of a moment."""
        return self.snapshot._replace(
            now=now,
            rate=None if self.snapshot.link.heard_at is None else self._rates.per_second(now_s),
            rates=tuple(self._rates.series(now_s)),
        )

    def ask(self, span: Span, metric: Metric) -> None:
        """Have the overview of another period or metric."""
        self.snapshot = self.snapshot._replace(span=span, metric=metric)
        self.wake()

    def wake(self) -> None:
        """Ask for the overview at once."""
        self._stale.set()

    def signed_out(self) -> None:
        """Know nobody any more; what was there stays."""
        self._set_link(Link("auth", self.snapshot.link.heard_at))
        self._know(None)

    async def run(self, client: Client) -> Refused:
        """Follow the daemon until it does not take the token any more."""
        refused: list[Refused] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow(client))
                tasks.create_task(self._keep_overview(client))
                tasks.create_task(self._keep_me(client))
        except* Refused as group:
            refused += [one for one in group.exceptions if isinstance(one, Refused)]
        return refused[0]

    async def _follow(self, client: Client) -> None:
        try:
            await follow(client, take=self._take, lost=self._lost, draw=self._draw)
        except Refused as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                raise
            self._set_link(Link("refused", reason=str(refused)))

    async def _keep_overview(self, client: Client) -> None:
        while True:
            self._stale.clear()
            began = self._monotonic()
            accepted = self.snapshot.accepted
            await self._ask_overview(client)
            rest_s = max(REFRESH_S, REST * (self._monotonic() - began))
            await self._woken(rest_s)
            if self.snapshot.accepted == accepted and not self._stale.is_set():
                await self._woken(IDLE_REFRESH_S - rest_s)

    async def _ask_overview(self, client: Client) -> None:
        asked = self.snapshot
        try:
            found = await overview(client, asked.span, asked.metric)
        except Refused as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                raise
            self.snapshot = self.snapshot._replace(problem=str(refused))
        except ConsoleError as error:
            self.snapshot = self.snapshot._replace(problem=str(error))
        else:
            self.snapshot = self.snapshot._replace(overview=found, problem="")

    async def _keep_me(self, client: Client) -> None:
        while True:
            try:
                self._know(read(await client.get("auth/me"), Me))
            except Refused as refused:
                if refused.status == HTTPStatus.UNAUTHORIZED:
                    raise
            except ConsoleError:
                # The link says so; who it was is still the best guess.
                pass
            await asyncio.sleep(ME_S)

    def _know(self, me: Me | None) -> None:
        if me != self.snapshot.me:
            self.snapshot = self.snapshot._replace(me=me)
            self._known()

    async def _woken(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._stale.wait()
        except TimeoutError:
            return

    def _take(self, raw: bytes) -> None:
        batch, now_s = read(raw, LiveBatch), self._monotonic()
        self._rates.add(now_s, batch.accepted)
        self.snapshot = self.snapshot.heard(batch)
        self._set_link(Link("live", now_s))

    def _lost(self, wait_s: float, error: ConsoleError) -> None:
        link = Link("retry", self.snapshot.link.heard_at, self._monotonic() + wait_s, str(error))
        self._set_link(link)

    def _set_link(self, link: Link) -> None:
        self.snapshot = self.snapshot._replace(link=link)
