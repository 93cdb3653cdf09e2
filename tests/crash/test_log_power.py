"""Power cuts under the whole WriteAheadLog, its thread and its event loop: an answer is given only for what is there after."""

import asyncio
import contextlib
import json
import random
from pathlib import Path

import pytest

from storage.errors import LogFailed
from storage.wal.archive import Archive
from storage.wal.log import WriteAheadLog
from storage.wal.reader import LogReader
from storage.wal.segments import Segments
from tests.crash.disk import CrashDisk, PowerCut
from tests.crash.life import ROOT
from tests.crash.test_power import WithoutDirectorySync, WithoutSync
from tests.logs import LIMITS

SEEDS = 120
GENERATIONS = 3
NEVER_S = 1000.0

Told = dict[tuple[str, int], str]


async def live(disk: CrashDisk, told: Told) -> None:
    """Append until the power is cut; note in `told` what was answered."""
    limits = LIMITS | {"fence_idle_s": NEVER_S, "segment_bytes_max": 4000}
    log = WriteAheadLog(ROOT / "log", files=disk, **limits)
    disk.cut_at = disk.calls + disk.dice.randint(1, 150)

    async def append(label: str) -> None:
        offset = await log.append([b'{"label":"%s"}' % label.encode()])
        told[log.log_id, offset] = label

    with contextlib.suppress(PowerCut):
        async with log:
            for step in range(30):
                # All that one turn of the loop brings is one group, so that a seed tells the same story each time.
                labels = [f"{log.log_id} {step} {number}" for number in range(disk.dice.randint(1, 5))]
                results = await asyncio.gather(*map(append, labels), return_exceptions=True)
                if any(isinstance(result, LogFailed) for result in results):
                    break
    disk.lose_power()


def kept(disk: CrashDisk, spool: Path) -> Told:
    """Return every line that can be read."""
    reader = LogReader(Segments(ROOT / "log", Archive(ROOT / "archive", files=disk), files=disk), ROOT / "quarantine")
    found: Told = {}
    while batch := reader.take(spool, events_max=1000, bytes_max=1 << 20):
        for line in map(json.loads, spool.read_bytes().splitlines()):
            assert (batch.log_id, line["offset"]) not in found
            found[batch.log_id, line["offset"]] = line["label"]
    return found


async def missing(kind: type[CrashDisk], seed: int, spool: Path) -> Told:
    """Return what was answered in the story of a seed and is not there after it."""
    disk, told = kind(ROOT, random.Random(seed)), Told()
    for _ in range(GENERATIONS):
        await live(disk, told)
    found = kept(disk, spool)
    return {receipt: label for receipt, label in told.items() if found.get(receipt) != label}


async def test_what_was_answered_is_there_after_every_power_cut(tmp_path: Path) -> None:
    for seed in range(SEEDS):
        assert await missing(CrashDisk, seed, tmp_path / "spool") == {}, f"seed {seed}"


@pytest.mark.parametrize("mutant", [WithoutSync, WithoutDirectorySync])
async def test_a_log_that_answers_too_early_is_caught(mutant: type[CrashDisk], tmp_path: Path) -> None:
    for seed in range(SEEDS):
        try:
            if await missing(mutant, seed, tmp_path / "spool"):
                return
        except ValueError:  # a torn log_number
            return
    pytest.fail("nothing was missing in any story")
