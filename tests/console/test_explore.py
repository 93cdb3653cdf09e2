"""Mode 2, through a real application, against a daemon that answers as the contract says."""

import pytest

from collector.wire.apps import AttrShape, EventShape
from console.exploration import NOT_YOURS
from console.screens.details import Details
from console.screens.explore import ExploreScreen
from console.widgets.bars import BarChart
from tests.console.admin_site import AdminSite
from tests.console.app_site import application
from tests.console.test_admin import choose, table
from tests.console.test_screens import check_golden, console, size  # noqa: F401 - a fixture

FIRST, SHOP = application(1).app_code, application(2).app_code
ATTRS = [
    AttrShape("part", "string"),
    AttrShape("colour", "string"),
    AttrShape("n", "integer"),
    AttrShape("mm", "integer"),
]


@pytest.fixture
async def site(aiohttp_server):
    found = AdminSite()
    found.url = str((await aiohttp_server(found.app())).make_url("/"))
    found.define(FIRST, EventShape("used", ATTRS), EventShape("seen", []))
    return found


async def on_explore(shown):
    await shown.press("2")
    await shown.shows("Shop 1 · used · sum of n by part · 24h", "ann", "235")


async def test_the_pivot(site, tmp_path, size):  # noqa: F811
    async with console(site, tmp_path, size) as shown:
        await on_explore(shown)
        await shown.until(lambda: site.streams == 1)
        site.push()
        await shown.shows("● live 0s")
        check_golden("explore", size, shown.lines)
        await shown.press("z")
        check_golden("explore-chart", size, shown.lines)
    assert site.pivots[-1][:2] == (FIRST, "event0")
    assert site.pivots[-1][2] == {"from": "2026-11-20T10:30:20Z"}


async def test_the_chart_is_of_the_row_under_the_cursor(site, tmp_path):
    async with console(site, tmp_path, (120, 40)) as shown:
        await on_explore(shown)
        await shown.shows("all users, sum of n by part", "diode")
        await shown.press("down")
        await shown.shows("ann, sum of n by part", "transistor")
        await shown.press("down")
        await shown.shows("bo, sum of n by part")
        chart = shown.app.screen.query_one(BarChart)
        assert [one.name for one in chart._amounts] == ["diode"]
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, Details))
        await shown.shows("total  9")


async def test_at_80_columns_the_chart_keeps_the_row_that_it_is_of_under_the_cursor(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_explore(shown)
        assert not shown.app.screen.query_one(BarChart).display
        await shown.press("z", "down")
        await shown.shows("ann, sum of n by part")
        assert "bo " not in shown.text
        await shown.press("z")
        await shown.shows("bo ")


async def test_the_chart_in_ascii(site, tmp_path):
    async with console(site, tmp_path, ascii_only=True) as shown:
        await on_explore(shown)
        await shown.press("z")
        await shown.shows("####")
        assert "█" not in shown.text


async def test_what_is_not_shown_for_want_of_room_is_told(site, tmp_path):
    site.pivot = [{"user_code": f"user{at}"} | {f"part{of}": at + of for of in range(50)} for at in range(1000)]
    async with console(site, tmp_path) as shown:
        await shown.press("2")
        await shown.shows("4 of 50+ values · 500 of 1000+ users", "part49")
        await shown.pilot.resize_terminal(120, 40)
        await shown.shows("8 of 50+ values", "36 more")


async def test_another_event_and_other_attrs_are_chosen(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_explore(shown)
        await shown.press("d")
        await choose(shown, "colour")
        await shown.shows("sum of n by colour")
        await shown.press("m")
        await choose(shown, "mm")
        await shown.shows("sum of mm by colour")
        assert {name: site.pivots[-1][2].get(name) for name in ("by", "sum")} == {"by": "colour", "sum": "mm"}
        await shown.press("v")
        await choose(shown, "seen")
        await shown.shows("Shop 1 · seen · count · 24h")
        assert site.pivots[-1][1] == "event1"
        assert set(site.pivots[-1][2]) == {"from"}
        await shown.press("m")
        await shown.shows("there is nothing to choose")


async def test_another_application_is_chosen(site, tmp_path):
    site.define(SHOP, EventShape("sold", []))
    async with console(site, tmp_path) as shown:
        await on_explore(shown)
        await shown.press("a")
        await choose(shown, "Shop 2")
        await shown.shows("Shop 2 · sold · count · 24h")
        await shown.press("a")
        await choose(shown, "Shop 3")
        await shown.shows("no event of it is defined yet")


async def test_an_event_that_is_gone_meanwhile_gives_way_to_another(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_explore(shown)
        await shown.press("d")
        await choose(shown, "colour")
        await shown.shows("sum of n by colour")
        site.definitions[FIRST].pop(0)
        await shown.press("r")
        await shown.shows("Shop 1 · seen · count · 24h")
        assert set(site.pivots[-1][2]) == {"from"}


async def test_without_values_the_users_are_the_bars(site, tmp_path):
    site.definitions[FIRST].pop(0)
    site.pivot = [{"user_code": "None", "total": 5}, {"user_code": None, "total": 7}]
    async with console(site, tmp_path, (120, 40)) as shown:
        await shown.press("2")
        await shown.shows("Shop 1 · seen · count · 24h", "count by user", "(no user)", "None")
        assert shown.text.count("total") == 1
        chart = shown.app.screen.query_one(BarChart)
        assert [tuple(one) for one in chart._amounts] == [("(no user)", 7), ("None", 5)]


async def test_the_period_is_that_of_the_overview(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_explore(shown)
        await shown.press("t")
        await choose(shown, "last 7d")
        await shown.shows("by part · 7d")
        assert site.pivots[-1][2] == {"from": "2026-11-14T10:30:20Z"}


async def test_nothing_that_came_is_told(site, tmp_path):
    site.pivot = []
    async with console(site, tmp_path) as shown:
        await shown.press("2")
        await shown.shows("no such event came in this period")
        await shown.press("enter", "down")
        assert isinstance(shown.app.screen, ExploreScreen)


@pytest.mark.parametrize(
    ("role", "said"),
    [("admin", "there is no application yet"), ("analyst", NOT_YOURS), ("user", NOT_YOURS)],
    ids=["admin", "analyst", "user"],
)
async def test_who_has_nothing_to_explore_is_told_why(site, tmp_path, role, said):
    site.role, site.apps = role, {}
    async with console(site, tmp_path) as shown:
        await shown.press("2")
        await shown.shows(said)
        await shown.press("a")
        await shown.shows("Application: there is nothing")


async def test_an_owner_explores_its_own(site, tmp_path):
    site.role = "user"
    async with console(site, tmp_path) as shown:
        await on_explore(shown)


async def test_a_refusal_leaves_what_was_there(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_explore(shown)
        site.pivot_refusal = (503, "store_down")
        await shown.press("r")
        await shown.shows("503 store_down", "235")
        assert shown.app.screen.has_class("-stale")
        site.pivot_refusal = None
        await shown.press("r")
        await shown.until(lambda: "store_down" not in shown.text)


async def test_the_cursor_keeps_its_user_when_the_order_changes(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_explore(shown)
        await shown.press("down")
        site.pivot[1]["diode"] = 999
        await shown.press("r")
        await shown.shows("999")
        assert table(shown).cursor_key == "user ann"


async def test_the_footer_has_room_for_the_keys(site, tmp_path):
    async with console(site, tmp_path, (80, 24)) as shown:
        await on_explore(shown)
        await shown.shows("t Period", "q Quit")
        assert shown.lines[-1].endswith("q Quit")
