"""Kills and power cuts under applications: recorded once, and opened on what every one of them would have left.

`CRASH_CUTS=<n>` says how many power cuts are tried behind each call that changes a file.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from storage.app_files import AppFiles
from storage.errors import AppFileCorrupt
from tests.crash.apps import State, states
from tests.crash.disk import Node
from tests.crash.images import Image, Recording, check_images, cut_by, recorded
from tests.crash.life import Violated, require
from tests.crash.machine import Machine, WithoutDirectorySync

CUTS = int(os.environ.get("CRASH_CUTS", "1"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording[State]:
    return recorded("tests.crash.apps", tmp_path_factory.mktemp("recorded"), asyncio.run(states()))


async def check(image: Image, expected: list[State]) -> None:
    """Start twice on an image; Violated where a promise is broken."""
    found = await started(image.data)
    require(found in expected[image.acknowledged : image.acknowledged + 2], f"{found} after {image.acknowledged}")
    require(await started(image.data) == found, "the second start finds something else")
    require(not list((image.data / "apps").glob("*.tmp")), "a draft is left")


async def started(data: Path) -> State:
    async with AppFiles(data / "apps") as apps:
        return {app.app_code: app for app in apps.every()}


async def test_a_kill_behind_any_call_leaves_every_application_old_or_new(
    recording: Recording[State], tmp_path: Path
) -> None:
    machine = Machine(recording.root, recording.before)
    assert await check_images(recording, machine, Machine.write, tmp_path, check) > 30


@pytest.mark.parametrize("seed", range(CUTS))
async def test_a_power_cut_behind_any_call_leaves_every_application_old_or_new(
    recording: Recording[State], seed: int, tmp_path: Path
) -> None:
    machine = Machine(recording.root, recording.before)
    await check_images(recording, machine, cut_by(random.Random(seed)), tmp_path, check)


def test_every_step_was_acknowledged(recording: Recording[State]) -> None:
    assert recording.acknowledged == len(recording.states) - 1


class WithoutFileSync(Machine):
    """The mutant that renames a file before it is on the disk."""

    def sync(self, path: Path, node: Node) -> None:
        if not path.name.endswith(".tmp"):
            super().sync(path, node)


@pytest.mark.parametrize("mutant", [WithoutFileSync, WithoutDirectorySync])
async def test_applications_that_forget_to_sync_are_caught(
    recording: Recording[State], mutant: type[Machine], tmp_path: Path
) -> None:
    machine = mutant(recording.root, recording.before)
    with pytest.raises((Violated, AppFileCorrupt)):
        await check_images(recording, machine, cut_by(random.Random(0)), tmp_path, check)
