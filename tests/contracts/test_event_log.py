"""What every EventLog does, whatever it writes to."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.ports import EventLog
from tests.fakes.log import MemoryLog
from tests.logs import open_log

LINE = b'{"event_id":"a"}'


@pytest.fixture(params=["write-ahead log", "memory"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EventLog]:
    if request.param == "memory":
        yield MemoryLog()
    else:
        async with open_log(tmp_path) as opened:
            yield opened


async def test_offsets_begin_at_zero_and_are_dense(log: EventLog):
    assert [await log.append([LINE]), await log.append([LINE] * 3), await log.append([LINE])] == [0, 1, 4]


async def test_concurrent_appends_never_share_an_offset(log: EventLog):
    firsts = await asyncio.gather(*(log.append([LINE] * (1 + n % 3)) for n in range(300)))
    taken = [first + place for n, first in enumerate(firsts) for place in range(1 + n % 3)]
    assert sorted(taken) == list(range(600))


async def test_counts_of_the_door_are_kept_with_and_without_lines(log: EventLog):
    await log.append([LINE, LINE], rejected=1)
    assert await log.append([], duplicates=2) == 2
    health = log.health()
    assert (health.rejected, health.duplicates, health.durable_offset) == (1, 2, 1)


async def test_a_caller_that_left_takes_nothing_out_of_the_log(log: EventLog):
    leaving = asyncio.create_task(log.append([LINE]))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await log.append([LINE]) == 1


async def test_a_log_accepts_and_says_so(log: EventLog):
    await log.append([LINE])
    health = log.health()
    assert (health.log_id, health.accepting, health.reason, health.unflushed_bytes) == (log.log_id, True, None, 0)
