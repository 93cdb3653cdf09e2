"""A backup made under load is whole, and restored elsewhere gives what was acknowledged before it began."""

import asyncio
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for
from tests.house.traffic import Traffic, drained, exported

SMALL = {
    "FOOTFALL_SERVER__BODY_BYTES_MAX": "65536",
    "FOOTFALL_LOG__GROUP_BYTES_MAX": "65536",
    "FOOTFALL_LOG__SEGMENT_BYTES_MAX": "65536",
    "FOOTFALL_STORE__CHECKPOINT_S": "0.2",
}
"""Segments are closed and archived all the time, also while they are copied."""

STATES = ("stored", "duplicate", "rejected", "lost", "pending")


async def backup_under_load(daemon: Daemon, target: Path) -> set[str]:
    """Return what was acknowledged before the backup began; the daemon is killed afterwards."""
    traffic = Traffic(daemon)
    posting = asyncio.create_task(traffic.run())
    await asyncio.to_thread(wait_for, lambda: len(traffic.acknowledged) > 500)
    await asyncio.to_thread(wait_for, lambda: any((daemon.data / "archive").glob("*/*.zst")))
    before = set(traffic.acknowledged)
    await asyncio.to_thread(daemon.run, "backup", str(target))
    traffic.stop.set()
    await posting
    await asyncio.to_thread(daemon.kill_tree)
    return before


async def test_a_backup_under_load_restored_elsewhere_has_all_that_was_acknowledged(tmp_path: Path):
    with Daemon.fresh(tmp_path / "here", **SMALL) as daemon:
        token = await asyncio.to_thread(daemon.admin_token)
        await asyncio.to_thread(daemon.post, "/track", {"source_label": "first"})
        before = await backup_under_load(daemon, tmp_path / "backup")
    assert any((tmp_path / "backup").glob("archive/*/*"))
    there = Daemon(tmp_path / "there")
    with there:
        there.run("restore", str(tmp_path / "backup"))
        there.start()
        await asyncio.to_thread(drained, there, token)
        events = await asyncio.to_thread(exported, there, token)
        stored = Counter(event["source_label"] for event in events)
        assert before <= stored.keys()
        assert max(stored.values()) == 1
        ledger = there.get("/admin/log", token)["ledger"]
        assert ledger["answered"] == sum(ledger[state] for state in STATES)
        assert (ledger["stored"], ledger["pending"], ledger["lost"]) == (sum(stored.values()), 0, 0)
        logs = sorted(path.name for path in (there.data / "log").iterdir() if path.is_dir())
        assert logs[-1] > max(path.name for path in (tmp_path / "backup" / "log").iterdir() if path.is_dir())


@pytest.mark.long
def test_a_directory_that_holds_a_log_is_not_restored_into(tmp_path: Path):
    with Daemon.fresh(tmp_path / "here") as daemon:
        daemon.post("/track", {"source_label": "kept"})
        daemon.run("backup", str(tmp_path / "backup"))
        note = daemon.get("/health", daemon.admin_token())["disk"]["backup_at"]
        assert note is not None
        daemon.stop()
        refused = daemon.run("restore", str(tmp_path / "backup"), check=False)
        assert refused.returncode == 1
        assert "move" in refused.stderr


@pytest.mark.long
def test_a_changed_backup_is_not_restored(tmp_path: Path):
    with Daemon.fresh(tmp_path / "here") as daemon:
        daemon.post("/track", {"source_label": "kept"})
        daemon.run("backup", str(tmp_path / "backup"))
    (segment,) = (tmp_path / "backup").glob("log/*/*.ndjson")
    content = bytearray(segment.read_bytes())
    content[-1000] ^= 1
    segment.write_bytes(content)
    there = Daemon(tmp_path / "there")
    refused = there.run("restore", str(tmp_path / "backup"), check=False)
    assert refused.returncode == 1
    assert segment.name in refused.stderr
    assert not (there.data / "log").exists()


def test_a_backup_into_a_directory_that_is_there_is_refused(tmp_path: Path):
    with Daemon.fresh(tmp_path / "here") as daemon:
        (tmp_path / "backup").mkdir()
        refused = daemon.run("backup", str(tmp_path / "backup"), check=False)
        assert refused.returncode == 1
        assert "there already" in refused.stderr
    shutil.rmtree(tmp_path / "backup")
