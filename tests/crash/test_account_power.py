"""Kills and power cuts under accounts: recorded once, and opened on what every one of them would have left.

`CRASH_CUTS=<n>` says how many power cuts are tried behind each call that changes a file.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from storage.user import User
from storage.user_files import UserFiles
from storage.user_list import UsersQuery
from tests.crash.accounts import State, states
from tests.crash.disk import Node
from tests.crash.images import Image, Recording, check_images, cut_by, recorded
from tests.crash.life import Violated, require
from tests.crash.machine import Machine, WithoutDirectorySync

CUTS = int(os.environ.get("CRASH_CUTS", "1"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording[State]:
    return recorded("tests.crash.accounts", tmp_path_factory.mktemp("recorded"), asyncio.run(states()))


async def check(image: Image, expected: list[State]) -> None:
    """Start twice on an image; Violated where a promise is broken."""
    possible = expected[image.acknowledged : image.acknowledged + 2]
    with capture_logs() as lines:
        found = await started(image.data)
    require({line["event"] for line in lines} <= {"removed_user_deleted"}, f"{lines}")
    require(found.users in [state.users for state in possible], f"{sorted(found.users)} after {image.acknowledged}")
    times = [{one: at for one, at in state.seen.items() if one in found.users} for state in possible]
    require(found.seen in times, f"{found.seen} last seen after {image.acknowledged}")
    with capture_logs() as lines:
        require(await started(image.data) == found, "the second start finds something else")
    require(not lines, f"{lines} at the second start")
    require(not list((image.data / "users").rglob("*.tmp")), "a draft is left")


async def started(data: Path) -> State:
    async with UserFiles(data / "users", cached_users_max=0) as users:
        page = await users.page(UsersQuery(limit=100))
        found = {row.user_id: await users.by_id(row.user_id) for row in page.users}
        for user in found.values():
            assert user is not None
            require(await users.by_nickname(user.nickname or "") == user, "a nickname is another's")
        seen = {row.user_id: row.last_seen_at for row in page.users if row.last_seen_at is not None}
        return State({user_id: user for user_id, user in found.items() if isinstance(user, User)}, seen)


async def test_a_kill_behind_any_call_leaves_every_user_old_or_new(recording: Recording[State], tmp_path: Path) -> None:
    machine = Machine(recording.root, recording.before)
    assert await check_images(recording, machine, Machine.write, tmp_path, check) > 100


@pytest.mark.parametrize("seed", range(CUTS))
async def test_a_power_cut_behind_any_call_leaves_every_user_old_or_new(
    recording: Recording[State], seed: int, tmp_path: Path
) -> None:
    machine = Machine(recording.root, recording.before)
    await check_images(recording, machine, cut_by(random.Random(seed)), tmp_path, check)


def test_every_step_was_acknowledged(recording: Recording[State]) -> None:
    assert recording.acknowledged == len(recording.states) - 1


class WithoutUserSync(Machine):
    """The mutant that renames a user's file before it is on the disk."""

    def sync(self, path: Path, node: Node) -> None:
        if not path.name.endswith(".tmp") or "users" not in path.parts:
            super().sync(path, node)


class WithoutTombstoneSync(Machine):
    """The mutant that deletes a user's file before the tombstone is on the disk."""

    def sync(self, path: Path, node: Node) -> None:
        if "removed.json" not in path.name and path != self.root:
            super().sync(path, node)


@pytest.mark.parametrize("mutant", [WithoutUserSync, WithoutDirectorySync, WithoutTombstoneSync])
async def test_accounts_that_forget_to_sync_are_caught(
    recording: Recording[State], mutant: type[Machine], tmp_path: Path
) -> None:
    machine = mutant(recording.root, recording.before)
    with pytest.raises(Violated):
        await check_images(recording, machine, cut_by(random.Random(0)), tmp_path, check)
