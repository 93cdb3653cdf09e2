"""Stores under the contract suite: a way to load a batch, and the port to ask."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol, TypeVar

from storage.duckdb.enrich import ENRICHMENT, Enrichment
from storage.duckdb.reader import Reader
from storage.duckdb.store import DuckDBStore
from storage.event import Event, RejectedItem, encode
from storage.health import StoreHealth
from storage.ports import EventSink, EventStore, LogRange
from storage.query.events import ExportQuery
from storage.query.metrics import MetricsPage, MetricsQuery
from storage.query.pivot import Pivot, PivotQuery
from storage.query.receipts import ReceiptAnswer, ReceiptQuery
from storage.query.rejected import PersonRejectedQuery, RejectedPage, RejectedQuery, RejectedRaw, RejectedRawQuery
from storage.query.visits import BreakdownPage, BreakdownQuery, Summary, SummaryQuery, VisitsPage, VisitsQuery
from storage.suppression import SUPPRESSION_NAME, Suppression
from tests.fakes.store import MemoryStore

LOG_ID = "0000000001-abcdef"

Answer = TypeVar("Answer")


class Shelf(Protocol):
    """What the suite needs of an adapter. `load` returns once the items can be asked for; they may be several batches."""

    store: EventStore

    async def load(self, items: list[Event | RejectedItem], *, duplicates: int = 0) -> None: ...


Adapter = Callable[[Path], AbstractAsyncContextManager[Shelf]]


class SinkShelf:
    """A store in this process, behind EventSink."""

    def __init__(self, directory: Path, sink: EventSink, store: EventStore) -> None:
        self.directory = directory
        self.sink = sink
        self.store = store

    async def load(self, items: list[Event | RejectedItem], *, duplicates: int = 0) -> None:
        self.apply(items, duplicates=duplicates)

    def apply(
        self, items: list[Event | RejectedItem], *, start: int | None = None, log_id: str = LOG_ID, duplicates: int = 0
    ) -> None:
        """Load one batch, behind what is loaded unless `start` says otherwise."""
        at = self.sink.positions().get(log_id)
        first = (at.next_offset if at else 0) if start is None else start
        lines = [b'{"offset":%d,' % (first + index) + encode(item)[1:] + b"\n" for index, item in enumerate(items)]
        batch = log_range(first, first + len(items) - 1, (at.byte_end if at else 0) + 1, log_id, duplicates)
        self.apply_lines(batch, b"".join(lines))

    def apply_lines(self, batch: LogRange, lines: bytes) -> None:
        spool = self.directory / "spool.ndjson"
        spool.write_bytes(lines)
        self.sink.apply(batch, spool)


def log_range(
    first: int, last: int, byte_end: int, log_id: str = LOG_ID, duplicates: int = 0, *, is_lost: bool = False
) -> LogRange:
    return LogRange(
        log_id=log_id,
        from_offset=first,
        to_offset=last,
        segment=1,
        byte_end=byte_end,
        duplicates=duplicates,
        is_lost=is_lost,
    )


class InThreads:
    """The questions of a DuckDBStore as an EventStore."""

    def __init__(self, store: DuckDBStore) -> None:
        self._store = store

    async def visits(self, query: VisitsQuery) -> VisitsPage:
        return await self._ask(lambda reader: reader.visits(query))

    async def breakdown(self, query: BreakdownQuery) -> BreakdownPage:
        return await self._ask(lambda reader: reader.breakdown(query))

    async def summary(self, query: SummaryQuery) -> Summary:
        return await self._ask(lambda reader: reader.summary(query))

    async def metrics(self, query: MetricsQuery) -> MetricsPage:
        return await self._ask(lambda reader: reader.metrics(query))

    async def pivot(self, query: PivotQuery) -> Pivot:
        return await self._ask(lambda reader: reader.pivot(query))

    async def receipt(self, query: ReceiptQuery) -> ReceiptAnswer:
        return await self._ask(lambda reader: reader.receipt(query))

    async def rejected(self, query: RejectedQuery) -> RejectedPage:
        return await self._ask(lambda reader: reader.rejected(query))

    async def rejected_raw(self, query: RejectedRawQuery) -> RejectedRaw:
        return await self._ask(lambda reader: reader.rejected_raw(query))

    async def health(self) -> StoreHealth:
        return await self._ask(lambda reader: reader.health())

    async def export(self, query: ExportQuery | PersonRejectedQuery) -> AsyncGenerator[bytes, None]:
        with self._store.reader() as reader:
            chunks = reader.export(query)
            while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
                yield chunk

    async def _ask(self, question: Callable[[Reader], Answer]) -> Answer:
        with self._store.reader() as reader:
            return await asyncio.to_thread(question, reader)


def open_store(directory: Path, rejected_bytes_max: int = 1 << 26, enrichment: Enrichment = ENRICHMENT) -> DuckDBStore:
    return DuckDBStore(
        directory / "events.duckdb",
        memory_limit_mb=128,
        threads=1,
        temp_directory=directory / "tmp",
        quarantine=directory / "quarantine",
        suppression=Suppression(directory / SUPPRESSION_NAME, "key"),
        rejected_bytes_max=rejected_bytes_max,
        enrichment=enrichment,
    )


@contextlib.asynccontextmanager
async def duckdb_shelf(directory: Path) -> AsyncIterator[SinkShelf]:
    with open_store(directory) as store:
        yield SinkShelf(directory, store, InThreads(store))


@contextlib.asynccontextmanager
async def memory_shelf(directory: Path) -> AsyncIterator[SinkShelf]:
    store = MemoryStore()
    yield SinkShelf(directory, store, store)


SINKS: dict[str, Callable[[Path], AbstractAsyncContextManager[SinkShelf]]] = {
    "duckdb": duckdb_shelf,
    "memory": memory_shelf,
}
