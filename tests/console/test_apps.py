"""Admin's tab Apps, through a real application, against a daemon that answers as the contract says."""

import pytest
from textual.widgets import Input

from collector.wire.apps import AttrShape, EventShape
from console.screens.admin import AdminScreen
from console.screens.definitions import DefinitionsScreen
from console.screens.new_token import NewToken
from tests.console.admin_site import AdminSite
from tests.console.app_site import application, token
from tests.console.test_admin import choose, table, to_tab
from tests.console.test_screens import check_golden, console, size  # noqa: F401 - a fixture

SHOP = application(2).app_code


@pytest.fixture
async def site(aiohttp_server):
    found = AdminSite()
    found.url = str((await aiohttp_server(found.app())).make_url("/"))
    return found


async def on_apps(shown):
    await shown.until(lambda: shown.app.snapshot.me is not None)
    await shown.press("5")
    await to_tab(shown, "Apps")
    await shown.shows("the built-in one, then the oldest first")


async def to_shop(shown):
    await on_apps(shown)
    await shown.press("down", "down")
    assert table(shown).cursor_key == SHOP


async def type_line(shown, text):
    await shown.until(lambda: shown.app.screen.is_modal)
    shown.app.screen.query_one(Input).value = text
    await shown.press("enter")


async def test_the_apps(site, tmp_path, size):  # noqa: F811
    site.owners = {SHOP: "ann@example.org"}
    site.change_app(SHOP, mode="enforce", visitors="cookieless", tokens=[token(3), token(2)])
    site.define(SHOP, EventShape("sale", []), EventShape("view", []))
    async with console(site, tmp_path, size) as shown:
        await on_apps(shown)
        await shown.until(lambda: site.streams == 1)
        site.push()
        await shown.shows("● live 0s")
        check_golden("apps", size, shown.lines)


async def test_enter_shows_an_application_with_its_tokens_and_events(site, tmp_path):
    site.change_app(SHOP, origins=["https://shop.example"])
    site.define(SHOP, EventShape("sale", [AttrShape("price", "number"), AttrShape("unit of", "string")]))
    async with console(site, tmp_path, (120, 40)) as shown:
        await to_shop(shown)
        await shown.press("enter")
        await shown.shows(
            SHOP, token(2).api_token, "https://shop.example", "sale  price:number 'unit of:string'", "any"
        )


async def test_applications_are_searched_by_the_daemon(site, tmp_path):
    site.apps_most = 2
    async with console(site, tmp_path) as shown:
        await on_apps(shown)
        await shown.shows("2 of 4 · the built-in one")
        await shown.press("slash")
        await type_line(shown, "shop 2")
        await shown.shows('1 · "shop 2" · the built-in one', "Shop 2")
        await shown.press("slash")
        await type_line(shown, "nothing")
        await shown.shows("there is no such application")
        await shown.press("w")
        await shown.shows("no application is under the cursor")


