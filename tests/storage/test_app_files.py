"""Applications as files: a restart, a crash, a full disk, a damaged file, a caller who goes away."""

import asyncio
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from storage.app import App
from storage.app_files import AppFiles
from storage.errors import AppFileCorrupt, DirectoryUnusable
from tests.contracts.apps import NOON, app, read_token


async def started(root: Path) -> list[App]:
    async with AppFiles(root) as apps:
        return list(apps.every())


async def kept(root: Path, *made: App) -> None:
    async with AppFiles(root) as apps:
        for one in made:
            await apps.add(one)


async def test_what_was_written_is_there_after_a_restart_and_private(tmp_path: Path) -> None:
    root = tmp_path / "apps"
    shop = app(read_tokens=(read_token(),), origins=("https://shop.example",), mode="enforce")
    await kept(root, shop)
    assert await started(root) == [shop]
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in root.iterdir()} == {0o600}


async def test_when_tokens_were_used_outlives_a_restart_and_is_forgotten_with_them(tmp_path: Path) -> None:
    shop = app(read_tokens=(read_token(), read_token()))
    stays, goes = (one.token_id for one in shop.read_tokens)
    async with AppFiles(tmp_path / "apps") as apps:
        await apps.add(shop)
        for token_id in (stays, goes):
            apps.used(token_id, NOON)
    async with AppFiles(tmp_path / "apps") as apps:
        assert (apps.last_used(stays), apps.last_used(goes)) == (NOON, NOON)
        await apps.update(shop.app_code, lambda one: replace(one, read_tokens=one.read_tokens[:1]))
        apps.used(stays, NOON + timedelta(minutes=1))
    assert goes not in (tmp_path / "last_used.json").read_text()
    async with AppFiles(tmp_path / "apps") as apps:
        assert (apps.last_used(stays), apps.last_used(goes)) == (NOON + timedelta(minutes=1), None)


async def test_drafts_of_a_crash_are_cleared_away(tmp_path: Path) -> None:
    shop = app()
    await kept(tmp_path / "apps", shop)
    (tmp_path / "apps" / f".{shop.app_code}.json.0badcafe.tmp").write_bytes(b'{"app_co')
    assert await started(tmp_path / "apps") == [shop]
    assert [path.name for path in (tmp_path / "apps").iterdir()] == [f"{shop.app_code}.json"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"app_code": "x"}', b"\xff", b"[" * 5000, b"\0" * 4096], ids=range(7)
)
async def test_a_file_that_is_no_application_is_named_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "apps").mkdir(mode=0o700)
    (tmp_path / "apps" / "shop-1.json").write_bytes(content)
    with pytest.raises(AppFileCorrupt, match="put it back from a backup") as caught:
        await started(tmp_path / "apps")
    assert "shop-1.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["other-1.json", "site.json"])
async def test_a_file_under_another_name_is_named(tmp_path: Path, name: str) -> None:
    await kept(tmp_path / "apps", app("shop", app_code="shop-1"))
    (tmp_path / "apps" / "shop-1.json").rename(tmp_path / "apps" / name)
    with pytest.raises(AppFileCorrupt, match="give it back its name") as caught:
        await started(tmp_path / "apps")
    assert name in str(caught.value)


async def test_a_change_goes_on_when_its_caller_is_cancelled(tmp_path: Path) -> None:
    shop, blog = app("shop"), app("blog")
    async with AppFiles(tmp_path / "apps") as apps:
        await apps.add(shop)
        await apps.add(blog)
        asked = [
            asyncio.create_task(apps.add(app("new", app_code="new-1"))),
            asyncio.create_task(apps.update(shop.app_code, lambda one: replace(one, app_name="store"))),
            asyncio.create_task(apps.remove(blog.app_code)),
        ]
        await asyncio.sleep(0)
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        assert all(one.cancelled() for one in asked)
    assert sorted(one.app_name for one in await started(tmp_path / "apps")) == ["new", "store"]


async def test_what_cannot_be_written_is_not_there_and_its_name_is_free(tmp_path: Path) -> None:
    root = tmp_path / "apps"
    shop = app("shop")
    async with AppFiles(root) as apps:
        await apps.add(shop)
        aside = root.rename(tmp_path / "away")
        root.write_bytes(b"in the way")
        for asked in (
            apps.add(app("blog")),
            apps.update(shop.app_code, lambda one: replace(one, app_name="blog")),
            apps.remove(shop.app_code),
        ):
            with pytest.raises(DirectoryUnusable):
                await asked
        assert list(apps.every()) == [shop]
        root.unlink()
        aside.rename(root)
        await apps.add(app("blog"))
        await apps.remove(shop.app_code)
    assert [one.app_name for one in await started(root)] == ["blog"]


async def test_h11_a_directory_that_others_can_enter_keeps_the_daemon_from_starting(tmp_path: Path) -> None:
    await kept(tmp_path / "apps", app())
    (tmp_path / "apps").chmod(0o750)
    with pytest.raises(DirectoryUnusable, match="chmod 700"):
        await started(tmp_path / "apps")


async def test_a_directory_that_cannot_be_read_keeps_the_daemon_from_starting(tmp_path: Path) -> None:
    (tmp_path / "apps").write_bytes(b"no directory")
    (tmp_path / "apps").chmod(0o600)
    with pytest.raises(DirectoryUnusable, match="apps"):
        await started(tmp_path / "apps")
