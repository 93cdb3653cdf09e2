"""Slow, full and stopped parts below a running daemon: tracking waits, says 503 or goes on, and loses nothing."""

import asyncio
import contextlib
import os
import signal
import socket
import urllib.error
import urllib.parse
from pathlib import Path

import pytest

from storage.wal.archive import Archive
from storage.wal.segment import segment_name
from tests.house.daemon import Daemon, wait_for
from tests.house.strace import attached
from tests.house.traffic import Traffic, check
from tests.needs import in_own_mounts, under_strace

ANSWERS = 20
SLOW_SYNC = "inject=fdatasync:delay_enter=200000"
MEMORY_MB_MAX = 250
LINE_BYTES_MIN = 100
SMALL_SEGMENTS = {
    "FOOTFALL_STORE__CHECKPOINT_S": "0.2",
    "FOOTFALL_LOG__SEGMENT_BYTES_MAX": "65536",
    "FOOTFALL_LOG__GROUP_BYTES_MAX": "65536",
    "FOOTFALL_SERVER__BODY_BYTES_MAX": "65536",
}


def memory_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def groups(daemon: Daemon, token: str) -> int:
    """Return how many groups were synced since the start."""
    return daemon.get("/health", token)["log"]["groups"]


def refuses(daemon: Daemon) -> bool:
    """Return whether nobody listens any more."""
    address = urllib.parse.urlsplit(daemon.url)
    try:
        socket.create_connection((address.hostname, address.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def fill(ballast: Path) -> None:
    """Leave no room on a small disk."""
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600)
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, b"x" * 4096)
    os.close(descriptor)


@contextlib.contextmanager
def started(daemon: Daemon):
    daemon.run("init")
    with daemon:
        daemon.start()
        yield


def segments(daemon: Daemon) -> int:
    """Return how many segments are in the log."""
    return len(list(daemon.data.glob("log/*/*.ndjson")))


@pytest.mark.long
async def test_on_a_slow_disk_groups_grow_and_the_loop_stays_quick(tmp_path: Path):
    daemon = Daemon(tmp_path, prefix=under_strace(tmp_path / "strace", "trace=fdatasync", SLOW_SYNC))
    with started(daemon):
        token = await asyncio.to_thread(daemon.admin_token)
        traffic = Traffic(daemon)
        async with traffic.posting():
            await traffic.grows(100)
            before = await asyncio.to_thread(groups, daemon, token)
            for _ in range(ANSWERS):
                assert (await asyncio.to_thread(daemon.get, "/ready")) == {"status": "ready"}
            # A loop that waited for the disk would answer once a sync.
            assert await asyncio.to_thread(groups, daemon, token) < before + ANSWERS
        assert memory_mb(daemon.process) < MEMORY_MB_MAX
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)


@pytest.mark.long
async def test_what_does_not_fit_into_the_queue_of_a_slow_disk_is_503(tmp_path: Path):
    daemon = Daemon(
        tmp_path,
        prefix=under_strace(tmp_path / "strace", "trace=fdatasync", "inject=fdatasync:delay_enter=1000000"),
        FOOTFALL_LOG__UNFLUSHED_BYTES_MAX="65536",
        FOOTFALL_LOG__GROUP_BYTES_MAX="65536",
        FOOTFALL_LOG__APPEND_WAIT_S="0.2",
        FOOTFALL_SERVER__BODY_BYTES_MAX="65536",
    )
    with started(daemon):
        token = await asyncio.to_thread(daemon.admin_token)
        big = {"source_label": "big", "attrs": {"pad": "x" * 20_000}}

        def post(number: int) -> tuple[int, str, str]:
            try:
                answer = daemon.post("/track", big | {"source_label": f"big-{number}"})
            except urllib.error.HTTPError as error:
                with error:
                    return error.status, f"big-{number}", error.headers["Retry-After"]
            return 202, f"big-{number}", str(answer["receipt"])

        answers = await asyncio.gather(*(asyncio.to_thread(post, number) for number in range(24)))
        assert {status for status, *_ in answers} == {202, 503}
        assert all(1 <= int(retry_after) <= 5 for status, _, retry_after in answers if status == 503)
        acknowledged = {label: receipt for status, label, receipt in answers if status == 202}
        await asyncio.to_thread(check, daemon, acknowledged, token)


@pytest.mark.long
async def test_a_full_disk_below_duckdb_leaves_tracking_alone_and_loading_goes_on_when_there_is_room(tmp_path: Path):
    store = tmp_path / "data" / "store"
    store.mkdir(parents=True, mode=0o700)
    store.parent.chmod(0o700)
    prefix = in_own_mounts(f"mount -t tmpfs -o size=6m,mode=0700 tmpfs {store}")
    daemon = Daemon(tmp_path, prefix=prefix, FOOTFALL_STORE__CHECKPOINT_S="0.5")
    with started(daemon):
        token = await asyncio.to_thread(daemon.admin_token)
        room = Path(f"/proc/{daemon.process}/root{store}")
        ballast = room / "ballast"
        fill(ballast)
        traffic = Traffic(daemon)
        async with traffic.posting():
            await traffic.grows(500)
        assert not traffic.refused

        def stuck() -> bool:
            health = daemon.get("/health", token)
            return health["status"] == "degraded"

        await asyncio.to_thread(wait_for, stuck, 60)
        ballast.unlink()
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)


