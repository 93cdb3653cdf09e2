"""What reading makes of a dead log, however it was torn or damaged."""

import asyncio
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.wal.segment import HEADER_BYTES
from tests.logs import open_log, read_all, reader_of

LINES = [b'{"event_id":"%d"}' % number for number in range(6)]


async def write_groups(data: Path, count: int = 3, **limits: float) -> Path:
    """Write `count` groups of two lines and return the last segment, as a crash leaves it: without its SEAL."""
    data.mkdir(exist_ok=True)
    async with open_log(data, **limits) as log:
        for number in range(count):
            await log.append(LINES[2 * number % 6 : 2 * number % 6 + 2])
    segment = max(data.glob("log/*/*.ndjson"))
    content = segment.read_bytes()
    segment.write_bytes(content[:-HEADER_BYTES])
    return segment


def offsets(lines: list[bytes]) -> list[int]:
    return [int(line.split(b",")[0].removeprefix(b'{"offset":')) for line in lines]


async def test_a_log_without_its_seal_is_sealed_and_read_whole(tmp_path: Path):
    segment = await write_groups(tmp_path)
    reader, lines = read_all(tmp_path)
    assert offsets(lines) == list(range(6))
    assert not reader.alarms
    assert b'"reason":"recovered"' in segment.read_bytes()


async def test_recovery_changes_nothing_the_second_time(tmp_path: Path):
    segment = await write_groups(tmp_path)
    read_all(tmp_path)
    content = segment.read_bytes()
    read_all(tmp_path)
    assert segment.read_bytes() == content


async def test_a_torn_tail_is_kept_aside(tmp_path: Path):
    segment = await write_groups(tmp_path)
    torn = segment.read_bytes()[:-5]
    segment.write_bytes(torn)
    assert len(read_all(tmp_path)[1]) == 4
    (aside,) = (tmp_path / "quarantine").iterdir()
    assert aside.read_bytes()
    assert torn.endswith(aside.read_bytes())


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"garbage", b'{"frame":"DATA","version":1', b"\n\n"])
async def test_a_tail_that_is_no_frame_is_cut(tmp_path: Path, tail: bytes):
    segment = await write_groups(tmp_path)
    with segment.open("ab") as file:
        file.write(tail)
    reader, lines = read_all(tmp_path)
    assert (len(lines), list(reader.alarms)) == (6, [])


async def test_an_old_frame_of_another_segment_is_cut_as_a_tail(tmp_path: Path):
    await write_groups(tmp_path, count=12, segment_bytes_max=2048)
    first, *_, last = sorted(tmp_path.glob("log/*/*.ndjson"))
    with last.open("ab") as file:
        file.write(first.read_bytes())
    reader, lines = read_all(tmp_path)
    assert (offsets(lines), list(reader.alarms)) == (list(range(24)), [])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
async def test_one_flipped_bit_never_yields_a_wrong_line(tmp_path: Path, place: float, bit: int):
    whole = tmp_path / "whole"
    if not whole.exists():
        await write_groups(whole)
    data = tmp_path / "flipped"
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(whole, data)
    segment = next(data.glob("log/*/*.ndjson"))
    content = bytearray(segment.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    segment.write_bytes(content)
    reader, lines = read_all(data)
    assert set(offsets(lines)) <= set(range(6))
    assert len(lines) >= 4
    assert len(lines) == 6 or reader.alarms or list((data / "quarantine").iterdir())


async def test_a_damaged_group_is_named_and_kept_aside_and_those_behind_it_are_read(tmp_path: Path):
    segment = await write_groups(tmp_path)
    content = bytearray(segment.read_bytes())
    content[HEADER_BYTES + HEADER_BYTES + 3] ^= 1
    segment.write_bytes(content)
    reader, lines = read_all(tmp_path)
    assert offsets(lines) == [2, 3, 4, 5]
    log_id = segment.parent.name
    (aside,) = (tmp_path / "quarantine").iterdir()
    assert list(reader.alarms) == [
        f"log {log_id}, segment 1: damaged from byte 320 to {HEADER_BYTES + aside.stat().st_size}",
        f"log {log_id}, segment 1: byte {HEADER_BYTES + aside.stat().st_size}: offsets 0 to 1 are lost",
    ]
    assert segment.read_bytes().startswith(content)


async def test_what_is_lost_is_a_run_of_its_own_and_no_line_of_it_is_given(tmp_path: Path):
    segment = await write_groups(tmp_path)
    content = bytearray(segment.read_bytes())
    second = content.index(b'{"frame":"DATA"', 2 * HEADER_BYTES)
    content[second + 5] ^= 1
    segment.write_bytes(content)
    reader, spool, runs = reader_of(tmp_path), tmp_path / "spool", []
    while batch := reader.take(spool, events_max=1000, bytes_max=1 << 20):
        runs.append((batch.from_offset, batch.to_offset, batch.is_lost, len(spool.read_bytes().splitlines())))
    assert runs == [(0, 1, False, 2), (2, 3, True, 0), (4, 5, False, 2)]


async def test_a_fence_that_a_power_cut_took_loses_nothing(tmp_path: Path):
    async with open_log(tmp_path, fence_idle_s=0.01) as log:
        await log.append(LINES[:2])
        (segment,) = tmp_path.glob("log/*/*.ndjson")
        async with asyncio.timeout(10):
            while b'"FENCE"' not in segment.read_bytes():
                await asyncio.sleep(0.01)
        await log.append(LINES[2:4])
    content = segment.read_bytes()
    at = content.index(b'{"frame":"FENCE"')
    fence = content[at : at + HEADER_BYTES]
    segment.write_bytes(content[:-HEADER_BYTES].replace(fence, b"\0" * HEADER_BYTES))
    reader, lines = read_all(tmp_path)
    assert offsets(lines) == [0, 1, 2, 3]
    assert len(reader.alarms) == 1


async def test_a_segment_whose_head_was_never_durable_is_taken_away(tmp_path: Path):
    await write_groups(tmp_path, count=12, segment_bytes_max=2048)
    *_, sealed, last = sorted(tmp_path.glob("log/*/*.ndjson"))
    last.write_bytes(last.read_bytes()[:100])
    reader, lines = read_all(tmp_path)
    assert not reader.alarms
    assert not last.exists()
    assert sealed.exists()
    assert offsets(lines) == list(range(len(lines)))
