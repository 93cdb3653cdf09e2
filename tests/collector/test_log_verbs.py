"""`footfalld log ls|verify|cat` on real files: what they hold, and where they are damaged."""

import json
from pathlib import Path

import pytest

from collector.commands import parser
from collector.errors import CommandError
from collector.log_verbs import run_log
from storage.lock import Lock
from storage.wal.archive import Archive
from storage.wal.directory import LOCK_NAME
from storage.wal.segments import Segments
from tests.logs import open_log

LINE = b'{"event_id":"a"}'


async def write(data: Path, *, archived: bool = False) -> str:
    """Write 30 lines in several segments; with `archived` the first one lies in the archive only."""
    async with open_log(data, segment_bytes_max=1000) as log:
        for _ in range(10):
            await log.append([LINE] * 3)
    segments = Segments(data / "log", Archive(data / "archive"))
    if archived:
        with segments.open(log.log_id, 1) as file:
            segments.archive.keep(file)
        segments.path(log.log_id, 1).unlink()
    return log.log_id


def run(data: Path, *verb: str) -> None:
    run_log(parser().parse_args(["log", *verb]), data)


@pytest.mark.parametrize("archived", [False, True])
async def test_a_whole_log_verifies(tmp_path: Path, capsys: pytest.CaptureFixture[str], *, archived: bool):
    await write(tmp_path, archived=archived)
    before = sorted(tmp_path.rglob("*"))
    run(tmp_path, "verify")
    assert ", 30 lines, 0 damaged" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


async def test_the_list_has_live_and_archived_segments(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log_id = await write(tmp_path, archived=True)
    run(tmp_path, "ls")
    first, second, *_ = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert first[:4] == [log_id, "1", "archive", "sealed"]
    assert second[2:4] == ["live", "sealed"]
    assert float(first[-1]) < 1 == float(second[-1])


async def test_the_open_segment_of_a_living_log_is_no_damage(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    async with open_log(tmp_path) as log:
        await log.append([LINE])
        run(tmp_path, "verify")
        run(tmp_path, "ls")
    assert " open " in capsys.readouterr().out


async def test_damage_is_named_by_its_bytes_and_offsets(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log_id = await write(tmp_path)
    path = Segments(tmp_path / "log", Archive(tmp_path / "archive")).path(log_id, 1)
    content = bytearray(path.read_bytes())
    content[700] ^= 1
    path.write_bytes(content)
    with pytest.raises(CommandError, match="1 segments are damaged"):
        run(tmp_path, "verify")
    found = capsys.readouterr().out
    assert f"log {log_id}, segment 1 (live): damaged from byte 320 to byte" in found
    assert "offsets 0 to 2 are lost" in found


@pytest.mark.parametrize("at", [5, 60, -30])
async def test_a_damaged_archive_file_is_named(tmp_path: Path, at: int):
    await write(tmp_path, archived=True)
    (path,) = tmp_path.glob("archive/*/*")
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(CommandError, match="damaged"):
        run(tmp_path, "verify")


@pytest.mark.parametrize("gone", [1, 2])
async def test_a_segment_that_is_gone_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], gone: int):
    log_id = await write(tmp_path)
    Segments(tmp_path / "log", Archive(tmp_path / "archive")).path(log_id, gone).unlink()
    with pytest.raises(CommandError):
        run(tmp_path, "verify")
    assert f"segment {gone} (archive): is missing" in capsys.readouterr().out


async def test_a_torn_tail_is_said_and_is_no_damage(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    await write(tmp_path)
    with max(tmp_path.glob("log/*/*.ndjson")).open("ab") as file:
        file.write(b'{"frame":')
    run(tmp_path, "verify")
    assert "the last 9 bytes are torn" in capsys.readouterr().out


async def test_cat_prints_the_lines_of_a_range(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]):
    log_id = await write(tmp_path, archived=True)
    run(tmp_path, "cat", log_id, "--from", "4", "--to", "25")
    printed = capfdbinary.readouterr().out.splitlines()
    assert [json.loads(line)["offset"] for line in printed] == list(range(4, 26))


@pytest.mark.parametrize("verb", [["cat", "0000000009-never"], ["cat", "..", "--segment", "1"]])
async def test_what_is_not_there_is_refused(tmp_path: Path, verb: list[str]):
    await write(tmp_path)
    with pytest.raises(CommandError, match="there is no log"):
        run(tmp_path, *verb)


async def test_reading_takes_no_lock(tmp_path: Path):
    log_id = await write(tmp_path)
    with Lock(tmp_path / "log" / log_id / LOCK_NAME):
        run(tmp_path, "verify")