async def test_a_new_application_shows_its_token_once_and_copies_it(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_apps(shown)
        await shown.press("c")
        await type_line(shown, " ")
        await shown.shows("an application needs a name")
        await type_line(shown, "Café [b]")
        made = application(4).api_token
        await shown.shows("Café [b] is created", made, "y copies it")
        copied = []
        shown.app.copy_to_clipboard = copied.append
        await shown.press("y")
        await shown.shows("given to the clipboard")
        assert copied == [made]
        await shown.press("escape")
        await shown.shows("Café [b]", "5 · the built-in one")
        assert made not in shown.text
    assert site.done == [("create", "Café [b]")]


async def test_an_application_that_may_not_be_made_is_told(site, tmp_path):
    site.admin_refusal = (400, "app_name_taken")
    async with console(site, tmp_path) as shown:
        await on_apps(shown)
        await shown.press("c")
        await type_line(shown, "Shop 1")
        await shown.shows("400 app_name_taken")
        assert isinstance(shown.app.screen, AdminScreen)


async def test_a_token_is_rotated_and_the_old_one_revoked(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await to_shop(shown)
        await shown.press("w")
        await choose(shown, "Rotate Shop 2")
        await shown.shows("Another api_token of Shop 2", token(9).api_token)
        assert isinstance(shown.app.screen, NewToken)
        await shown.press("escape", "x")
        await shown.shows("Revoke which api_token of Shop 2?")
        await choose(shown, f"{token(2).api_token[:16]}… since 2026-11-13")
        await shown.shows("is revoked")
    assert site.done == [("rotate", SHOP), ("revoke", SHOP, "t2")]
    assert [one.token_id for one in site.apps[SHOP].tokens] == ["t9"]


async def test_the_last_token_is_not_revoked_which_is_told(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await to_shop(shown)
        await shown.press("x")
        await choose(shown, "ffw_")
        await shown.shows("409 last_token")


@pytest.mark.parametrize(
    ("member", "present", "typed"),
    [
        ("origins", ["https://a.example"], "https://b.example  http://[::1]:8080"),
        ("origins", ["https://a.example"], ""),
        ("hostnames", [], "shop.example"),
    ],
)
async def test_lists_of_an_application_are_edited_in_a_line(site, tmp_path, member, present, typed):
    site.change_app(SHOP, **{member: present})
    async with console(site, tmp_path) as shown:
        await to_shop(shown)
        await shown.press(member[0])
        await shown.until(lambda: shown.app.screen.is_modal)
        assert shown.app.screen.query_one(Input).value == " ".join(present)
        await type_line(shown, typed)
        await shown.shows(f"Shop 2 has {len(typed.split())} {member}")
    assert site.done == [("patch", SHOP, {member: typed.split()})]


@pytest.mark.parametrize(
    ("key", "words", "patch"),
    [
        ("m", "warn", {"mode": "warn"}),
        ("m", "enforce", {"mode": "enforce"}),
        ("v", "cookieless", {"visitors": "cookieless"}),
    ],
)
async def test_how_events_are_taken_is_chosen(site, tmp_path, key, words, patch):
    async with console(site, tmp_path) as shown:
        await to_shop(shown)
        await shown.press(key, "enter")
        await shown.until(lambda: isinstance(shown.app.screen, AdminScreen))
        assert site.done == []
        await shown.press(key)
        await choose(shown, words)
        await shown.shows(words, "Shop 2 is")
    assert site.done == [("patch", SHOP, patch)]


async def test_what_the_daemon_refuses_is_told(site, tmp_path):
    site.admin_refusal = (422, "origin_invalid")
    async with console(site, tmp_path) as shown:
        await to_shop(shown)
        await shown.press("o")
        await type_line(shown, "shop")
        await shown.shows("422 origin_invalid")


async def test_an_application_is_deleted_once_its_name_was_typed(site, tmp_path):
    site.owners = {SHOP: None}
    async with console(site, tmp_path) as shown:
        await to_shop(shown)
        await shown.press("D")
        await shown.shows("Delete Shop 2 (of 00)?", SHOP)
        site.change_app(SHOP, app_name="renamed meanwhile")
        await type_line(shown, "Shop 1")
        await shown.shows("that is another name")
        await type_line(shown, "Shop 2")
        await shown.shows("Shop 2 is deleted", "3 · the built-in one")
        assert table(shown).cursor_key is None
    assert site.done == [("remove", SHOP)]


@pytest.mark.parametrize("key", ["w", "x", "o", "h", "m", "v", "d", "D", "enter"])
async def test_the_built_in_application_is_told_to_be_set_up_elsewhere(site, tmp_path, key):
    async with console(site, tmp_path) as shown:
        await on_apps(shown)
        assert table(shown).cursor_key == "site"
        await shown.press(key)
        await shown.shows("the application of the site itself")
        assert isinstance(shown.app.screen, AdminScreen)
    assert site.done == []


async def test_events_are_defined_repaired_and_removed(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await to_shop(shown)
        await shown.press("d")
        await shown.shows("Events of Shop 2", "no event is defined yet")
        await shown.press("a")
        await shown.shows("Define an event of Shop 2")
        await type_line(shown, 'sale price:number "unit of sale:string"')
        await shown.shows("sale is defined", "price:number 'unit of sale:string'")
        await shown.press("enter")
        await shown.shows("Attrs of sale")
        assert shown.app.screen.query_one(Input).value == "price:number 'unit of sale:string'"
        await type_line(shown, "price:integer")
        await shown.shows("price:integer")
        await shown.press("x")
        await choose(shown, "Remove sale")
        await shown.shows("no event is defined yet")
        assert isinstance(shown.app.screen, DefinitionsScreen)
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, AdminScreen))
    price, unit = {"name": "price", "type": "number"}, {"name": "unit of sale", "type": "string"}
    assert site.done == [
        ("define", SHOP, [{"name": "sale", "attrs": [price, unit]}]),
        ("define", SHOP, [{"name": "sale", "attrs": [price | {"type": "integer"}]}]),
        ("undefine", SHOP, "event0"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "should be NAME ATTR:TYPE"),
        ("sale price:money", "with one of the types string, integer"),
        ("sale price", "should be ATTR:TYPE"),
        ("sale price:number price:string", "is there twice"),
        ("sale 'price:number", "a quotation mark is not closed"),
    ],
)
async def test_a_definition_that_is_none_is_told_before_it_is_sent(site, tmp_path, text, said):
    async with console(site, tmp_path) as shown:
        await to_shop(shown)
        await shown.press("d", "a")
        await type_line(shown, text)
        await shown.shows(said)
        await shown.press("escape", "escape")
    assert site.done == []


async def test_the_footer_has_room_for_the_keys(site, tmp_path):
    async with console(site, tmp_path, (80, 24)) as shown:
        await on_apps(shown)
        await shown.shows("c Create", "q Quit")
        assert shown.lines[-1].endswith("q Quit")
