"""Accounts in backups: all of them are there, and nobody who was removed comes back."""

import asyncio
import secrets
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from storage.account_backup import copy_accounts
from storage.app_files import AppFiles
from storage.audit import AuditRow
from storage.audit_file import AuditFile, audit_key
from storage.errors import DirectoryUnusable, LogCorrupt
from storage.user import User
from storage.user_files import UserFiles
from storage.wal.backup import make_backup, restore
from tests.contracts.apps import app, read_token
from tests.logs import open_log

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
KEY = audit_key("a secret of the tests")
ENTRIES = 20


def user(nickname: str) -> User:
    return User(user_id=secrets.token_hex(16), role="user", created_at=NOON, password_hash="hash", nickname=nickname)


ANNA, BORIS = user("anna"), user("boris")


def users_of(data: Path) -> UserFiles:
    return UserFiles(data / "users", cached_users_max=10)


def audit_of(data: Path) -> AuditFile:
    return AuditFile(data / "audit", KEY, file_bytes_max=2000)


async def audited(data: Path, count: int, *, note: str = "") -> None:
    async with audit_of(data) as audit:
        for _ in range(count):
            await audit.append(AuditRow(at=NOON, event="authn_login_success", outcome="success", note=note))


async def entries_in(data: Path) -> int:
    """Return how many entries there are; every one is as it was written."""
    async with audit_of(data) as audit:
        found = await audit.check()
    assert found.damage is None
    return found.rows


@pytest.fixture
async def here(tmp_path: Path) -> Path:
    """A data directory with two users, of whom Anna was seen, and an audit log of several files; secrets beside it."""
    data = tmp_path / "here"
    data.mkdir(mode=0o700)
    (tmp_path / "env").write_text("SECRET_KEY=a\n")
    async with open_log(data) as log:
        await log.append([b'{"event_id":"a"}'])
    async with users_of(data) as users:
        await users.add(ANNA)
        await users.add(BORIS)
        users.saw(ANNA.user_id, NOON)
    await audited(data, ENTRIES)
    (data / "throttle.json").write_bytes(b"{}")
    return data


def backed_up(here: Path) -> Path:
    target = here.with_name(f"backup-{secrets.token_hex(2)}")
    make_backup(here, here.with_name("env"), target, NOON)
    return target


def restored(source: Path, data: Path) -> Path:
    data.mkdir(mode=0o700, exist_ok=True)
    restore(source, data, source.with_name("env"))
    return data


async def removed(data: Path, user: User) -> None:
    async with users_of(data) as users:
        await users.remove(user.user_id, NOON)


def without_log(data: Path) -> Path:
    """Move away what stands in the way of a restore into the same directory."""
    shutil.rmtree(data / "log")
    return data


async def test_a_restored_directory_has_accounts_audit_log_throttle_and_who_was_last_seen(here: Path) -> None:
    there = restored(backed_up(here), here.with_name("there"))
    assert await entries_in(there) == ENTRIES
    assert (there / "throttle.json").read_bytes() == b"{}"
    async with users_of(there) as users:
        assert await users.by_nickname("anna") == ANNA
        assert await users.by_nickname("boris") == BORIS
        assert users.last_seen(ANNA.user_id) == NOON


async def test_a_restored_directory_has_applications_as_they_were_then(here: Path) -> None:
    kept, changed = app("kept", read_tokens=(read_token(),)), app("changed")
    token_id = kept.read_tokens[0].token_id
    async with AppFiles(here / "apps") as apps:
        await apps.add(kept)
        await apps.add(changed)
        apps.used(token_id, NOON)
    source = backed_up(here)
    async with AppFiles(here / "apps") as apps:
        await apps.remove(kept.app_code)
        await apps.update(changed.app_code, lambda one: replace(one, mode="enforce"))
    for data in (here.with_name("there"), without_log(here)):
        async with AppFiles(restored(source, data) / "apps") as apps:
            assert {one.app_code: one for one in apps.every()} == {one.app_code: one for one in (kept, changed)}
            assert apps.last_used(token_id) == NOON


