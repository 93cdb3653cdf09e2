"""Power cuts under DuckDB's own files: the real store is recorded once, and started on what cuts would have left (row 4).

A seed says where the power is cut and what that takes. `CRASH_IMAGES=<n>` says how many; `CRASH_FIRST=<seed>
CRASH_IMAGES=1` repeats one. Two recordings differ by a few calls: what a seed means is told by the files it leaves behind.
"""

import contextlib
import filecmp
import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from storage.duckdb.store import DuckDBStore
from storage.errors import StorageError
from storage.health import StoreHealth
from tests.contracts.linked import running_store, settings_for
from tests.crash.disk import Node
from tests.crash.life import Violated
from tests.crash.loader import LINES, LOG_IDS, write_logs
from tests.crash.machine import Machine
from tests.crash.recording import Call, record
from tests.crash.start import start
from tests.storage.test_rebuild import reaches

IMAGES = int(os.environ.get("CRASH_IMAGES", "10"))
FIRST = int(os.environ.get("CRASH_FIRST", "0"))
CHUNKS = -(-IMAGES // 250)
PROCESS_IMAGES = 3
MUTANT_SEEDS = range(200)

FORGETFUL_IMAGES = 25
"""Always the same: on a disk that lies (row 11) a database may be wrong in ways that nothing tells."""


class Forgetful(Machine):
    """A disk that forgets what DuckDB synced, so that far more of it is lost: the log has everything still."""

    def sync(self, path: Path, node: Node) -> None:
        if ".duckdb" not in path.name:
            super().sync(path, node)


class WithoutArchiveSync(Machine):
    """The mutant that lets go of a segment before its copy in the archive is durable."""

    def sync(self, path: Path, node: Node) -> None:
        if "archive" not in path.parts:
            super().sync(path, node)


class Stubborn(DuckDBStore):
    """The mutant that sets nothing aside."""

    def _set_aside(self, reason: str) -> None:
        pass


class Recording(NamedTuple):
    """What the store did below `root`, where `before` was before; each of `moments` is calls behind which to cut."""

    root: Path
    before: Path
    calls: list[Call]
    moments: list[list[int]]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    work = tmp_path_factory.mktemp("recorded")
    root, before = work / "data", work / "before"
    root.mkdir()
    write_logs(root)
    shutil.copytree(root, before)
    calls = record([sys.executable, "-m", "tests.crash.loader", str(root)], work / "strace")
    return Recording(root, before, calls, moments(Machine(root, before), calls))


def moments(machine: Machine, calls: list[Call]) -> list[list[int]]:
    """Return the calls that change something, those that leave some of the database unsynced, those that leave it overwritten.

    The last are few and matter most: a checkpoint writes over the block that the one before it is read by.
    """
    changed, unsynced, overwritten = [], [], []
    for index, call in enumerate(calls):
        if not machine.do(call):
            continue
        changed.append(index)
        files = machine.files(machine.root / "store" / "events.duckdb")
        if any(file.unsynced for file in files):
            unsynced.append(index)
        if any(file.is_overwritten() for file in files):
            overwritten.append(index)
    return [changed, unsynced, overwritten]


def images(recording: Recording, kind: type[Machine], seeds: range, directory: Path) -> Iterator[tuple[int, Path]]:
    """Yield each seed and the data directory that its power cut leaves, which is gone with the next one."""
    machine, done = kind(recording.root, recording.before), 0
    dices = [(seed, random.Random(seed)) for seed in seeds]
    cuts = [(dice.choice(dice.choice(recording.moments)), seed, dice) for seed, dice in dices]
    for last, seed, dice in sorted(cuts, key=lambda cut: cut[:2]):
        for call in recording.calls[done : last + 1]:
            machine.do(call)
        done = last + 1
        image, started = directory / f"seed-{seed}", directory / "started"
        machine.cut(image, dice)
        shutil.copytree(image, started)
        yield seed, started
        shutil.rmtree(image)
        shutil.rmtree(started)


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_after_a_power_cut_the_database_opens_or_is_filled_anew_and_holds_every_event_once(
    recording: Recording, chunk: int, tmp_path: Path
) -> None:
    for seed, data in images(recording, Machine, range(FIRST + chunk, FIRST + IMAGES, CHUNKS), tmp_path):
        try:
            start(data)
        except Exception as error:
            left = tmp_path / f"seed-{seed}"
            raise AssertionError(f"CRASH_FIRST={seed} CRASH_IMAGES=1 pytest {__file__}; the cut left {left}") from error


async def test_the_store_process_ends_up_with_every_event_after_a_power_cut_in_a_checkpoint(
    recording: Recording, tmp_path: Path
) -> None:
    in_checkpoint = recording._replace(moments=recording.moments[-1:])
    for _, data in images(in_checkpoint, Machine, range(PROCESS_IMAGES), tmp_path):
        async with running_store(settings_for(data)) as client:
            await reaches(client, is_whole)


def is_whole(health: StoreHealth) -> bool:
    return (health.lines, health.n_lost, health.rebuild) == (len(LOG_IDS) * LINES, 0, None)


@pytest.mark.long
def test_a_disk_that_forgot_what_duckdb_synced_is_made_good_or_refused(recording: Recording, tmp_path: Path) -> None:
    whole = 0
    for _, data in images(recording, Forgetful, range(FORGETFUL_IMAGES), tmp_path):
        with contextlib.suppress(StorageError, OSError):
            start(data)
            whole += 1
    assert whole > 0.8 * FORGETFUL_IMAGES


def test_a_recording_that_is_replayed_to_its_end_is_what_was_written(recording: Recording, tmp_path: Path) -> None:
    machine = Machine(recording.root, recording.before)
    for call in recording.calls:
        machine.do(call)
    machine.write(tmp_path / "replayed")
    assert names(tmp_path / "replayed") == names(recording.root)
    for name in names(recording.root):
        assert filecmp.cmp(tmp_path / "replayed" / name, recording.root / name, shallow=False), name


def names(directory: Path) -> list[Path]:
    return sorted(path.relative_to(directory) for path in directory.rglob("*") if path.is_file())


def start_all(recording: Recording, kind: type[Machine], directory: Path, store: type[DuckDBStore]) -> None:
    for _, data in images(recording, kind, MUTANT_SEEDS, directory):
        start(data, store)


def test_an_archive_that_forgets_to_sync_is_caught(recording: Recording, tmp_path: Path) -> None:
    renames = (at for at, call in enumerate(recording.calls) if call.name == "rename")
    aside = next(at for at in renames if "quarantine" in recording.calls[at].paths[-1].parts)
    with pytest.raises(Violated, match="missing"):
        start_all(recording._replace(moments=[[aside]]), WithoutArchiveSync, tmp_path, DuckDBStore)


@pytest.mark.long
def test_a_store_that_sets_nothing_aside_is_caught(recording: Recording, tmp_path: Path) -> None:
    with pytest.raises(Violated, match="damaged again and again"):
        start_all(recording._replace(moments=recording.moments[-1:]), Machine, tmp_path, Stubborn)
