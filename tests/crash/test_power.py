"""Power cuts: the real log, recovery, loader and archive over a disk that keeps only what was synced (fault matrix 3).

Every story is told by its seed. `CRASH_SEEDS=10000 make soak` runs more; `CRASH_FIRST=<seed> CRASH_SEEDS=1` repeats one.
"""

import contextlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.shelf import InThreads, SinkShelf, open_store
from tests.crash.disk import CrashDisk
from tests.crash.life import ROOT, Life, Violated, check
from tests.needs import many

SEEDS = int(os.environ.get("CRASH_SEEDS", many(500, few=20)))
FIRST = int(os.environ.get("CRASH_FIRST", "0"))
CHUNKS = min(10, SEEDS)
GENERATIONS_MAX = 4

DAMAGED = 0.3
"""Share of the stories whose medium is damaged before the store is filled anew."""


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[SinkShelf]:
    """Yield a real store; it stays open over the cuts: a commit of DuckDB is durable (docs/durability.md)."""
    yield from opened(tmp_path / "store")


@pytest.fixture
def rebuilt(tmp_path: Path) -> Iterator[SinkShelf]:
    """Yield a store that never saw what is loaded into it: it is filled from archive and log alone."""
    yield from opened(tmp_path / "rebuilt")


def opened(directory: Path) -> Iterator[SinkShelf]:
    directory.mkdir()
    with open_store(directory) as store:
        yield SinkShelf(directory, store, InThreads(store))


def live(seed: int, shelf: SinkShelf, kind: type[CrashDisk] = CrashDisk) -> Life:
    """Tell the story of a seed to its end; Violated when a promise was broken."""
    dice = random.Random(seed)
    disk = kind(ROOT, dice, room=dice.choice((20_000, 60_000, 1 << 40)))
    life = Life(disk, shelf)
    for _ in range(dice.randint(1, GENERATIONS_MAX)):
        life.generation()
    disk.room = 1 << 40
    check(life, life.settle())
    return life


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_after_every_power_cut_all_that_was_acknowledged_is_stored_once(
    chunk: int, shelf: SinkShelf, rebuilt: SinkShelf
) -> None:
    for seed in range(FIRST + chunk, FIRST + SEEDS, CHUNKS):
        try:
            life = live(seed, shelf)
            damaged = life.dice.random() < DAMAGED and life.disk.damage()
            check(life, life.settle(rebuilt), lost=damaged)
        except Exception as error:
            raise AssertionError(f"seed {seed}: CRASH_FIRST={seed} CRASH_SEEDS=1 pytest {__file__}") from error


class WithoutSync(CrashDisk):
    """The mutant that answers before the lines are on the disk; its other files are synced."""

    def sync_data(self, descriptor: int) -> None:
        self._step()


class WithoutDirectorySync(CrashDisk):
    """The mutant that forgets that a name is data too."""

    def sync_directory(self, path: Path) -> None:
        self._step()


@pytest.mark.parametrize("mutant", [WithoutSync, WithoutDirectorySync])
def test_a_log_that_forgets_to_sync_is_caught(mutant: type[CrashDisk], shelf: SinkShelf) -> None:
    def lives() -> None:
        for seed in range(100):
            with contextlib.suppress(ValueError):  # a log_number that is gone with its name ends the story
                live(seed, shelf, mutant)

    with pytest.raises(Violated):
        lives()
