"""Faults 22 and 25: a client, and the data directory, that are gone while the daemon works."""

import asyncio
import json
import socket
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for
from tests.house.strace import attached
from tests.house.traffic import Traffic, check, exported

LEFT = 20
SLOW_SYNC = "fdatasync:delay_enter=200000"


def post_and_leave(daemon: Daemon, label: str) -> None:
    """Send a whole request and close the connection without reading the answer."""
    body = json.dumps({"source_label": label}).encode()
    head = f"POST /track HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(daemon.url.rpartition(":")[2]))) as connection:
        connection.sendall(head.encode() + body)


def log_health(daemon: Daemon, token: str) -> dict[str, int]:
    return daemon.get("/health", token)["log"]


def descriptors(process: int) -> int:
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())


def test_what_a_client_sent_that_left_before_its_answer_is_stored_once_and_nothing_leaks(tmp_path: Path):
    with Daemon.fresh(tmp_path) as daemon:
        token = daemon.admin_token()
        labels = {f"left-{number}" for number in range(LEFT)}
        receipt = str(daemon.post("/track", {"source_label": "stayed"})["receipt"])
        before, offset = descriptors(daemon.process), log_health(daemon, token)["durable_offset"]
        with attached(daemon.process, tmp_path / "strace.log", SLOW_SYNC):
            for label in labels:
                post_and_leave(daemon, label)
            wait_for(lambda: log_health(daemon, token)["durable_offset"] == offset + LEFT)
        wait_for(lambda: descriptors(daemon.process) <= before)
        assert log_health(daemon, token)["unflushed_bytes"] == 0
        check(daemon, {"stayed": receipt}, token)
        assert labels <= {event["source_label"] for event in exported(daemon, token)}


@pytest.mark.long
async def test_a_data_directory_that_is_moved_away_ends_the_daemon_and_holds_all_that_it_acknowledged(tmp_path: Path):
    with Daemon.fresh(tmp_path) as daemon:
        token = await asyncio.to_thread(daemon.admin_token)
        traffic, away = Traffic(daemon), tmp_path / "away"
        async with traffic.posting():
            await traffic.grows(50)
            daemon.data.rename(away)
            assert await asyncio.to_thread(daemon.wait) == 1
        away.rename(daemon.data)
        await asyncio.to_thread(daemon.start)
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)
