"""Removing accounts on a real directory: what is left, and what cannot come back."""

import json
import secrets
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from storage.errors import DirectoryUnusable
from storage.tombstones import FILE_NAME
from storage.user import User
from storage.user_files import UserFiles

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def user(nickname: str) -> User:
    return User(user_id=secrets.token_hex(16), role="user", created_at=NOON, password_hash="hash", nickname=nickname)


ANNA, BORIS = user("anna"), user("boris")


def opened(root: Path) -> UserFiles:
    return UserFiles(root, cached_users_max=10)


@pytest.fixture
async def root(tmp_path: Path) -> Path:
    """The directory of two users."""
    async with opened(tmp_path / "users") as users:
        await users.add(ANNA)
        await users.add(BORIS)
    return tmp_path / "users"


def file_of(root: Path, user: User) -> Path:
    (path,) = root.rglob(f"{user.user_id}.json")
    return path


def traces(directory: Path, user: User) -> list[Path]:
    """Return what names a user, in its name or in it."""
    return [
        path
        for path in directory.rglob("*")
        if path.is_file() and (user.user_id in path.name or str(user.nickname).encode() in path.read_bytes())
    ]


async def test_nothing_but_an_id_and_a_time_is_left(root: Path) -> None:
    async with opened(root) as users:
        users.saw(ANNA.user_id, NOON)
        await users.remove(ANNA.user_id, NOON)
        assert traces(root.parent, ANNA) == []
    assert traces(root.parent, ANNA) == []
    tombstones = root.with_name(FILE_NAME)
    assert json.loads(tombstones.read_bytes()) == {ANNA.user_id: "2026-11-20T12:00:00Z"}
    assert stat.S_IMODE(tombstones.stat().st_mode) == 0o600
    assert [path for path in root.parent.rglob("*") if path.is_file() and ANNA.user_id in path.read_text()] == [
        tombstones
    ]


async def test_what_was_set_aside_of_the_user_goes_too(root: Path) -> None:
    path = file_of(root, ANNA)
    path.with_name(f"{path.name}.corrupt").write_bytes(path.read_bytes())
    path.with_name(f".{path.name}.0badf00d.tmp").write_bytes(path.read_bytes())
    async with opened(root) as users:
        await users.remove(ANNA.user_id, NOON)
    assert traces(root.parent, ANNA) == []


async def test_a_user_of_whom_only_a_corrupt_file_is_left_can_be_removed(root: Path) -> None:
    path = file_of(root, ANNA)
    path.write_bytes(path.read_bytes()[:-5])
    async with opened(root) as users:
        assert await users.by_id(ANNA.user_id) is None
        assert await users.holds(ANNA.user_id)
        await users.remove(ANNA.user_id, NOON)
        assert not await users.holds(ANNA.user_id)
        # From a backup, say.
        assert ANNA.user_id in users.removed()
    assert traces(root.parent, ANNA) == []


async def test_a_file_that_comes_back_is_deleted_with_one_line(root: Path) -> None:
    path = file_of(root, ANNA)
    content = path.read_bytes()
    async with opened(root) as users:
        await users.remove(ANNA.user_id, NOON)
        path.write_bytes(content)
        assert await users.by_id(ANNA.user_id) is None
    with capture_logs() as lines:
        async with opened(root) as users:
            assert await users.by_nickname("anna") is None
            assert await users.by_nickname("boris") == BORIS
    assert [(line["event"], line["file"]) for line in lines] == [("removed_user_deleted", str(path))]
    assert traces(root.parent, ANNA) == []


async def test_a_removal_that_cannot_be_noted_removes_nobody(root: Path) -> None:
    async with opened(root) as users:
        root.with_name(FILE_NAME).mkdir()
        with pytest.raises(DirectoryUnusable, match="cannot be removed"):
            await users.remove(ANNA.user_id, NOON)
        root.with_name(FILE_NAME).rmdir()
        assert await users.by_nickname("anna") == ANNA
        await users.remove(ANNA.user_id, NOON)
    assert traces(root.parent, ANNA) == []


async def test_a_file_that_cannot_be_deleted_is_nobodys_and_the_next_try_deletes_it(root: Path) -> None:
    path = file_of(root, ANNA)
    async with opened(root) as users:
        assert await users.by_id(ANNA.user_id) == ANNA
        aside = path.rename(path.with_name("aside"))
        path.mkdir()
        with pytest.raises(DirectoryUnusable, match="cannot be deleted"):
            await users.remove(ANNA.user_id, NOON)
        assert await users.by_nickname("anna") is None
        path.rmdir()
        aside.rename(path)
        await users.remove(ANNA.user_id, NOON)
        with pytest.raises(KeyError):
            await users.remove(ANNA.user_id, NOON)
    assert traces(root.parent, ANNA) == []


DAMAGES = {
    "empty": b"",
    "cut": b'{"00',
    "another shape": b"[]",
    "no time": b'{"00":"yesterday"}',
    "no UTF-8": b'{"\xff":"2026-11-20T12:00:00Z"}',
    "zeros": bytes(100),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_damaged_list_is_refused_with_the_remedy_and_left_as_it_is(root: Path, damage: bytes) -> None:
    root.with_name(FILE_NAME).write_bytes(damage)
    with pytest.raises(DirectoryUnusable, match=f"{FILE_NAME}.*put it back from a backup"):
        async with opened(root):
            pass
    assert root.with_name(FILE_NAME).read_bytes() == damage
