"""The batcher between a real log and a store that can fail."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from storage.batcher import Batcher
from storage.errors import StorageError
from storage.event import BUILT_IN_APP, encode
from storage.ports import EventSink, LogRange
from storage.query.events import EventFilter
from storage.query.visits import SummaryQuery
from tests.contracts.samples import event
from tests.fakes.store import MemoryStore
from tests.logs import open_log, reader_of

WITHIN_S = 20.0


class FailingStore(MemoryStore):
    """Fails every other `apply`: in turn before anything was stored, and after everything was."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def apply(self, batch: LogRange, lines: Path) -> None:
        self.calls += 1
        if self.calls % 4 == 1:
            raise StorageError("the disk is full")
        super().apply(batch, lines)
        if self.calls % 4 == 3:
            raise StorageError("committed, but the checkpoint failed")


@contextlib.asynccontextmanager
async def batching(data: Path, sink: EventSink, *, batch_events: int = 10) -> AsyncIterator[Batcher]:
    batcher = Batcher(
        reader_of(data),
        sink,
        data / "spool",
        batch_age_s=0.01,
        batch_events=batch_events,
        batch_bytes_max=1 << 20,
        checkpoint_s=1000.0,
        checkpointed=lambda positions: None,
        retry_s=0.01,
    )
    running = asyncio.create_task(asyncio.to_thread(batcher.run))
    try:
        yield batcher
    finally:
        batcher.stop()
        await running


async def visits_reach(store: MemoryStore, count: int) -> int:
    query = SummaryQuery(where=EventFilter(app_code=BUILT_IN_APP), pages=1)
    async with asyncio.timeout(WITHIN_S):
        while (await store.summary(query)).total_visits < count:
            await asyncio.sleep(0.01)
    return (await store.summary(query)).total_visits


async def test_everything_is_stored_once_though_the_store_fails_before_and_after_its_commit(tmp_path: Path):
    store = FailingStore()
    async with open_log(tmp_path) as log:
        for _ in range(20):
            await log.append([encode(event(page_url="/a"))] * 3)
        async with batching(tmp_path, store, batch_events=2):
            assert await visits_reach(store, 60) == 60
    assert store.calls > 6
    assert store.positions()[log.log_id].next_offset == 60


async def test_what_keeps_events_from_being_loaded_is_told(tmp_path: Path):
    class BrokenStore(MemoryStore):
        def apply(self, batch: LogRange, lines: Path) -> None:
            raise StorageError("the disk is full")

    async with open_log(tmp_path) as log:
        await log.append([encode(event(page_url="/a"))])
        async with batching(tmp_path, BrokenStore()) as batcher, asyncio.timeout(WITHIN_S):
            while batcher.progress().last_error != "the disk is full":
                await asyncio.sleep(0.01)
            assert batcher.progress().lag_bytes > 0


async def test_a_backlog_is_copied_five_batches_at_once_without_waiting(tmp_path: Path):
    sizes = []

    class CountingStore(MemoryStore):
        def apply(self, batch: LogRange, lines: Path) -> None:
            sizes.append(batch.to_offset - batch.from_offset + 1)
            super().apply(batch, lines)

    async with open_log(tmp_path) as log:
        for _ in range(10):
            await log.append([encode(event(page_url="/a"))] * 100)
    store = CountingStore()
    async with batching(tmp_path, store, batch_events=60):
        assert await visits_reach(store, 1000) == 1000
    assert sizes == [300, 300, 300, 100]
