"""The store's end of the store link: answers questions in threads, each on a cursor of its own."""

import asyncio
import concurrent.futures
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

import msgspec
import structlog
from msgspec.structs import asdict, replace

from storage.errors import QueryRefused, StorageError, StoreRebuilding
from storage.health import LoadProgress, StoreHealth, StoreHealthQuery
from storage.query.erasure import EraseQuery, ErasureStarted
from storage.query.events import ExportQuery
from storage.query.metrics import MetricsPage, MetricsQuery
from storage.query.pivot import Pivot, PivotQuery
from storage.query.question import Query
from storage.query.receipts import ReceiptAnswer, ReceiptQuery
from storage.query.rederivation import Rederived, RederiveQuery
from storage.query.rejected import PersonRejectedQuery, RejectedPage, RejectedQuery, RejectedRaw, RejectedRawQuery
from storage.query.visits import BreakdownPage, BreakdownQuery, Summary, SummaryQuery, VisitsPage, VisitsQuery
from storage.store_link import WINDOW_CHUNKS, Answer, Ask, Cancel, Chunk, End, Failed, More, receive, send

log = structlog.get_logger()

INTERRUPT_AGAIN_S = 0.05
"""How often a query is told to end until it has."""

_questions = msgspec.msgpack.Decoder(Ask | Cancel | More)
_bodies = msgspec.msgpack.Encoder()
Result = TypeVar("Result")
Whole = (
    VisitsPage
    | BreakdownPage
    | Summary
    | MetricsPage
    | Pivot
    | ReceiptAnswer
    | RejectedPage
    | RejectedRaw
    | StoreHealth
    | ErasureStarted
)
"""What is answered in one message."""


class Reader(Protocol):
    """Blocking questions on one cursor, as EventStore says; `interrupt` ends the one under way from another thread."""

    def visits(self, query: VisitsQuery) -> VisitsPage: ...  # noqa: D102 - EventStore is the contract
    def breakdown(self, query: BreakdownQuery) -> BreakdownPage: ...  # noqa: D102
    def summary(self, query: SummaryQuery) -> Summary: ...  # noqa: D102
    def metrics(self, query: MetricsQuery) -> MetricsPage: ...  # noqa: D102
    def pivot(self, query: PivotQuery) -> Pivot: ...  # noqa: D102

    def export(self, query: ExportQuery | PersonRejectedQuery) -> Iterator[bytes]: ...  # noqa: D102
    def receipt(self, query: ReceiptQuery) -> ReceiptAnswer: ...  # noqa: D102
    def rejected(self, query: RejectedQuery) -> RejectedPage: ...  # noqa: D102
    def rejected_raw(self, query: RejectedRawQuery) -> RejectedRaw: ...  # noqa: D102
    def health(self) -> StoreHealth: ...  # noqa: D102
    def interrupt(self) -> None: ...  # noqa: D102


