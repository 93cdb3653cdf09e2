"""Clocks that jump, and a disk that runs low: what the log makes of both."""

from pathlib import Path

import pytest

from storage.errors import LogFull
from storage.filesystem import LocalFiles
from storage.wal.log import WriteAheadLog
from storage.wal.writer import DISK_CHECK_S
from tests.contracts.samples import HOUR, NOON, event, exported
from tests.contracts.shelf import duckdb_shelf
from tests.logs import LIMITS

TEN_YEARS = 10 * 365 * 24 * HOUR
LINE = b'{"event_id":"a"}'


async def test_a_clock_that_jumps_back_or_far_ahead_changes_no_order_and_loses_nothing(tmp_path: Path) -> None:
    times = [NOON, NOON - HOUR, NOON + TEN_YEARS, NOON, NOON - 2 * HOUR]
    async with duckdb_shelf(tmp_path) as shelf:
        for number, time in enumerate(times):
            await shelf.load([event(received_at=time, page_url=f"/{number}")])
        rows = await exported(shelf.store)
    assert [row["page_url"] for row in rows] == ["/0", "/1", "/2", "/3", "/4"]


class SmallDisk(LocalFiles):
    """A disk whose free space the test sets."""

    free = 1 << 40

    def free_bytes(self, path: Path) -> int:
        return self.free


async def test_a_disk_below_the_watermark_is_full_before_it_is_and_not_for_ever(tmp_path: Path) -> None:
    now, disk = 0.0, SmallDisk()
    limits = LIMITS | {"disk_free_bytes_min": 1000}
    async with WriteAheadLog(tmp_path / "log", files=disk, clock=lambda: now, **limits) as log:
        await log.append([LINE])
        disk.free, now = 999, now + DISK_CHECK_S
        with pytest.raises(LogFull, match="999 bytes free, the watermark is 1000"):
            await log.append([LINE])
        assert not log.health().accepting
        disk.free, now = 1000, now + DISK_CHECK_S
        assert await log.append([LINE]) == 1
        assert log.health().accepting


async def test_a_backlog_over_its_limit_is_refused_until_the_store_has_taken_it_over(tmp_path: Path) -> None:
    now = 0.0
    limits = LIMITS | {"backlog_bytes_max": 3000, "segment_bytes_max": 1000}
    async with WriteAheadLog(tmp_path / "log", clock=lambda: now, **limits) as log:
        for _ in range(5):
            await log.append([LINE * 20])
        now += DISK_CHECK_S
        with pytest.raises(LogFull, match=r"bytes that are not in the archive yet, log\.backlog_bytes_max is 3000"):
            await log.append([LINE])
        for segment in sorted(tmp_path.glob("log/*/*.ndjson"))[:-1]:
            segment.unlink()  # as the archiver does
        now += DISK_CHECK_S
        assert await log.append([LINE]) == 5
        assert log.health().accepting
