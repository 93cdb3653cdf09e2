"""Admin's tab Rejected, through a real application, against a daemon that answers as the contract says."""

import pytest

from console.rejected import EVERYTHING, RejectedAsked, narrowings
from console.screens.admin import AdminScreen
from tests.console.admin_site import AdminSite, rejected
from tests.console.test_admin import choose, table, to_tab
from tests.console.test_screens import check_golden, console, size  # noqa: F401 - a fixture


@pytest.fixture
async def site(aiohttp_server):
    found = AdminSite()
    found.url = str((await aiohttp_server(found.app())).make_url("/"))
    found.rejected[1] = rejected(2, app_code="shop-1", code="attr_type_wrong", reason="attrs.price: no number")
    found.rejected[2] = rejected(3, app_code=None, received_at=None, code="line_unreadable", reason=None, has_raw=False)
    return found


async def on_rejected(shown):
    await shown.until(lambda: shown.app.snapshot.me is not None)
    await shown.press("5")
    await to_tab(shown, "Rejected")
    await shown.shows("everything · last loaded first · page 1")


async def test_the_rejected_items(site, tmp_path, size):  # noqa: F811
    async with console(site, tmp_path, size) as shown:
        await on_rejected(shown)
        await shown.until(lambda: site.streams == 1)
        site.push()
        await shown.shows("● live 0s")
        check_golden("rejected", size, shown.lines)


async def test_enter_shows_what_was_sent(site, tmp_path):
    site.sample = '{"attrs": {"price": "\x1b[2Jfree"}}'
    async with console(site, tmp_path, (120, 40)) as shown:
        await on_rejected(shown)
        await shown.press("down", "enter")
        await shown.shows("Rejected item", "0000000001-a:2", "attr_type_wrong", "attrs.price: no number", "120 bytes")
        await shown.shows('{"attrs": {"price": "\ufffd[2Jfree"}}')


async def test_what_is_not_kept_is_told(site, tmp_path):
    site.sample = None
    async with console(site, tmp_path) as shown:
        await on_rejected(shown)
        await shown.press("enter")
        await shown.shows("120 bytes, which are not kept")


async def test_items_are_narrowed_by_the_daemon_to_an_application_and_then_to_a_code(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_rejected(shown)
        await shown.press("f")
        await choose(shown, "app site")
        await shown.shows("app site · last loaded first")
        assert "attr_type_wrong" not in shown.text
        await shown.press("f")
        await choose(shown, "app site · field_wrong")
        await shown.shows("app site · field_wrong · last loaded first")
        asked = site.lists[-1]
        assert (asked["app_code"], asked["code"]) == ("site", "field_wrong")
        await shown.press("f")
        await choose(shown, "everything")
        await shown.shows("everything · last loaded first", "attr_type_wrong")


def test_what_is_asked_already_is_among_what_can_be_asked():
    asked = RejectedAsked("gone", "code")
    assert narrowings([], asked) == [EVERYTHING, asked]
    assert narrowings([rejected(1)], EVERYTHING)[1:] == [RejectedAsked("site"), RejectedAsked(None, "field_wrong")]


async def test_older_items_are_on_the_next_page(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_rejected(shown)
        await shown.press("n")
        await shown.shows("page 2")
        assert table(shown).cursor_key == "0000000001-a:11"
        await shown.press("p")
        await shown.shows("page 1 · n goes on")


async def test_one_item_is_replayed_and_once_more_is_a_duplicate(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_rejected(shown)
        await shown.press("down")
        for said in ("1 accepted", "1 duplicate"):
            await shown.press("R")
            await shown.shows("Replay 0000000001-a:2?", "It was rejected as attr_type_wrong")
            await choose(shown, "Replay it")
            await shown.shows(said)
    assert site.replays == ["0000000001-a:2"] * 2


async def test_all_that_are_shown_are_replayed_and_those_refused_again_are_named(site, tmp_path):
    site.refused_again = {"0000000001-a:3", "0000000001-a:5"}
    async with console(site, tmp_path) as shown:
        await on_rejected(shown)
        await shown.press("A")
        await shown.shows("Replay all 10 items shown here?")
        await choose(shown, "Replay 10 items")
        await shown.shows("8 accepted, 2 refused", "2 of 10 were refused again", "0000000001-a:5  422 attr_type_wrong")
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, AdminScreen))
    assert len(site.replays) == 10


@pytest.mark.parametrize("key", ["R", "A"])
async def test_what_is_not_confirmed_is_not_replayed(site, tmp_path, key):
    async with console(site, tmp_path) as shown:
        await on_rejected(shown)
        await shown.press(key)
        await shown.shows("Replay")
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, AdminScreen))
    assert site.replays == []


async def test_a_log_that_takes_nothing_ends_a_replay_of_many(site, tmp_path):
    site.admin_refusal = (503, "log_failed")
    async with console(site, tmp_path) as shown:
        await on_rejected(shown)
        await shown.press("A")
        await choose(shown, "Replay 10 items")
        await shown.shows("503 log_failed")
    assert len(site.replays) == 1


@pytest.mark.parametrize("key", ["R", "A"])
async def test_where_nothing_was_rejected_nothing_is_replayed(site, tmp_path, key):
    site.rejected = []
    async with console(site, tmp_path) as shown:
        await on_rejected(shown)
        await shown.shows("nothing of this was rejected")
        await shown.press(key)
        assert isinstance(shown.app.screen, AdminScreen)


async def test_the_footer_has_room_for_the_keys(site, tmp_path):
    async with console(site, tmp_path, (80, 24)) as shown:
        await on_rejected(shown)
        await shown.shows("R Replay", "q Quit")
        assert shown.lines[-1].endswith("q Quit")