async def test_h11_backup_and_restored_directory_are_private(here: Path) -> None:
    source = backed_up(here)
    for top in (source, restored(source, here.with_name("there"))):
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [top, *top.rglob("*")]}
        assert [path for path, mode in modes.items() if mode & 0o077] == []


async def test_an_older_backup_does_not_bring_a_removed_account_back(here: Path) -> None:
    source = backed_up(here)
    await removed(here, ANNA)
    restored(source, without_log(here))
    assert [path for path in here.rglob("*.json") if b"anna" in path.read_bytes()] == []
    async with users_of(here) as users:
        assert await users.by_id(ANNA.user_id) is None
        assert await users.by_nickname("anna") is None
        assert await users.by_nickname("boris") == BORIS


async def test_a_backup_takes_the_removed_out_of_the_directory_it_is_restored_into(here: Path) -> None:
    there = restored(backed_up(here), here.with_name("there"))
    await removed(here, ANNA)
    restored(backed_up(here), without_log(there))
    async with users_of(there) as users:
        assert await users.by_nickname("anna") is None
        assert await users.by_nickname("boris") == BORIS
    assert [path for path in (there / "users").rglob("*") if ANNA.user_id in path.name] == []


async def test_the_removed_of_both_stay_so_over_a_second_restore(here: Path) -> None:
    older = backed_up(here)
    await removed(here, ANNA)
    newer = backed_up(here)
    there = restored(older, here.with_name("there"))
    await removed(there, BORIS)
    restored(newer, without_log(there))
    restored(older, without_log(there))
    async with users_of(there) as users:
        assert [await users.by_nickname(name) for name in ("anna", "boris")] == [None, None]


async def test_every_copy_of_an_audit_log_that_is_being_written_is_whole(here: Path, tmp_path: Path) -> None:
    copies = [tmp_path / f"copy{number}" for number in range(20)]
    writing = asyncio.create_task(audited(here, 500))
    for copy in copies:
        copy.mkdir()
        await asyncio.to_thread(copy_accounts, here, copy)
    await writing
    counts = [await entries_in(copy) for copy in copies]
    assert counts == sorted(counts)


async def test_an_audit_log_that_went_on_is_kept(here: Path) -> None:
    source = backed_up(here)
    await audited(here, 7)
    restored(source, without_log(here))
    assert await entries_in(here) == ENTRIES + 7


async def test_a_restore_that_was_interrupted_goes_on(here: Path) -> None:
    there, source = here.with_name("there"), backed_up(here)
    restored(source, there)
    *_, last = sorted((there / "audit").glob("*.ndjson"))
    last.write_bytes(last.read_bytes()[:100])
    (there / "audit" / "head").unlink()
    restored(source, without_log(there))
    assert await entries_in(there) == ENTRIES


async def test_another_audit_log_is_not_written_over(here: Path) -> None:
    source, there = backed_up(here), here.with_name("there")
    there.mkdir(mode=0o700)
    await audited(there, 3, note="of another daemon")
    with pytest.raises(DirectoryUnusable, match="another audit log"):
        restored(source, there)
    assert sorted(path.name for path in there.iterdir()) == ["audit"]
    assert await entries_in(there) == 3


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "audit/00000001.ndjson": flip,
    "audit/00000002.ndjson": Path.unlink,
    "audit/head": flip,
    "last_seen.json": flip,
    "throttle.json": Path.unlink,
    "removed.json": flip,
}


@pytest.mark.parametrize("name", DAMAGES)
async def test_a_changed_or_missing_file_is_named_and_nothing_is_restored(here: Path, name: str) -> None:
    await removed(here, BORIS)
    source = backed_up(here)
    DAMAGES[name](source / name)
    with pytest.raises(LogCorrupt, match=name):
        restored(source, here.with_name("there"))
    assert list(here.with_name("there").iterdir()) == []


async def test_a_backup_of_before_there_was_an_audit_log_is_restored(here: Path) -> None:
    for name in ("throttle.json", "last_seen.json"):
        (here / name).unlink()
    shutil.rmtree(here / "audit")
    there = restored(backed_up(here), here.with_name("there"))
    async with users_of(there) as users:
        assert await users.by_nickname("anna") == ANNA
