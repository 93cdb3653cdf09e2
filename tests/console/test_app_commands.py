"""`footfall apps`, `rejected` and `pivot` against a daemon that answers as the contract says."""

import json

import pytest

from collector.wire.apps import AttrShape, EventShape
from tests.console.admin_site import AdminSite, rejected
from tests.console.app_site import application, token

SHOP = application(2).app_code


@pytest.fixture
async def site(aiohttp_server, monkeypatch):
    found = AdminSite()
    found.url = str((await aiohttp_server(found.app())).make_url("/"))
    monkeypatch.setenv("FOOTFALL_TOKEN", found.token)
    monkeypatch.setenv("FOOTFALL_URL", found.url)
    found.define(SHOP, EventShape("sale", [AttrShape("part", "string")]))
    return found


async def test_applications_are_listed_to_an_administrator_with_their_owners(site, footfall):
    site.owners = {SHOP: "ann"}
    ended = await footfall("apps", "ls")
    assert (ended.status, ended.err) == (0, "")
    heading, built_in, _, shop, _ = ended.out.splitlines()
    assert heading.split() == ["app_code", "name", "owner", "mode", "visitors", "tokens", "events", "created"]
    assert built_in.split()[:3] == ["site", "site", "-"]
    assert shop.split() == [SHOP, "Shop", "2", "ann", "off", "cookie", "1", "1", "2026-11-03", "10:30"]


async def test_a_list_of_applications_that_is_cut_says_so(site, footfall):
    site.apps_most = 3
    ended = await footfall("apps", "ls", "--md")
    assert (ended.status, ended.err) == (0, "footfall: only 3 of 4 applications are shown\n")


async def test_a_user_lists_its_own(site, footfall):
    site.role = "user"
    ended = await footfall("apps", "ls", "--csv")
    assert ended.status == 0
    assert ended.out.splitlines()[2] == f"{SHOP},Shop 2,(you),off,cookie,1,,2026-11-03 10:30"
    assert json.loads((await footfall("apps", "ls", "--json")).out)["apps"][1]["api_token"] == token(2).api_token


async def test_an_application_is_made_and_its_token_printed(site, footfall):
    ended = await footfall("apps", "create", "Café")
    made = application(4)
    assert ended.out == f"app_code   {made.app_code}\napi_token  {made.api_token}\n"
    assert site.done == [("create", "Café")]
    made = json.loads((await footfall("apps", "create", "x", "--json")).out)
    assert set(made) == {"app_code", "api_token"}


@pytest.mark.parametrize("name", ["Shop 2", SHOP], ids=["name", "app_code"])
async def test_an_application_is_shown_by_its_name_or_code(site, footfall, name):
    ended = await footfall("apps", "show", name)
    assert ended.status == 0
    assert f"app_code   {SHOP}\n" in ended.out
    assert "event      sale  part:string\n" in ended.out
    assert json.loads((await footfall("apps", "show", name, "--json")).out)["app_name"] == "Shop 2"


async def test_a_token_is_rotated_and_the_one_before_revoked(site, footfall):
    assert token(9).api_token in (await footfall("apps", "rotate", SHOP)).out
    for old in (token(2).api_token, "t9"):
        ended = await footfall("apps", "revoke", SHOP, old)
    assert (ended.status, ended.err) == (1, "footfall: 409 last_token: the daemon says no\n")
    assert site.done[1:] == [("revoke", SHOP, "t2"), ("revoke", SHOP, "t9")]
    ended = await footfall("apps", "revoke", SHOP, "t2")
    assert (ended.status, "has no such token" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "patch"),
    [
        (["--mode", "enforce"], {"mode": "enforce"}),
        (["--name", "x", "--visitors", "cookieless"], {"app_name": "x", "visitors": "cookieless"}),
        (
            ["--origins", "https://a.example, https://b.example"],
            {"origins": ["https://a.example", "https://b.example"]},
        ),
        (["--origins", "", "--hostnames", "a.example"], {"origins": [], "hostnames": ["a.example"]}),
    ],
    ids=["mode", "name and visitors", "origins", "none and one"],
)
async def test_settings_are_set(site, footfall, words, patch):
    ended = await footfall("apps", "set", "Shop 2", *words)
    assert (ended.status, ended.out) == (0, f"Shop 2: {', '.join(patch)} set\n")
    assert site.done == [("patch", SHOP, patch)]


async def test_events_are_defined_and_undefined(site, footfall):
    ended = await footfall("apps", "define", SHOP, "view of page", "unit price:number", "n:integer")
    assert ended.out == "Shop 2: view of page is defined as event1\n"
    attrs = [{"name": "unit price", "type": "number"}, {"name": "n", "type": "integer"}]
    ended = await footfall("apps", "undefine", SHOP, "sale")
    assert ended.out == "Shop 2: sale is not defined any more\n"
    assert site.done == [
        ("define", SHOP, [{"name": "view of page", "attrs": attrs}]),
        ("undefine", SHOP, "event0"),
    ]


async def test_an_application_is_deleted_without_a_question_only_where_that_is_said(site, footfall):
    ended = await footfall("apps", "rm", "Shop 2")
    assert (ended.status, site.done) == (2, [])
    assert "say --yes" in ended.err
    assert (await footfall("apps", "rm", "Shop 2", "--yes")).out == "Shop 2: deleted\n"
    assert site.done == [("remove", SHOP)]


async def test_a_name_that_several_have_is_told_with_their_codes(site, footfall):
    site.change_app(application(3).app_code, app_name="Shop 2")
    ended = await footfall("apps", "rotate", "Shop 2")
    assert (ended.status, site.done) == (2, [])
    assert SHOP in ended.err
    assert application(3).app_code in ended.err


