"""What only users in files can do: survive, be found again, and be damaged."""

# ruff: noqa: RUF001 - look-alikes are the point

import asyncio
import json
import secrets
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from storage.errors import DirectoryUnusable, UserFileCorrupt
from storage.user import Session, User, encode
from storage.user_files import UserFiles

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def user(nickname: str) -> User:
    return User(user_id=secrets.token_hex(16), role="user", created_at=NOW, password_hash="hash", nickname=nickname)


def with_session(sid: str) -> Callable[[User], User]:
    return lambda one: replace(one, sessions=(*one.sessions, Session(sid=sid, created_at=NOW, expires_at=NOW)))


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "users"


def opened(root: Path, *, cached_users_max: int = 10) -> UserFiles:
    return UserFiles(root, cached_users_max=cached_users_max)


async def stored(root: Path, *users: User) -> None:
    async with opened(root) as store:
        for one in users:
            await store.add(one)


async def test_construction_touches_no_file(root: Path) -> None:
    opened(root)
    assert not root.exists()


async def test_users_and_their_changes_are_there_after_a_restart(root: Path) -> None:
    anna, boris = user("anna"), replace(user("boris"), email="b@example.org", age=20)
    async with opened(root) as store:
        await asyncio.gather(store.add(anna), store.add(boris))
        anna = await store.update(anna.user_id, with_session("s"))
    async with opened(root) as store:
        assert await store.by_nickname("ANNA") == await store.by_id(anna.user_id) == anna
        assert await store.by_email("B@example.org") == boris


