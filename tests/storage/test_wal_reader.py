"""What the batcher is given of living and dead logs."""

import asyncio
from pathlib import Path

from storage.ports import LogPosition, LogRange
from storage.wal.reader import LogReader
from tests.logs import open_log, reader_of

LINE = b'{"event_id":"a"}'
NEVER_S = 1000.0


def take(reader: LogReader, data: Path, *, events_max: int = 1000, bytes_max: int = 1 << 20) -> LogRange | None:
    return reader.take(data / "spool", events_max=events_max, bytes_max=bytes_max)


async def test_the_last_group_of_a_living_log_waits_for_a_frame_behind_it(tmp_path: Path):
    reader = reader_of(tmp_path)
    async with open_log(tmp_path, fence_idle_s=NEVER_S) as log:
        await log.append([LINE])
        assert take(reader, tmp_path) is None
        await log.append([LINE] * 2)
        first = take(reader, tmp_path)
        assert first is not None
        assert (first.from_offset, first.to_offset) == (0, 0)
    rest = take(reader, tmp_path)
    assert rest is not None
    assert (rest.from_offset, rest.to_offset) == (1, 2)


async def test_a_run_stops_at_a_limit_and_the_next_goes_on(tmp_path: Path):
    async with open_log(tmp_path, segment_bytes_max=2000) as log:
        for _ in range(10):
            await log.append([LINE] * 5)
    reader = reader_of(tmp_path)
    ranges = []
    while batch := take(reader, tmp_path, events_max=12):
        assert len((tmp_path / "spool").read_bytes().splitlines()) == batch.to_offset - batch.from_offset + 1
        ranges.append((batch.from_offset, batch.to_offset))
    assert ranges == [(0, 14), (15, 29), (30, 44), (45, 49)]
    assert reader.lag_bytes() == 0


async def test_reading_goes_on_from_what_the_store_says(tmp_path: Path):
    async with open_log(tmp_path, segment_bytes_max=2000) as log:
        for _ in range(10):
            await log.append([LINE] * 5)
    reader = reader_of(tmp_path)
    first = take(reader, tmp_path, events_max=20)
    assert first is not None
    position = LogPosition(
        log_id=first.log_id,
        next_offset=first.to_offset + 1,
        segment=first.segment,
        byte_end=first.byte_end,
    )
    again = reader_of(tmp_path)
    again.rewind({first.log_id: position})
    assert take(again, tmp_path) == take(reader, tmp_path)


async def test_older_logs_are_read_first(tmp_path: Path):
    ids = []
    for _ in range(3):
        async with open_log(tmp_path) as log:
            await log.append([LINE])
            ids.append(log.log_id)
    reader = reader_of(tmp_path)
    taken = []
    while batch := take(reader, tmp_path):
        taken.append(batch.log_id)
    assert taken == ids


async def test_counts_of_the_door_travel_with_a_run_without_lines(tmp_path: Path):
    async with open_log(tmp_path) as log:
        await log.append([], duplicates=3)
    batch = take(reader_of(tmp_path), tmp_path)
    assert batch is not None
    assert (batch.from_offset, batch.to_offset, batch.duplicates) == (0, -1, 3)


async def test_the_bytes_behind_are_told_and_come_to_nothing_once_a_fence_is_read(tmp_path: Path):
    reader = reader_of(tmp_path)
    async with open_log(tmp_path) as log:
        await log.append([LINE] * 100)
        assert reader.lag_bytes() > 100 * len(LINE)
        while reader.lag_bytes():
            take(reader, tmp_path)
            await asyncio.sleep(0.01)


async def test_a_last_segment_that_is_gone_after_it_was_loaded_is_named(tmp_path: Path):
    async with open_log(tmp_path, segment_bytes_max=2000) as log:
        for _ in range(10):
            await log.append([LINE] * 5)
    reader = reader_of(tmp_path)
    while take(reader, tmp_path):
        pass
    *_, last = sorted(tmp_path.glob("log/*/*.ndjson"))
    last.unlink()
    again = reader_of(tmp_path)
    again.rewind(reader.loaded())
    assert take(again, tmp_path) is None
    assert [alarm.rpartition(": ")[2] for alarm in again.alarms] == ["is missing"]
