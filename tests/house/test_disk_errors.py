"""Promise P1 on a disk that fails, is full, or is taken away: 503 or an end, and no 2xx for what is not kept."""

import asyncio
import os
import re
import resource
import shutil
import socket
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for
from tests.house.traffic import Traffic, check
from tests.needs import under_strace

SMALL_SEGMENTS = {
    "FOOTFALL_LOG__SEGMENT_BYTES_MAX": "65536",
    "FOOTFALL_LOG__GROUP_BYTES_MAX": "65536",
    "FOOTFALL_SERVER__BODY_BYTES_MAX": "65536",
}
CONNECTIONS = 64


@pytest.fixture
def initialised(tmp_path: Path) -> Path:
    Daemon(tmp_path).run("init")
    return tmp_path


async def check_again(root: Path, traffic: Traffic) -> None:
    """Start a daemon on a disk that is well again, and check what it has."""
    with Daemon(root) as daemon:
        await asyncio.to_thread(daemon.start)
        token = await asyncio.to_thread(daemon.admin_token)
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)


async def ended(daemon: Daemon) -> int:
    """Return the exit status of a daemon that has to end by itself."""
    await asyncio.to_thread(wait_for, daemon.ended)
    return await asyncio.to_thread(daemon.wait)


def calls_after_the_fault(note: Path) -> Iterator[str]:
    """Yield the traced calls on the file whose call was made to fail, from then on."""
    lines = note.read_text().splitlines()
    first = next(at for at, line in enumerate(lines) if "(INJECTED)" in line)
    thread = lines[first].split()[0]
    # A call during which another thread was seen is told in two lines: only the first one names the file.
    told = [line for line in lines[: first + 1] if line.split()[0] == thread]
    (file,) = set(re.findall(r"<(/[^>]+\.ndjson)>", "".join(told[-2:])))
    return (line for line in lines[first + 1 :] if file in line)


ERRORS = [("fdatasync", "EIO"), ("pwrite64", "EIO")]
if "KILL_SPREAD" in os.environ:  # make soak
    ERRORS += [("pwrite64", "EROFS"), ("fdatasync", "ENOSPC")]


@pytest.mark.parametrize(("call", "error"), ERRORS)
async def test_an_error_of_the_disk_is_answered_503_and_ends_the_daemon_with_no_second_try(
    initialised: Path, call: str, error: str
):
    note = initialised / "strace.log"
    prefix = under_strace(note, "trace=pwrite64,fdatasync,fsync", f"inject={call}:error={error}:when=40")
    with Daemon(initialised, prefix=prefix) as daemon:
        await asyncio.to_thread(daemon.start)
        traffic = Traffic(daemon)
        async with traffic.posting():
            assert await ended(daemon) == 1
    assert traffic.refused.keys() == {503}
    assert list(calls_after_the_fault(note)) == []
    await check_again(initialised, traffic)


@pytest.mark.long
async def test_a_write_that_was_cut_short_is_not_followed_by_another(initialised: Path):
    with Daemon(initialised) as daemon:
        await asyncio.to_thread(daemon.start)
        traffic = Traffic(daemon)
        async with traffic.posting():
            await traffic.grows(300)
            (segment,) = daemon.data.glob("log/*/*.ndjson")
            # The kernel takes the bytes below the limit and returns their number; the next write is EFBIG.
            limit = segment.stat().st_size + 20_000
            resource.prlimit(daemon.process, resource.RLIMIT_FSIZE, (limit, limit))
            assert await ended(daemon) == 1
        assert segment.stat().st_size == limit
    assert traffic.refused.keys() == {503}
    await check_again(initialised, traffic)


@pytest.mark.long
async def test_a_write_that_a_signal_interrupts_goes_on(initialised: Path):
    prefix = under_strace(initialised / "strace.log", "trace=pwrite64", "inject=pwrite64:error=EINTR:when=10+3")
    with Daemon(initialised, prefix=prefix) as daemon:
        await asyncio.to_thread(daemon.start)
        traffic = Traffic(daemon)
        async with traffic.posting():
            await traffic.grows(300)
        assert not traffic.refused
        assert daemon.stop() == 0
    await check_again(initialised, traffic)


