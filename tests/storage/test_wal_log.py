"""The write-ahead log on a real directory."""

import asyncio
import itertools
import json
import resource
from pathlib import Path

import pytest

from storage.errors import LogFailed, LogFull
from storage.lock import Lock
from storage.wal.segment import HEADER_BYTES
from tests.logs import LIMITS, open_log, read_all

LINE = b'{"event_id":"a"}'


def frames(path: Path) -> list[dict[str, object]]:
    return [one for one in map(json.loads, path.read_bytes().splitlines()) if "frame" in one]


async def test_a_segment_is_ndjson_with_the_offset_in_every_event(tmp_path: Path):
    async with open_log(tmp_path) as log:
        await log.append([LINE, LINE])
    (segment,) = tmp_path.glob("log/*/*.ndjson")
    lines = [json.loads(line) for line in segment.read_bytes().splitlines()]
    assert [line["offset"] for line in lines if "offset" in line] == [0, 1]
    assert [line["frame"] for line in lines if "frame" in line] == ["SEGMENT", "DATA", "SEAL"]


async def test_what_arrives_during_a_sync_is_one_group(tmp_path: Path):
    async with open_log(tmp_path) as log:
        await asyncio.gather(*(log.append([LINE]) for _ in range(500)))
        assert log.health().groups <= 3


async def test_a_group_never_exceeds_its_limits_and_never_splits_a_unit(tmp_path: Path):
    async with open_log(tmp_path, group_events_max=10) as log:
        await asyncio.gather(*(log.append([LINE] * 4) for _ in range(50)))
    (segment,) = tmp_path.glob("log/*/*.ndjson")
    counts = [frame["count"] for frame in frames(segment) if frame["frame"] == "DATA"]
    assert sum(counts) == 200
    assert set(counts) <= {4, 8}


async def test_segments_are_sealed_by_size_and_linked(tmp_path: Path):
    async with open_log(tmp_path, segment_bytes_max=4096) as log:
        for _ in range(20):
            await log.append([LINE] * 20)
    segments = sorted(tmp_path.glob("log/*/*.ndjson"))
    assert len(segments) > 2
    for earlier, later in itertools.pairwise(segments):
        seal, head = frames(earlier)[-1], frames(later)[0]
        assert (seal["frame"], seal["reason"], head["prev_crc"]) == ("SEAL", "size", seal["header_crc"])
    assert len(read_all(tmp_path)[1]) == 400


async def test_an_idle_segment_is_sealed_by_age_once_it_holds_something(tmp_path: Path):
    now = 0.0
    async with open_log(tmp_path, clock=lambda: now) as log:
        await log.append([LINE])
        (segment,) = tmp_path.glob("log/*/*.ndjson")
        now = LIMITS["segment_age_s"]
        async with asyncio.timeout(10):
            while frames(segment)[-1]["frame"] != "SEAL":
                await asyncio.sleep(0.05)
        assert frames(segment)[-1]["reason"] == "age"
        await log.append([LINE])
    assert len(read_all(tmp_path)[1]) == 2


async def test_a_segment_is_sealed_by_age_under_traffic_that_never_rests(tmp_path: Path):
    now = 0.0
    async with open_log(tmp_path, fence_idle_s=3600.0, clock=lambda: now) as log:
        await log.append([LINE])
        now = LIMITS["segment_age_s"]
        await log.append([LINE])
        await log.append([LINE])
    first, second = sorted(tmp_path.glob("log/*/*.ndjson"))
    assert (frames(first)[-1]["reason"], frames(first)[-1]["count"]) == ("age", 2)
    assert len(read_all(tmp_path)[1]) == 3
    assert frames(second)[-1]["reason"] == "closed"


async def test_every_start_has_a_new_log_id_that_sorts_behind(tmp_path: Path):
    ids = []
    for _ in range(3):
        async with open_log(tmp_path) as log:
            ids.append(log.log_id)
    assert ids == sorted(set(ids))


async def test_the_lock_of_a_living_log_is_held(tmp_path: Path):
    async with open_log(tmp_path) as log:
        with pytest.raises(Exception, match="held by process"):
            Lock(tmp_path / "log" / log.log_id / "LOCK").acquire()


async def test_an_append_that_finds_no_room_in_the_queue_is_refused_and_nothing_is_kept(tmp_path: Path):
    async with open_log(tmp_path, unflushed_bytes_max=1000, append_wait_s=0.0) as log:
        big = b'{"x":"' + b"y" * 2000 + b'"}'
        first, *others = await asyncio.gather(*(log.append([big]) for _ in range(20)), return_exceptions=True)
        assert first == 0
        assert {type(other) for other in others} == {LogFull}
        assert await log.append([LINE]) == 1


async def test_a_disk_below_the_watermark_refuses_to_start(tmp_path: Path):
    with pytest.raises(LogFull, match="watermark"):
        async with open_log(tmp_path, disk_free_bytes_min=1 << 60):
            pass
    assert list((tmp_path / "log").iterdir()) == []


async def test_a_failed_write_ends_the_log_and_every_waiter_hears_it(tmp_path: Path):
    # RLIMIT_FSIZE makes the kernel write short and then fail with EFBIG: no error that passes by itself.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with open_log(tmp_path) as log:
        assert await log.append([LINE]) == 0
        (segment,) = tmp_path.glob("log/*/*.ndjson")
        resource.setrlimit(resource.RLIMIT_FSIZE, (segment.stat().st_size + HEADER_BYTES, hard))
        try:
            answers = await asyncio.gather(*(log.append([LINE] * 50) for _ in range(3)), return_exceptions=True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert {type(answer) for answer in answers} == {LogFailed}
        assert log.failed.is_set()
        assert log.stuck(3600)
        with pytest.raises(LogFailed):
            await log.append([LINE])
        assert not log.health().accepting
    assert len(read_all(tmp_path)[1]) == 1


async def test_files_of_the_log_are_private(tmp_path: Path):
    async with open_log(tmp_path) as log:
        await log.append([LINE])
    for path in (tmp_path / "log").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


async def test_a_log_is_stuck_when_its_thread_gave_no_sign_and_not_any_more_when_it_does(tmp_path: Path):
    now = 0.0
    async with open_log(tmp_path, clock=lambda: now) as log:
        assert not log.stuck(30)
        now = 100.0
        assert log.stuck(30)  # nothing of the thread can have come in between: the loop did not turn
        await log.append([LINE])
        assert not log.stuck(30)


async def test_a_log_whose_process_is_out_of_descriptors_goes_on_with_its_open_segment(tmp_path: Path):
    now = 0.0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with open_log(tmp_path, clock=lambda: now) as log:
        await log.append([LINE])
        now = 100.0  # the room is looked at again
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            assert await log.append([LINE]) == 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert not log.failed.is_set()
