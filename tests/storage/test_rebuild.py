"""A store process that is filled again: what it says meanwhile, and what it says afterwards."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from storage.errors import StoreDown, StoreRebuilding
from storage.event import encode
from storage.health import StoreHealth
from storage.query.events import EventFilter
from storage.query.visits import Summary, SummaryQuery
from storage.rebuild import MISSING
from storage.store_client import StoreClient
from tests.contracts.linked import running_store, settings_for
from tests.contracts.samples import event
from tests.logs import open_log

SUMMARY = SummaryQuery(where=EventFilter(app_code="site"), pages=10)
WITHIN_S = 30.0


async def write_logs(data: Path, logs: int = 3, events: int = 50) -> None:
    for _ in range(logs):
        async with open_log(data) as log:
            await log.append([encode(event(page_url=f"/{n}")) for n in range(events)])


async def reaches(client: StoreClient, condition: Callable[[StoreHealth], bool]) -> StoreHealth:
    async with asyncio.timeout(WITHIN_S):
        while True:
            with contextlib.suppress(StoreDown):
                health = await client.health()
                if condition(health):
                    return health
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def filled(data: Path, **settings: float) -> AsyncIterator[StoreClient]:
    async with running_store(settings_for(data, **settings)) as client:
        yield client


def is_partly_done(health: StoreHealth) -> bool:
    rebuild = health.rebuild
    return rebuild is not None and 0 < rebuild.bytes_left < rebuild.bytes_total


async def whole(data: Path, **settings: float) -> Summary:
    async with filled(data, **settings) as client:
        await reaches(client, lambda health: health.n_rows == 150 and health.rebuild is None)
        return await client.summary(SUMMARY)


async def test_the_first_start_of_a_new_data_directory_is_no_rebuild(tmp_path: Path) -> None:
    async with open_log(tmp_path) as log:
        await log.append([encode(event())])
        async with filled(tmp_path, emulate_slow_s=60.0) as client:
            assert (await client.health()).rebuild is None
            assert (await client.summary(SUMMARY)).total_visits == 0


@pytest.mark.long
async def test_nothing_is_answered_from_a_part_while_the_store_is_filled_again(tmp_path: Path) -> None:
    await write_logs(tmp_path)
    async with filled(tmp_path, emulate_slow_s=1.0, batch_events=10) as client:
        health = await reaches(client, is_partly_done)
        assert health.rebuild is not None
        assert health.rebuild.reason == MISSING
        with pytest.raises(StoreRebuilding, match=r"being rebuilt: \d+ %, about \d+ s left"):
            await client.summary(SUMMARY)
        await reaches(client, lambda health: health.rebuild is None)
        assert (await client.summary(SUMMARY)).total_visits == 150


async def test_a_rebuild_that_was_asked_for_ends_in_the_same_answers(tmp_path: Path) -> None:
    await write_logs(tmp_path)
    before = await whole(tmp_path)
    assert await whole(tmp_path, rebuild=True) == before
    assert len(list((tmp_path / "quarantine").glob("events.duckdb.*"))) > 0


async def test_a_rebuild_that_was_killed_goes_on_where_it_was_and_is_still_one(tmp_path: Path) -> None:
    await write_logs(tmp_path)
    async with filled(tmp_path, emulate_slow_s=1.0, batch_events=10) as client:
        before = await reaches(client, lambda health: health.n_rows > 0)
    async with filled(tmp_path, emulate_slow_s=1.0, batch_events=10) as client:
        after = await client.health()
        assert before.rebuild is not None
        assert after.rebuild is not None
        assert after.n_rows >= before.n_rows
        assert (after.rebuild.began_at, after.rebuild.reason) == (before.rebuild.began_at, before.rebuild.reason)
        await reaches(client, lambda health: health.rebuild is None)
        assert (await client.summary(SUMMARY)).total_visits == 150