@pytest.mark.long
async def test_a_full_disk_is_answered_503_while_statistics_are_served_and_passes_by_itself(initialised: Path):
    prefix = under_strace(initialised / "strace.log", "trace=pwrite64", "inject=pwrite64:error=ENOSPC:when=40..600")
    with Daemon(initialised, prefix=prefix) as daemon:
        await asyncio.to_thread(daemon.start)
        token = await asyncio.to_thread(daemon.admin_token)
        traffic = Traffic(daemon)
        async with traffic.posting():
            await asyncio.to_thread(wait_for, lambda: traffic.refused)
            await asyncio.to_thread(daemon.get, "/stats/summary", token)
            await traffic.grows(300)
        assert traffic.refused.keys() == {503}
        assert traffic.broken == 0
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)


@pytest.mark.long
async def test_a_log_that_the_disk_does_not_give_back_stops_no_other_and_is_loaded_once_it_does(initialised: Path):
    with Daemon(initialised, FOOTFALL_STORE__EMULATE_SLOW_S="60") as daemon:
        await asyncio.to_thread(daemon.start)
        traffic = Traffic(daemon)
        async with traffic.posting():
            await traffic.grows(100)
            daemon.kill_tree()
    (segment,) = daemon.data.glob("log/*/*.ndjson")
    unreadable = "inject=pread64:error=EIO:when=1"  # of each thread
    prefix = (*under_strace(initialised / "strace.log", "trace=pread64", unreadable), "-P", str(segment))
    with Daemon(initialised, prefix=prefix) as daemon:
        await asyncio.to_thread(daemon.start)
        token = await asyncio.to_thread(daemon.admin_token)
        traffic.daemon = daemon
        async with traffic.posting():
            await traffic.grows(100)
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)
    lines = daemon.stderr_file.read_text(encoding="utf-8")
    assert lines.index("log_unreadable") < lines.index("log_readable_again")
    assert "log_damaged" not in lines


@pytest.mark.long
async def test_a_segment_that_cannot_be_opened_for_want_of_descriptors_ends_the_daemon(initialised: Path):
    with Daemon(initialised, **SMALL_SEGMENTS) as daemon:
        await asyncio.to_thread(daemon.start)
        traffic = Traffic(daemon)
        async with traffic.posting():
            await traffic.grows(50)
            resource.prlimit(daemon.process, resource.RLIMIT_NOFILE, (1, 1))
            assert await ended(daemon) == 1
    assert traffic.refused.keys() <= {503}
    await check_again(initialised, traffic)


@pytest.mark.long
async def test_connections_beyond_the_descriptors_harm_no_other(initialised: Path):
    with Daemon(initialised) as daemon:
        await asyncio.to_thread(daemon.start)
        token = await asyncio.to_thread(daemon.admin_token)
        traffic = Traffic(daemon)
        async with traffic.posting():
            await traffic.grows(100)
            _, hard = resource.prlimit(daemon.process, resource.RLIMIT_NOFILE)
            descriptors = sum(1 for _ in Path(f"/proc/{daemon.process}/fd").iterdir())
            resource.prlimit(daemon.process, resource.RLIMIT_NOFILE, (descriptors + CONNECTIONS // 4, hard))
            address = ("127.0.0.1", int(daemon.url.rpartition(":")[2]))
            connections = [socket.create_connection(address) for _ in range(CONNECTIONS)]
            await traffic.grows(300)
            for connection in connections:
                connection.close()
        assert not traffic.refused
        assert traffic.broken == 0
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)


def test_nothing_is_acknowledged_once_the_log_was_removed_under_the_daemon(initialised: Path):
    with Daemon(initialised) as daemon:
        daemon.start()
        daemon.post("/track", {"source_label": "before"})
        shutil.rmtree(daemon.data / "log")
        with pytest.raises(urllib.error.HTTPError, match="503") as refused:
            daemon.post("/track", {"source_label": "after"})
        refused.value.close()
        wait_for(daemon.ended)
        assert daemon.wait() == 1
