"""Fault 15 where it hurts most: no room in the middle of DuckDB's commit, and of its checkpoint.

On a disk that is full the spool is what fails first, so that DuckDB never hears of it.
"""

import asyncio
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for
from tests.house.strace import attached
from tests.house.traffic import Traffic, check

NO_ROOM = "/^p?write(64)?$:error=ENOSPC:when=2+"


def last_error(daemon: Daemon, token: str) -> str | None:
    store = daemon.get("/health", token)["store"]
    return store and store["last_error"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "step"), [("events.duckdb.wal", "Failed to commit"), ("events.duckdb", "Failed to create checkpoint")]
)
async def test_a_commit_or_checkpoint_without_room_is_made_again_when_there_is(tmp_path: Path, name: str, step: str):
    with Daemon.fresh(tmp_path, FOOTFALL_STORE__CHECKPOINT_S="0.2") as daemon:
        token = await asyncio.to_thread(daemon.admin_token)
        traffic, path = Traffic(daemon), daemon.data / "store" / name
        async with traffic.posting():
            await traffic.grows(50)
            await asyncio.to_thread(wait_for, path.exists)
            with attached(daemon.store(), tmp_path / "strace.log", NO_ROOM, path=path):
                await asyncio.to_thread(wait_for, lambda: step in (last_error(daemon, token) or ""))
                await traffic.grows(50)
        assert (traffic.refused, traffic.broken) == ({}, 0)
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)