async def test_h11_files_are_private_readable_json_in_hashed_directories(root: Path) -> None:
    anna = user("../anna")
    await stored(root, anna)
    (path,) = files(root)
    assert path.name == f"{anna.user_id}.json"
    assert json.loads(path.read_bytes())["nickname"] == "../anna"
    assert [len(part) for part in path.relative_to(root).parts[:-1]] == [2, 2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for directory in (root, path.parent, path.parent.parent):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("user_id", ["", "../../../x", "A" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n", "٠" * 32])
async def test_an_id_that_we_did_not_make_never_becomes_a_path(root: Path, user_id: str) -> None:
    async with opened(root) as store:
        with pytest.raises(ValueError, match="not a user_id"):
            await store.add(replace(user("anna"), user_id=user_id))
        await store.add(user("anna"))
    assert len(files(root.parent)) == 1


DAMAGES = {
    "empty": b"",
    "cut": b'{"user_id": "',
    "another shape": b"[]",
    "wrong type": b'{"user_id": 1}',
    "no UTF-8": b'{"user_id": "\xff"}',
    "zeros": bytes(100),
    "deep": b'{"x":' * 100_000,
    "another user": encode(user("other")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_damaged_file_is_set_aside_by_name_and_the_rest_opens(root: Path, damage: bytes) -> None:
    anna, boris = user("anna"), user("boris")
    await stored(root, anna, boris)
    (path,) = root.rglob(f"{anna.user_id}.json")
    path.write_bytes(damage)
    with capture_logs() as lines:
        async with opened(root) as store:
            assert await store.by_id(anna.user_id) is None
            assert await store.by_nickname("anna") is None
            assert await store.by_nickname("boris") == boris
    (line,) = lines
    assert (line["event"], line["log_level"], line["file"]) == ("user_file_corrupt", "warning", str(path))
    assert Path(line["set_aside_as"]).read_bytes() == damage
    with capture_logs() as lines:
        async with opened(root):
            assert lines == []


async def test_a_second_file_with_the_same_name_is_set_aside(root: Path) -> None:
    await stored(root, user("anna"))
    elsewhere = root.parent / "elsewhere"
    await stored(elsewhere, user("Anna"))
    shutil.copytree(elsewhere, root, dirs_exist_ok=True)
    with capture_logs() as lines:
        async with opened(root) as store:
            assert await store.by_nickname("anna") is not None
    assert [line["event"] for line in lines] == ["user_file_corrupt"]
    assert sorted(path.suffix for path in files(root)) == [".corrupt", ".json"]


async def test_a_file_damaged_while_open_is_reported_not_guessed(root: Path) -> None:
    anna = user("anna")
    await stored(root, anna)
    async with opened(root) as store:
        (path,) = files(root)
        path.write_bytes(b"{")
        with pytest.raises(UserFileCorrupt, match=anna.user_id):
            await store.by_nickname("anna")


async def test_a_file_removed_while_open_is_a_user_that_is_gone(root: Path) -> None:
    anna = user("anna")
    await stored(root, anna)
    async with opened(root) as store:
        files(root)[0].unlink()
        assert await store.by_id(anna.user_id) is None
        with pytest.raises(KeyError):
            await store.update(anna.user_id, with_session("s"))


async def test_temporary_files_of_a_crash_are_removed_at_open(root: Path) -> None:
    anna = user("anna")
    await stored(root, anna)
    (path,) = files(root)
    path.with_name(f".{path.name}.0badf00d.tmp").write_bytes(b"half")
    async with opened(root) as store:
        assert await store.by_nickname("anna") == anna
    assert files(root) == [path]


async def test_other_files_are_left_alone(root: Path) -> None:
    await stored(root, user("anna"))
    (path,) = files(root)
    for other in (root / "README", root / "lost+found", path.parent / "notes.txt"):
        other.write_bytes(b"kept")
    async with opened(root):
        pass
    assert len(files(root)) == 4


async def test_a_name_is_free_again_when_its_user_could_not_be_written(root: Path) -> None:
    async with opened(root) as store:
        root.rmdir()
        with pytest.raises(DirectoryUnusable, match="cannot be written"):
            await store.add(user("anna"))
        assert await store.by_nickname("anna") is None
        root.mkdir(mode=0o700)
        await store.add(user("anna"))


async def test_a_change_that_could_not_be_written_is_not_seen(root: Path) -> None:
    anna = user("anna")
    async with opened(root) as store:
        await store.add(anna)
        aside = root.rename(root.with_name("aside"))
        with pytest.raises(DirectoryUnusable):
            await store.update(anna.user_id, lambda one: replace(one, nickname="hanna"))
        aside.rename(root)
        assert await store.by_id(anna.user_id) == anna
        assert await store.by_nickname("hanna") is None
        await store.add(user("hanna"))


async def test_an_administrator_counts_only_while_the_disk_surely_says_so(root: Path) -> None:
    anna, boris = replace(user("anna"), role="admin"), user("boris")
    async with opened(root) as store:
        await store.add(anna)
        await store.add(boris)
        aside = root.rename(root.with_name("aside"))
        for one, role in ((anna, "user"), (boris, "admin")):
            with pytest.raises(DirectoryUnusable):
                await store.update(one.user_id, lambda now, role=role: replace(now, role=role))
        assert store.administrators() == 0
        aside.rename(root)
        assert [await store.by_id(one.user_id) for one in (anna, boris)] == [anna, boris]
        assert store.administrators() == 1


async def test_a_write_whose_caller_left_is_finished(root: Path) -> None:
    anna, boris = user("anna"), user("boris")
    async with opened(root) as store:
        await store.add(anna)
        calls = [
            asyncio.ensure_future(store.add(boris)),
            asyncio.ensure_future(store.update(anna.user_id, with_session("s"))),
        ]
        await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in outcomes)
    async with opened(root) as store:
        assert await store.by_nickname("boris") == boris
        assert await store.by_id(anna.user_id) == with_session("s")(anna)


async def test_at_most_the_given_number_of_users_is_kept_in_memory(root: Path) -> None:
    users = [user(f"u{number}") for number in range(5)]
    await stored(root, *users)
    async with opened(root, cached_users_max=2) as store:
        for one in (*users, users[3]):
            assert await store.by_id(one.user_id) == one
        assert await store.by_id(users[0].user_id) == users[0]
        for path in files(root):
            path.unlink()
        # The one used before the last is kept, though another was read after it at first.
        found = [await store.by_id(one.user_id) for one in users]
        assert found == [users[0], None, None, users[3], None]


async def test_h11_a_directory_that_others_can_enter_is_refused_with_the_remedy(root: Path) -> None:
    root.mkdir(mode=0o755)
    with pytest.raises(DirectoryUnusable, match="chmod 700"):
        async with opened(root):
            pass


async def test_a_root_that_is_no_directory_is_refused_by_name(root: Path) -> None:
    root.write_bytes(b"")
    root.chmod(0o600)
    with pytest.raises(DirectoryUnusable, match="users cannot be read"):
        async with opened(root):
            pass


WRITER = """
import asyncio, itertools, sys
from datetime import UTC, datetime
from pathlib import Path
from msgspec.structs import replace
from storage.user import Session, User
from storage.user_files import UserFiles

NOW = datetime(2026, 11, 20, tzinfo=UTC)

async def main():
    async with UserFiles(Path(sys.argv[1]), cached_users_max=10) as users:
        for number in itertools.count():
            user = User(user_id=f"{number:032x}", role="user", created_at=NOW, password_hash="h", nickname=f"u{number}")
            await users.add(user)
            print("added", number, flush=True)
            await users.update(user.user_id, lambda one: replace(one, sessions=(Session(sid="s", created_at=NOW, expires_at=NOW),)))
            print("updated", number, flush=True)

asyncio.run(main())
"""


async def test_every_answered_change_is_there_after_a_kill(root: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        answered = [writer.stdout.readline() for _ in range(21)]
        writer.send_signal(signal.SIGKILL)
        answered += writer.stdout.read().splitlines()
    with capture_logs() as lines:
        async with opened(root) as store:
            for word, number in (line.split() for line in answered if line.strip()):
                found = await store.by_nickname(f"u{number}")
                assert found is not None
                assert word == "added" or [session.sid for session in found.sessions] == ["s"]
    assert lines == []
    assert not list(root.rglob("*.tmp"))
