"""The front's end of the store link: an EventStore that asks the store process."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Iterator
from typing import TypeVar

import msgspec

from storage.errors import QueryRefused, QueryTimeout, StorageError, StoreDown, StoreRebuilding
from storage.health import StoreHealth, StoreHealthQuery
from storage.query.erasure import EraseQuery, ErasureStarted, LogPlace, Person
from storage.query.events import ExportQuery
from storage.query.metrics import MetricsPage, MetricsQuery
from storage.query.pivot import Pivot, PivotQuery
from storage.query.question import Query
from storage.query.receipts import ReceiptAnswer, ReceiptQuery
from storage.query.rederivation import Rederived, RederiveQuery
from storage.query.rejected import PersonRejectedQuery, RejectedPage, RejectedQuery, RejectedRaw, RejectedRawQuery
from storage.query.visits import BreakdownPage, BreakdownQuery, Summary, SummaryQuery, VisitsPage, VisitsQuery
from storage.store_link import Answer, Ask, Cancel, Chunk, End, Failed, More, Question, Reply, receive, send

ANSWER_GRACE_S = 5.0
"""How much longer than a query's own time limit the front waits for an answer; how the store is takes no query."""

REDERIVE_WAIT_S = 3600.0
"""How long the front waits while what is stored is derived again."""

_replies = msgspec.msgpack.Decoder(Reply)
Shape = TypeVar("Shape")


class StoreClient:
    """The front's end: an EventStore that raises StoreDown while no store process is attached."""

    def __init__(self, *, query_timeout_s: float) -> None:
        self._answer_wait_s = query_timeout_s + ANSWER_GRACE_S
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Queue[Reply]] = {}
        self._number = 0

    async def attach(self, link: socket.socket) -> None:
        """Use `link` until its other end closes; what waits then gets StoreDown."""
        reader, self._writer = await asyncio.open_connection(sock=link)
        try:
            while (raw := await receive(reader)) is not None:
                reply = _replies.decode(raw)
                if waiting := self._waiting.get(reply.number):
                    waiting.put_nowait(reply)
        finally:
            self._writer.close()
            self._writer = None
            for number, waiting in self._waiting.items():
                waiting.put_nowait(Failed(number, "ended", "the store process ended"))

    async def visits(self, query: VisitsQuery) -> VisitsPage:
        """Ask for single pageviews."""
        return await self._answer(query, VisitsPage)

    async def breakdown(self, query: BreakdownQuery) -> BreakdownPage:
        """Ask for pageviews by dimension."""
        return await self._answer(query, BreakdownPage)

    async def summary(self, query: SummaryQuery) -> Summary:
        """Ask for totals."""
        return await self._answer(query, Summary)

    async def metrics(self, query: MetricsQuery) -> MetricsPage:
        """Ask for metrics by dimension."""
        return await self._answer(query, MetricsPage)

    async def pivot(self, query: PivotQuery) -> Pivot:
        """Ask for an event by user and value."""
        return await self._answer(query, Pivot)

    async def receipt(self, query: ReceiptQuery) -> ReceiptAnswer:
        """Ask what became of a line."""
        return await self._answer(query, ReceiptAnswer)

    async def rejected(self, query: RejectedQuery) -> RejectedPage:
        """Ask for rejected items."""
        return await self._answer(query, RejectedPage)

    async def rejected_raw(self, query: RejectedRawQuery) -> RejectedRaw:
        """Ask for one rejected item."""
        return await self._answer(query, RejectedRaw)

    async def health(self) -> StoreHealth:
        """Ask how the store is."""
        return await self._answer(StoreHealthQuery(), StoreHealth, ANSWER_GRACE_S)

    async def erase(self, person: Person, until: LogPlace) -> ErasureStarted:
        """Have a person erased up to a place of the logs; what comes of it is in `health`."""
        return await self._answer(EraseQuery(person, until), ErasureStarted)

    async def rederive(self, *, is_dry_run: bool) -> Rederived:
        """Have what is stored derived again; the answer takes as long as that."""
        return await self._answer(RederiveQuery(is_dry_run), Rederived, REDERIVE_WAIT_S)

    async def export(self, query: ExportQuery | PersonRejectedQuery) -> AsyncGenerator[bytes, None]:
        """Ask for events or rejected items and yield them as they come; closing the iterator cancels the query."""
        with self._question(query) as (number, replies):
            while not isinstance(reply := await self._next(replies, self._answer_wait_s), End):
                assert isinstance(reply, Chunk)
                yield reply.lines
                self._tell(More(number))

    async def _answer(self, query: Query, shape: type[Shape], wait_s: float | None = None) -> Shape:
        with self._question(query) as (_, replies):
            reply = await self._next(replies, self._answer_wait_s if wait_s is None else wait_s)
            assert isinstance(reply, Answer)
            return msgspec.msgpack.decode(reply.body, type=shape)

    @contextlib.contextmanager
    def _question(self, query: Query) -> Iterator[tuple[int, asyncio.Queue[Reply]]]:
        self._number += 1
        number, replies = self._number, asyncio.Queue[Reply]()
        self._waiting[number] = replies
        try:
            self._tell(Ask(number, query))
            yield number, replies
        finally:
            del self._waiting[number]
            with contextlib.suppress(StoreDown):
                self._tell(Cancel(number))

    def _tell(self, question: Question) -> None:
        if self._writer is None:
            raise StoreDown("the store process is not running")
        send(self._writer, question)

    async def _next(self, replies: "asyncio.Queue[Reply]", wait_s: float) -> Reply:
        try:
            async with asyncio.timeout(wait_s):
                reply = await replies.get()
        except TimeoutError:
            raise StoreDown(f"the store process did not answer within {wait_s:g} s") from None
        if isinstance(reply, Failed):
            raise _error_of(reply)
        return reply


def _error_of(failed: Failed) -> StorageError:
    if failed.kind == "refused":
        return QueryRefused(failed.field, failed.message)
    if failed.kind == "timeout":
        return QueryTimeout(failed.message)
    return (StoreRebuilding if failed.kind == "rebuilding" else StoreDown)(failed.message)
