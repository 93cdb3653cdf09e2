"""The whole way as a store under the contract suite: a real log, a real store process, asked over its link."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from collector.store_process import StoreProcess
from storage.errors import StoreDown
from storage.event import Event, RejectedItem, encode
from storage.ports import EventLog, EventStore
from storage.settings import StoreSettings
from storage.store_client import StoreClient
from tests.logs import open_log

LOADED_WITHIN_S = 30.0


class LinkedShelf:
    """Items go in through the log."""

    def __init__(self, log: EventLog, store: EventStore) -> None:
        self._log = log
        self.store = store
        self._items = 0

    async def load(self, items: list[Event | RejectedItem], *, duplicates: int = 0) -> None:
        rejected = sum(isinstance(item, RejectedItem) for item in items)
        await self._log.append([encode(item) for item in items], rejected=rejected, duplicates=duplicates)
        self._items += len(items) + duplicates
        async with asyncio.timeout(LOADED_WITHIN_S):
            while await self._loaded() < self._items:
                await asyncio.sleep(0.01)

    async def _loaded(self) -> int:
        health = await self.store.health()
        return health.n_rows + health.n_rejected + health.n_duplicates


def settings_for(data: Path, **changed: float) -> StoreSettings:
    told = {
        "memory_limit_mb": 128,
        "threads": 1,
        "batch_age_s": 0.02,
        "batch_events": 10_000,
        "batch_bytes_max": 1 << 25,
        "checkpoint_s": 60.0,
        "rejected_bytes_max": 1 << 26,
        "query_threads": 2,
        "query_timeout_s": 20.0,
    }
    return StoreSettings(
        data=str(data), link=-1, log_level="info", erasure_key="key", log_format="json", **(told | changed)
    )


@contextlib.asynccontextmanager
async def running_store(settings: StoreSettings) -> AsyncIterator[StoreClient]:
    """Yield a client of a real store process, once that answers; it is ended and waited for."""
    client = StoreClient(query_timeout_s=settings.query_timeout_s)
    process = StoreProcess(client, settings, restart_wait_s=0.05, restart_wait_s_max=0.2, stop_wait_s=20.0)
    running = asyncio.create_task(process.run())
    try:
        await answers(client)
        yield client
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def answers(client: StoreClient) -> None:
    """Return once a store process answers."""
    async with asyncio.timeout(LOADED_WITHIN_S):
        while True:
            with contextlib.suppress(StoreDown):
                await client.health()
                return
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def store_process_shelf(directory: Path) -> AsyncIterator[LinkedShelf]:
    async with open_log(directory) as log, running_store(settings_for(directory)) as client:
        yield LinkedShelf(log, client)