class StoreServer:
    """Answers in `query_threads` threads; a question, or a chunk of a stream, gets `query_timeout_s` at the most."""

    def __init__(
        self,
        open_reader: Callable[[], AbstractContextManager[Reader]],
        progress: Callable[[], LoadProgress],
        *,
        refuse: Callable[[], None],
        erase: Callable[[EraseQuery], ErasureStarted],
        rederive: Callable[[RederiveQuery], concurrent.futures.Future[Rederived]],
        query_threads: int,
        query_timeout_s: float,
    ) -> None:
        """`refuse` raises StoreRebuilding while questions must not be answered; health and erasure are all the same."""
        self._refuse = refuse
        self._erase = erase
        self._rederive = rederive
        self._open_reader = open_reader
        self._progress = progress
        self._query_timeout_s = query_timeout_s
        self._threads = concurrent.futures.ThreadPoolExecutor(query_threads, "query", initializer=_be_idle)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._windows: dict[int, asyncio.Semaphore] = {}

    async def serve(self, link: socket.socket) -> None:
        """Answer until the front closes its end."""
        reader, writer = await asyncio.open_connection(sock=link)
        try:
            while (raw := await receive(reader)) is not None:
                self._take(_questions.decode(raw), writer)
        finally:
            for task in list(self._tasks.values()):
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            writer.close()
            self._threads.shutdown()

    def _take(self, question: Ask | Cancel | More, writer: asyncio.StreamWriter) -> None:
        number = question.number
        if isinstance(question, Ask):
            task = asyncio.create_task(self._reply(question, writer))
            self._tasks[number] = task
            task.add_done_callback(lambda _: self._tasks.pop(number))
        elif isinstance(question, More):
            if window := self._windows.get(number):
                window.release()
        elif task_of := self._tasks.get(number):
            task_of.cancel()

    async def _reply(self, ask: Ask, writer: asyncio.StreamWriter) -> None:
        try:
            if not isinstance(ask.query, StoreHealthQuery | EraseQuery):
                self._refuse()
            if isinstance(ask.query, RederiveQuery):
                # As long as it takes: the thread that loads does it, and no cursor is held meanwhile.
                rederived = await asyncio.wrap_future(self._rederive(ask.query))
                send(writer, Answer(ask.number, _bodies.encode(rederived)))
            else:
                await self._read(ask, writer)
        except QueryRefused as error:
            send(writer, Failed(ask.number, "refused", str(error), error.field))
        except StoreRebuilding as error:
            send(writer, Failed(ask.number, "rebuilding", str(error)))
        except TimeoutError:
            send(writer, Failed(ask.number, "timeout", f"the query took longer than {self._query_timeout_s} s"))
        except (StorageError, OSError) as error:
            log.error("query_failed", query=type(ask.query).__name__, reason=str(error))
            send(writer, Failed(ask.number, "failed", str(error)))
        await writer.drain()

    async def _read(self, ask: Ask, writer: asyncio.StreamWriter) -> None:
        with self._open_reader() as reader:
            if isinstance(ask.query, ExportQuery | PersonRejectedQuery):
                await self._stream(ask.number, ask.query, reader, writer)
            else:
                body = await self._in_thread(lambda: _bodies.encode(self._ask(reader, ask.query)), reader)
                send(writer, Answer(ask.number, body))

    async def _stream(
        self, number: int, query: ExportQuery | PersonRejectedQuery, reader: Reader, writer: asyncio.StreamWriter
    ) -> None:
        window = self._windows[number] = asyncio.Semaphore(WINDOW_CHUNKS)
        try:
            chunks = reader.export(query)
            while (lines := await self._in_thread(lambda: next(chunks, None), reader)) is not None:
                await window.acquire()
                send(writer, Chunk(number, lines))
                await writer.drain()
            send(writer, End(number))
        finally:
            del self._windows[number]

    async def _in_thread(self, call: Callable[[], Result], reader: Reader) -> Result:
        job = self._threads.submit(call)
        try:
            async with asyncio.timeout(self._query_timeout_s):
                return await asyncio.wrap_future(job)
        except (TimeoutError, asyncio.CancelledError):
            # The cursor must not be closed under a running query, and an interrupt just before one begins is lost.
            while not job.done():
                reader.interrupt()
                await asyncio.sleep(INTERRUPT_AGAIN_S)
            raise

    def _ask(self, reader: Reader, query: Query) -> Whole:
        if isinstance(query, StoreHealthQuery):
            return replace(reader.health(), **asdict(self._progress()))
        if isinstance(query, EraseQuery):
            return self._erase(query)
        return _read(reader, query)


def _read(reader: Reader, query: Query) -> Whole:
    answer: Whole
    match query:
        case VisitsQuery():
            answer = reader.visits(query)
        case BreakdownQuery():
            answer = reader.breakdown(query)
        case SummaryQuery():
            answer = reader.summary(query)
        case MetricsQuery():
            answer = reader.metrics(query)
        case PivotQuery():
            answer = reader.pivot(query)
        case ReceiptQuery():
            answer = reader.receipt(query)
        case RejectedQuery():
            answer = reader.rejected(query)
        case RejectedRawQuery():
            answer = reader.rejected_raw(query)
        case _:
            raise AssertionError("answered elsewhere")
    return answer


def _be_idle() -> None:
    """Let questions have what nobody else wants of the processors: the front's answers, and loads, come first."""
    if hasattr(os, "SCHED_IDLE"):
        # On Linux this is about the calling thread; nice alone lets a question hold a processor for milliseconds.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
