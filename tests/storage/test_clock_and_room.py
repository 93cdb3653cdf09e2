"""Clocks that jump, and a disk that runs low: what the log makes of both."""

import asyncio
import errno
import json
from pathlib import Path

import pytest

from storage.errors import LogFailed, LogFull
from storage.filesystem import Content, LocalFiles
from storage.wal.log import WriteAheadLog
from storage.wal.writer import DISK_CHECK_S
from tests.contracts.samples import HOUR, NOON, event, exported
from tests.contracts.shelf import duckdb_shelf
from tests.logs import LIMITS, read_all

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
    """A disk whose free space the test sets, and the call that finds none."""

    free = 1 << 40
    full_at: str | None = None

    def free_bytes(self, path: Path) -> int:
        return self.free

    def create(self, path: Path) -> int:
        self._find_room("create")
        return super().create(path)

    def write(self, descriptor: int, content: Content, at: int) -> int:
        self._find_room("SEAL" if b'"SEAL"' in bytes(content) else "write")
        return super().write(descriptor, content, at)

    def sync_directory(self, path: Path) -> None:
        self._find_room("sync")
        super().sync_directory(path)

    def _find_room(self, call: str) -> None:
        if call == self.full_at:
            raise OSError(errno.ENOSPC, "No space left on device")


def full_log(data: Path, disk: SmallDisk, **limits: object) -> WriteAheadLog:
    return WriteAheadLog(data / "log", files=disk, **LIMITS | limits)


def last_frame(data: Path) -> dict[str, object]:
    last = max(data.glob("log/*/*.ndjson"))
    return [found for found in map(json.loads, last.read_bytes().splitlines()) if "frame" in found][-1]


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


async def test_a_refused_group_fences_the_one_before_though_requests_never_rest(tmp_path: Path) -> None:
    now, disk = 0.0, SmallDisk()
    async with full_log(tmp_path, disk, disk_free_bytes_min=1000, fence_idle_s=3600.0, clock=lambda: now) as log:
        await log.append([LINE])
        disk.free, now = 0, DISK_CHECK_S
        with pytest.raises(LogFull):
            await log.append([LINE])
        assert (last_frame(tmp_path)["frame"], last_frame(tmp_path)["first_offset"]) == ("FENCE", 1)


@pytest.mark.parametrize("call", ["create", "write"])
async def test_a_segment_that_finds_no_room_to_begin_is_begun_when_there_is(tmp_path: Path, call: str) -> None:
    disk = SmallDisk()
    async with full_log(tmp_path, disk) as log:
        await log.append([LINE])
        await log.seal()
        disk.full_at = call
        with pytest.raises(LogFull, match="no room in"):
            await log.append([LINE])
        disk.full_at = None
        assert await log.append([LINE]) == 1


async def test_a_sync_that_finds_no_room_ends_the_log(tmp_path: Path) -> None:
    disk = SmallDisk()
    async with full_log(tmp_path, disk) as log:
        await log.append([LINE])
        await log.seal()
        disk.full_at = "sync"
        with pytest.raises(LogFailed):
            await log.append([LINE])
        assert log.failed.is_set()


async def test_a_seal_that_finds_no_room_is_refused_and_what_shared_its_group_is_not(tmp_path: Path) -> None:
    disk = SmallDisk()
    async with full_log(tmp_path, disk) as log:
        disk.full_at = "SEAL"
        appended, sealed = await asyncio.gather(log.append([LINE]), log.seal(), return_exceptions=True)
        assert (appended, type(sealed)) == (0, LogFull)
        disk.full_at = None
        assert await log.seal() == 1


@pytest.mark.parametrize("name", ["{log_id}/0000000000000002.bak.ndjson", "{log_id}/copy.ndjson", "{log_id}.tar", "7"])
async def test_a_name_of_somebody_else_beside_the_log_changes_nothing(tmp_path: Path, name: str) -> None:
    now = 0.0
    async with full_log(tmp_path, SmallDisk(), clock=lambda: now) as log:
        await log.append([LINE])
        (tmp_path / "log" / name.format(log_id=log.log_id)).write_bytes(b"not ours")
        now = DISK_CHECK_S
        assert await log.append([LINE]) == 1
    async with full_log(tmp_path, SmallDisk()) as log:
        assert await log.append([LINE]) == 0
    assert len(read_all(tmp_path)[1]) == 3