@pytest.mark.long
async def test_an_archive_that_is_full_keeps_segments_in_the_log(tmp_path: Path):
    archive = tmp_path / "data" / "archive"
    archive.mkdir(parents=True, mode=0o700)
    archive.parent.chmod(0o700)
    daemon = Daemon(
        tmp_path, prefix=in_own_mounts(f"mount -t tmpfs -o size=1m,mode=0700 tmpfs {archive}"), **SMALL_SEGMENTS
    )
    with started(daemon):
        token = await asyncio.to_thread(daemon.admin_token)
        ballast = Path(f"/proc/{daemon.process}/root{archive}") / "ballast"
        fill(ballast)
        traffic = Traffic(daemon)
        async with traffic.posting():
            await traffic.grows(600)
        await asyncio.to_thread(wait_for, lambda: "archive_failed" in daemon.stderr_file.read_text(encoding="utf-8"))
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)
        kept = segments(daemon)
        assert kept > 1
        ballast.unlink()
        await asyncio.to_thread(wait_for, lambda: segments(daemon) < kept)
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)


@pytest.mark.long
async def test_an_archive_that_may_not_be_written_keeps_segments_in_the_log(tmp_path: Path):
    with Daemon.fresh(tmp_path, **SMALL_SEGMENTS) as daemon:
        token = await asyncio.to_thread(daemon.admin_token)
        (log,) = (one for one in (daemon.data / "log").iterdir() if one.is_dir())
        archived = Archive(daemon.data / "archive").path(log.name, 1)
        draft = archived.with_name(f".{archived.name}.tmp")
        traffic = Traffic(daemon)
        with attached(daemon.store(), tmp_path / "strace.log", "openat:error=EACCES", path=draft):
            async with traffic.posting():
                await traffic.grows(600)
            failed = '"archive_failed"'
            await asyncio.to_thread(wait_for, lambda: failed in daemon.stderr_file.read_text(encoding="utf-8"))
            await asyncio.to_thread(check, daemon, traffic.acknowledged, token)
            assert (log / segment_name(1)).exists()
        await asyncio.to_thread(wait_for, archived.exists)
        await asyncio.to_thread(wait_for, lambda: not (log / segment_name(1)).exists())
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)


async def test_with_a_stopped_store_tracking_goes_on_and_health_says_so(tmp_path: Path):
    with Daemon.fresh(tmp_path) as daemon:
        token = await asyncio.to_thread(daemon.admin_token)
        traffic = Traffic(daemon)
        store = daemon.store()
        os.kill(store, signal.SIGSTOP)
        try:
            async with traffic.posting():
                await traffic.grows(500)
            assert not traffic.refused
            health = await asyncio.to_thread(daemon.get, "/health", token)
            assert (health["status"], health["store"]) == ("degraded", None)
            live = sum(path.stat().st_size for path in daemon.data.glob("log/*/*.ndjson"))
            assert live > len(traffic.acknowledged) * LINE_BYTES_MIN
            assert health["lag"] == {"events": None, "bytes": live, "seconds": None}
        finally:
            os.kill(store, signal.SIGCONT)
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)


@pytest.mark.long
async def test_a_backlog_at_its_limit_is_503_until_the_store_goes_on_and_has_taken_it_over(tmp_path: Path):
    with Daemon.fresh(tmp_path, FOOTFALL_LOG__BACKLOG_BYTES_MAX="300000", **SMALL_SEGMENTS) as daemon:
        token = await asyncio.to_thread(daemon.admin_token)
        traffic = Traffic(daemon)
        store = daemon.store()
        os.kill(store, signal.SIGSTOP)
        try:
            async with traffic.posting():
                await asyncio.to_thread(wait_for, lambda: traffic.refused)
                health = await asyncio.to_thread(daemon.get, "/health", token)
                assert health["lag"]["bytes"] > 300_000
                assert "log.backlog_bytes_max is 300000" in health["log"]["reason"]
                os.kill(store, signal.SIGCONT)
                await traffic.grows(300)
        finally:
            os.kill(store, signal.SIGCONT)
        assert traffic.refused.keys() == {503}
        assert traffic.broken == 0
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)


@pytest.mark.long
@pytest.mark.parametrize("state", ["running", "stopped"])
async def test_a_second_sigterm_under_load_changes_nothing(tmp_path: Path, state: str):
    with Daemon.fresh(tmp_path, FOOTFALL_SERVER__SHUTDOWN_S="3") as daemon:
        token = await asyncio.to_thread(daemon.admin_token)
        traffic = Traffic(daemon)
        store = daemon.store()
        async with traffic.posting():
            await traffic.grows(100)
            if state == "stopped":
                os.kill(store, signal.SIGSTOP)
            os.kill(daemon.process, signal.SIGTERM)
            # The first has been heard: two that wait together would be one.
            await asyncio.to_thread(wait_for, lambda: refuses(daemon))
            os.kill(daemon.process, signal.SIGTERM)
            assert await asyncio.to_thread(daemon.wait) == 0
            traffic.stop.set()
        await asyncio.to_thread(daemon.start)
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)
