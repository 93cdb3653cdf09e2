"""The bytes that wait for the disk: how many there can be, and who waits for how long."""

import asyncio
import contextlib

import pytest

from storage.errors import LogFull
from storage.wal.unflushed import Unflushed

SIZE = 4000
BYTES_MAX = 10_000
FULL = 3 * SIZE
"""The first count over BYTES_MAX."""


async def full(**limits):
    unflushed = Unflushed(**{"bytes_max": BYTES_MAX, "wait_s": 60.0} | limits)
    while unflushed.bytes <= BYTES_MAX:
        await unflushed.add(SIZE)
    return unflushed


@contextlib.asynccontextmanager
async def waiting(unflushed, count):
    tasks = [asyncio.create_task(unflushed.add(SIZE)) for _ in range(count)]
    await asyncio.sleep(0)
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_no_more_bytes_wait_for_room_than_may_wait_for_the_disk():
    unflushed = await full()
    async with waiting(unflushed, 1000) as tasks:
        refused = [task for task in tasks if task.done() and isinstance(task.exception(), LogFull)]
        assert len(refused) == 1000 - BYTES_MAX // SIZE
    assert unflushed.bytes == FULL


async def test_room_is_given_to_as_many_as_it_is_enough_for_the_first_first():
    unflushed = await full(bytes_max=BYTES_MAX)
    async with waiting(unflushed, 2) as (first, second):
        unflushed.release(SIZE)
        await asyncio.sleep(0)
        assert (first.done(), second.done(), unflushed.bytes) == (True, False, FULL)
        unflushed.release(SIZE)
        await asyncio.sleep(0)
        assert (second.done(), unflushed.bytes) == (True, FULL)


async def test_who_comes_while_others_wait_does_not_go_before_them():
    unflushed = await full()
    async with waiting(unflushed, 1) as (first,):
        unflushed.release(SIZE)
        late = asyncio.create_task(unflushed.add(SIZE))
        await asyncio.sleep(0)
        assert (first.done(), late.done()) == (True, False)
        late.cancel()


async def test_who_waited_too_long_is_refused_and_forgotten():
    unflushed = await full(wait_s=0.0)
    for _ in range(100):
        with pytest.raises(LogFull, match=f"{FULL} bytes wait for the disk"):
            await unflushed.add(SIZE)
    unflushed.release(FULL)
    assert (unflushed.bytes, unflushed.has_room()) == (0, True)


async def test_who_leaves_in_the_moment_in_which_there_is_room_takes_none():
    unflushed = await full()
    async with waiting(unflushed, 2) as (first, second):
        unflushed.release(SIZE)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await asyncio.sleep(0)
        assert (first.cancelled(), second.done(), unflushed.bytes) == (True, True, FULL)
