"""When users were last seen, over restarts, crashes and damage."""

import asyncio
import json
import secrets
import stat
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from storage.errors import DirectoryUnusable
from storage.last_seen import FILE_NAME
from storage.user import User
from storage.user_files import UserFiles

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WAIT_S = 10.0


def user(nickname: str) -> User:
    return User(user_id=secrets.token_hex(16), role="user", created_at=NOON, password_hash="hash", nickname=nickname)


ANNA, BORIS = user("anna"), user("boris")


@pytest.fixture
async def root(tmp_path: Path) -> Path:
    """A directory with two users, of whom Anna was seen."""
    (tmp_path / "data").mkdir()
    async with opened(tmp_path / "data" / "users") as users:
        await users.add(ANNA)
        await users.add(BORIS)
        users.saw(ANNA.user_id, NOON)
    return tmp_path / "data" / "users"


def opened(root: Path) -> UserFiles:
    return UserFiles(root, cached_users_max=10)


@asynccontextmanager
async def running(root: Path) -> AsyncIterator[UserFiles]:
    async with UserFiles(root, cached_users_max=10, keep_s=0.001) as users:
        task = asyncio.create_task(users.run())
        yield users
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def written(root: Path) -> dict[str, str]:
    return json.loads(root.with_name(FILE_NAME).read_bytes())


async def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


async def test_the_file_is_private_and_a_person_can_read_it(root: Path) -> None:
    assert written(root) == {ANNA.user_id: "2026-11-20T12:00:00Z"}
    assert stat.S_IMODE(root.with_name(FILE_NAME).stat().st_mode) == 0o600


async def test_who_was_seen_is_known_after_a_restart_to_the_microsecond(root: Path) -> None:
    at = NOON + timedelta(microseconds=1)
    async with opened(root) as users:
        users.saw(BORIS.user_id, at)
    async with opened(root) as users:
        assert (users.last_seen(ANNA.user_id), users.last_seen(BORIS.user_id)) == (NOON, at)


async def test_it_is_written_while_the_store_is_open(root: Path) -> None:
    async with running(root) as users:
        users.saw(BORIS.user_id, NOON)
        await until(lambda: BORIS.user_id in written(root))


async def test_nothing_is_written_where_nothing_is_new(root: Path) -> None:
    before = root.with_name(FILE_NAME).stat().st_ino
    async with opened(root) as users:
        users.saw(ANNA.user_id, NOON)
    assert root.with_name(FILE_NAME).stat().st_ino == before


async def test_a_file_that_cannot_be_written_is_logged_and_written_later(root: Path) -> None:
    async with running(root) as users:
        with capture_logs() as lines:
            aside = root.parent.rename(root.parent.with_name("aside"))
            users.saw(BORIS.user_id, NOON)
            await until(lambda: len(lines) > 1)
            aside.rename(root.parent)
            await until(lambda: BORIS.user_id in written(root))
    assert {(line["event"], line["log_level"]) for line in lines} == {("last_seen_not_kept", "warning")}


DAMAGES = {
    "empty": b"",
    "cut": b'{"00',
    "another shape": b"[]",
    "wrong type": b'{"00":1}',
    "no time": b'{"00":"yesterday"}',
    "no UTF-8": b'{"\xff":"2026-11-20T12:00:00Z"}',
    "zeros": bytes(100),
    "deep": b'{"x":' * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_damaged_file_is_set_aside_by_name_and_the_users_are_there(root: Path, damage: bytes) -> None:
    root.with_name(FILE_NAME).write_bytes(damage)
    with capture_logs() as lines:
        async with opened(root) as users:
            assert users.last_seen(ANNA.user_id) is None
            assert await users.by_id(ANNA.user_id) == ANNA
            users.saw(BORIS.user_id, NOON)
    (line,) = lines
    assert (line["event"], line["log_level"], line["file"]) == (
        "last_seen_corrupt",
        "warning",
        str(root.with_name(FILE_NAME)),
    )
    assert Path(line["set_aside_as"]).read_bytes() == damage
    assert written(root).keys() == {BORIS.user_id}


async def test_users_that_are_not_there_are_forgotten(root: Path) -> None:
    root.with_name(FILE_NAME).write_text(json.dumps(written(root) | {"0" * 32: "2026-11-20T12:00:00Z"}))
    async with opened(root) as users:
        assert users.last_seen("0" * 32) is None
    assert written(root).keys() == {ANNA.user_id}


async def test_a_file_that_cannot_be_read_is_refused_by_name(root: Path) -> None:
    root.with_name(FILE_NAME).unlink()
    root.with_name(FILE_NAME).mkdir()
    with pytest.raises(DirectoryUnusable, match=FILE_NAME):
        async with opened(root):
            pass
