"""The front and its store process: what the front is told when the other end is slow, dies or is not there."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest

from collector.store_process import StoreProcess
from storage.errors import QueryTimeout, StoreDown
from storage.event import BUILT_IN_APP
from storage.lock import Lock
from storage.query.events import EventFilter, ExportQuery
from storage.query.visits import SummaryQuery
from storage.store_client import StoreClient
from tests.contracts.linked import LinkedShelf, answers, running_store, settings_for
from tests.contracts.samples import event
from tests.logs import open_log

EVERYTHING = EventFilter(app_code=BUILT_IN_APP)


def children() -> list[int]:
    return [int(child) for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


async def test_without_a_store_process_every_question_is_answered_store_down():
    client = StoreClient(query_timeout_s=1.0)
    with pytest.raises(StoreDown):
        await client.health()
    with pytest.raises(StoreDown):
        await anext(client.export(ExportQuery(where=EVERYTHING)))


async def test_a_killed_store_process_is_followed_by_another_that_knows_everything(tmp_path: Path):
    (tmp_path / "log").mkdir()
    async with open_log(tmp_path) as log, running_store(settings_for(tmp_path)) as client:
        shelf = LinkedShelf(log, client)
        await shelf.load([event(page_url="/a"), event(page_url="/b")])
        for child in children():
            os.kill(child, signal.SIGKILL)
        with contextlib.suppress(StoreDown):
            while True:
                await client.health()
        await answers(client)
        await shelf.load([event(page_url="/c")])
        assert (await client.summary(SummaryQuery(where=EVERYTHING, pages=10))).total_visits == 3


async def test_a_question_over_the_time_limit_is_ended_and_said_so(tmp_path: Path):
    (tmp_path / "log").mkdir()
    client = StoreClient(query_timeout_s=0.0)
    process = StoreProcess(
        client,
        settings_for(tmp_path, query_timeout_s=0.0),
        restart_wait_s=0.05,
        restart_wait_s_max=0.2,
        stop_wait_s=20.0,
    )
    running = asyncio.create_task(process.run())
    with pytest.raises(QueryTimeout, match=r"longer than 0\.0 s"):
        await answers(client)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_store_process_ends_with_its_front(tmp_path: Path):
    (tmp_path / "log").mkdir()
    async with running_store(settings_for(tmp_path)):
        assert len(children()) == 1
    assert children() == []
    Lock(tmp_path / "store" / "LOCK").acquire().release()


async def test_a_new_store_process_waits_for_the_lock_of_the_last_one(tmp_path: Path):
    (tmp_path / "log").mkdir()
    (tmp_path / "store").mkdir()
    lock = Lock(tmp_path / "store" / "LOCK").acquire()
    asyncio.get_running_loop().call_later(1.0, lock.release)
    async with running_store(settings_for(tmp_path)) as client:
        assert (await client.health()).position == 0


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux has idle threads")
async def test_questions_have_only_what_nobody_else_wants_of_the_processors(tmp_path: Path):
    (tmp_path / "log").mkdir()
    async with running_store(settings_for(tmp_path)) as client:
        await client.health()
        (child,) = children()
        policies = [os.sched_getscheduler(int(task.name)) for task in Path(f"/proc/{child}/task").iterdir()]
    assert os.SCHED_IDLE in policies
    assert os.SCHED_OTHER in policies  # loading is not among them
