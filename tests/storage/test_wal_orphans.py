"""Logs that killed daemons left: read, ended and released, while another daemon writes its own."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from storage.archiver import Archiver
from storage.eraser import Eraser
from storage.suppression import SUPPRESSION_NAME, Suppression
from storage.wal.archive import Archive
from storage.wal.reader import LogReader
from storage.wal.segments import Segments
from tests.damage import UNSYNCED
from tests.logs import open_log, reader_of

LINE = b'{"event_id":"a"}'
ORPHANS = 4
LINES_EACH = 5

WRITER = f"""
import asyncio, pathlib, sys
from tests.logs import open_log

async def write():
    async with open_log(pathlib.Path(sys.argv[1]), segment_bytes_max=1200) as log:
        for _ in range({LINES_EACH}):
            await log.append([{LINE!r}])
        print("written", flush=True)
        await asyncio.Event().wait()

asyncio.run(write())
"""


@contextlib.contextmanager
def daemons(data: Path) -> Iterator[list[str]]:
    """Yield the ids of logs that ORPHANS processes write; they are killed with the context."""
    command = [sys.executable, "-c", WRITER, str(data)]
    with contextlib.ExitStack() as ending:
        for _ in range(ORPHANS):
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            ending.enter_context(process)
            ending.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == b"written\n"
        yield segments_of(data).live_log_ids()


class NobodyErased:
    """The store of an eraser that has nothing to do."""


def segments_of(data: Path) -> Segments:
    return Segments(data / "log", Archive(data / "archive", files=UNSYNCED), files=UNSYNCED)


def archiver_of(data: Path) -> Archiver:
    nobody = Suppression(data / SUPPRESSION_NAME, "key")
    eraser = Eraser(nobody, segments_of(data), NobodyErased(), data, clock=lambda: datetime.now(UTC))
    return Archiver(segments_of(data), eraser)


def lines_by_log(reader: LogReader, spool: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    while batch := reader.take(spool, events_max=1000, bytes_max=1 << 20):
        assert not batch.is_lost
        found[batch.log_id] = found.get(batch.log_id, 0) + batch.count
    return found


async def test_logs_of_killed_daemons_are_read_and_released_while_another_daemon_writes(tmp_path: Path):
    with daemons(tmp_path) as orphans:
        assert len(orphans) == ORPHANS
    async with open_log(tmp_path) as log:
        await log.append([LINE])
        reader = reader_of(tmp_path)
        found = lines_by_log(reader, tmp_path / "spool")
        assert {log_id: found[log_id] for log_id in orphans} == dict.fromkeys(orphans, LINES_EACH)
        assert [log_id for log_id in segments_of(tmp_path).live_log_ids() if reader.is_ended(log_id)] == orphans
        archiver_of(tmp_path).archive(reader.loaded())
        assert segments_of(tmp_path).live_log_ids() == [log.log_id]
        assert segments_of(tmp_path).archive.log_ids() == orphans
        await log.append([LINE])
    assert not reader.alarms
    again = lines_by_log(reader_of(tmp_path), tmp_path / "spool")
    assert again == dict.fromkeys(orphans, LINES_EACH) | {log.log_id: 2}


async def test_a_log_is_not_released_while_its_daemon_lives(tmp_path: Path):
    with daemons(tmp_path) as living:
        reader = reader_of(tmp_path)
        found = lines_by_log(reader, tmp_path / "spool")
        archiver_of(tmp_path).archive(reader.loaded())
        assert segments_of(tmp_path).live_log_ids() == living
        assert not any(reader.is_ended(log_id) for log_id in living)
    rest = lines_by_log(reader, tmp_path / "spool")
    assert {log_id: found.get(log_id, 0) + rest.get(log_id, 0) for log_id in living} == dict.fromkeys(
        living, LINES_EACH
    )


async def test_a_log_that_is_not_loaded_to_its_end_is_kept(tmp_path: Path):
    with daemons(tmp_path) as orphans:
        pass
    reader = reader_of(tmp_path)
    while batch := reader.take(tmp_path / "spool", events_max=LINES_EACH - 1, bytes_max=1 << 20):
        if batch.log_id == orphans[-1]:
            break
    archiver_of(tmp_path).archive(reader.loaded())
    assert segments_of(tmp_path).live_log_ids() == orphans[-1:]
