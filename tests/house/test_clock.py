"""Fault 19: the wall clock jumps; it is stored with the events and orders nothing."""

import asyncio
import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.house.daemon import Daemon
from tests.house.traffic import Traffic, check
from tests.needs import need_program

SOURCE = Path(__file__).with_name("clock.c")
HOUR = timedelta(hours=1)
TEN_YEARS = timedelta(days=3653)


class Clock:
    """The wall clock of the processes that get `environment`."""

    def __init__(self, directory: Path) -> None:
        need_program("gcc")
        self._file, library = directory / "clock_ahead", directory / "clock.so"
        self.set_ahead(timedelta())
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE], check=True, timeout=60)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_AHEAD": str(self._file)}

    def set_ahead(self, ahead: timedelta) -> None:
        """Have the clock jump, while whoever reads it runs."""
        mode = "r+b" if self._file.exists() else "wb"  # not emptied: it is mapped
        with self._file.open(mode) as file:
            file.write(int(ahead.total_seconds()).to_bytes(8, "little", signed=True))


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


async def test_jumps_of_the_clock_change_neither_order_nor_receipts_nor_segments(tmp_path: Path, clock: Clock):
    with Daemon.fresh(tmp_path, **clock.environment) as daemon:
        token = await asyncio.to_thread(daemon.admin_token)
        traffic = Traffic(daemon)
        async with traffic.posting():
            for ahead in (timedelta(), -HOUR, TEN_YEARS, timedelta()):
                clock.set_ahead(ahead)
                await traffic.grows(50)
        assert (traffic.refused, traffic.broken) == ({}, 0)
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)
        (segment,) = daemon.data.glob("log/*/*.ndjson")
        lines = [line for line in map(json.loads, segment.read_bytes().splitlines()) if "offset" in line]
        assert [line["offset"] for line in lines] == list(range(len(lines)))
        received = [datetime.fromisoformat(line["received_at"]) for line in lines]
        assert max(received) - min(received) > TEN_YEARS  # it did jump
        daemon.kill_tree()
        await asyncio.to_thread(daemon.start)
        await asyncio.to_thread(check, daemon, traffic.acknowledged, token)