WRONG = {
    "no application": (["apps", "show", "nothing"], "no application is called 'nothing'"),
    "nothing to set": (["apps", "set", "Shop 2"], "say what to set"),
    "no event": (["apps", "undefine", "Shop 2", "x"], "has no event 'x' defined"),
    "no event to pivot": (["pivot", "Shop 2", "../sale"], "has no event '../sale' defined"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG.keys())
async def test_what_is_not_there_is_a_usage_error(site, footfall, words, said):
    ended = await footfall(*words)
    assert (ended.status, ended.out, site.done) == (2, "", [])
    assert said in ended.err


UNREADABLE = {
    "attr without a type": ["apps", "define", "Shop 2", "sale", "price"],
    "unknown type": ["apps", "define", "Shop 2", "sale", "price:money"],
    "unknown mode": ["apps", "set", "Shop 2", "--mode", "strict"],
    "two forms": ["apps", "ls", "--json", "--csv"],
    "too many rows": ["rejected", "ls", "-n", "1001"],
    "no receipt": ["rejected", "replay", "../../apps"],
    "no period": ["pivot", "Shop 2", "sale", "--period", "soon"],
}


@pytest.mark.parametrize("words", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_what_cannot_be_read_is_told_before_anything_is_asked(site, footfall_process, words):
    ended = await footfall_process(*words)
    assert (ended.status, ended.out, site.lists) == (2, "", [])
    assert ended.err.startswith("usage: footfall")


async def test_rejected_items_are_listed_and_shown(site, footfall):
    site.rejected = [rejected(1), rejected(2, app_code=None, received_at=None, reason="=1+1")]
    ended = await footfall("rejected", "ls", "--csv", "-n", "2")
    assert ended.out.splitlines() == [
        "receipt,received,app,code,bytes,reason",
        "0000000001-a:1,2026-11-21 10:29:20,site,field_wrong,120,source_label: is missing",
        "0000000001-a:2,,,field_wrong,120,'=1+1",
    ]
    ended = await footfall("rejected", "ls", "--app", "site", "--code", "field_wrong", "--md")
    assert ended.out.splitlines()[1] == "| --- | --- | --- | --- | --- | --- |"
    assert site.lists[-1] == {"app_code": "site", "code": "field_wrong", "limit": "20"}
    site.sample = '{"a": "\x1b[2J"}'
    ended = await footfall("rejected", "show", "0000000001-a:1")
    assert '{"a": "\ufffd[2J"}' in ended.out
    assert json.loads((await footfall("rejected", "show", "0000000001-a:1", "--json")).out)["raw"] == site.sample


async def test_a_cut_list_says_so(site, footfall):
    ended = await footfall("rejected", "ls")
    assert ended.err == "footfall: only 10 items are shown, there are more: see -n\n"


async def test_a_replay_that_is_refused_fails_and_the_others_are_done(site, footfall):
    site.refused_again = {"0000000001-a:2"}
    receipts = [f"0000000001-a:{number}" for number in (1, 2, 3)]
    ended = await footfall("rejected", "replay", *receipts)
    assert ended.status == 1
    assert ended.out == (
        "0000000001-a:1 is 0000000001-a:10 now: accepted\n0000000001-a:3 is 0000000001-a:30 now: accepted\n"
    )
    assert ended.err == "footfall: 0000000001-a:2: 422 attr_type_wrong: the daemon says no\n"
    assert (await footfall("rejected", "replay", receipts[0])).out.endswith("now: duplicate\n")


async def test_the_pivot_is_printed_for_people_spreadsheets_and_documents(site, footfall):
    site.pivot = [
        {"user_code": "bo", "diode": 9},
        {"user_code": "=cmd", "diode": 235, "a|b": 1.5},
    ]
    ended = await footfall(
        "pivot", "Shop 2", "sale", "--by", "part", "--sum", "n", "--period", "2026-11-01..2026-11-08"
    )
    assert ended.out == "user_code  diode  a|b\n=cmd         235  1.5\nbo             9  -\n"
    asked = {"by": "part", "sum": "n", "from": "2026-11-01", "to": "2026-11-08"}
    assert site.pivots == [(SHOP, "event0", asked)]
    assert (await footfall("pivot", SHOP, "event0", "--csv")).out.splitlines() == [
        "user_code,diode,a|b",
        "'=cmd,235,1.5",
        "bo,9,",
    ]
    assert (await footfall("pivot", SHOP, "sale", "--md")).out.splitlines()[0] == "| user_code | diode | a\\|b |"
    assert json.loads((await footfall("pivot", SHOP, "sale", "--json")).out) == site.pivot


async def test_a_pivot_that_may_be_cut_says_so(site, footfall):
    site.pivot = [{"user_code": None, **{f"part{at}": at for at in range(50)}}]
    ended = await footfall("pivot", SHOP, "sale", "--csv")
    assert ended.err == "footfall: only the 50 values with the greatest totals are shown\n"
    assert ended.out.splitlines()[1].startswith(",49,48")


async def test_a_pivot_without_rows_is_its_heading(site, footfall):
    site.pivot = []
    assert (await footfall("pivot", SHOP, "sale")).out == "user_code\n"


async def test_a_pivot_that_is_refused_fails(site, footfall):
    site.pivot_refusal = (404, "app_unknown")
    ended = await footfall("pivot", SHOP, "sale")
    assert (ended.status, ended.out) == (1, "")
    assert "404 app_unknown" in ended.err
