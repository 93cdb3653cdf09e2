"""Applications: R1's routes as its document has them, and what owners, others and administrators may do."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.collector.app_site import APPS_PER_USER_MAX, AppSite, open_apps

CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[AppSite]:
    async with open_apps(tmp_path) as opened:
        yield opened


async def test_an_application_is_made_and_read_back_as_r1_shows(site: AppSite):
    made = await site.created("Мой Turm Café 7")
    assert made.keys() == {"api_token", "app_code"}
    assert CODE.fullmatch(made["app_code"])
    assert made["app_code"].startswith("turm-cafe-7-")
    read = await site.ok("GET", f"/app/{made['app_code']}")
    assert {name: read[name] for name in made} == made
    assert (read["app_name"], read["mode"], read["visitors"]) == ("Мой Turm Café 7", "off", "cookie")
    assert [one["api_token"] for one in read["tokens"]] == [made["api_token"]]


@pytest.mark.parametrize(
    ("app_name", "slug"),
    [("Shop", "shop"), ("  A  b_C! ", "a-b-c"), ("Магазин", "app"), ("x" * 64, "x" * 27), ("a" * 26 + " b", "a" * 26)],
)
async def test_a_code_has_a_readable_beginning_and_at_most_64_characters(site: AppSite, app_name: str, slug: str):
    app_code = (await site.created(app_name))["app_code"]
    assert app_code[:-37] == slug
    assert len(app_code) <= 64


async def test_the_same_name_again_is_400_and_another_user_may_have_it(site: AppSite):
    await site.created()
    problem = await site.refused(400, "POST", "/app/create", {"app_name": "Shop"})
    assert problem["code"] == "app_name_taken"
    await site.created(as_="boris")


@pytest.mark.parametrize("as_", [None, "a bad token"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/app/create"),
        ("GET", "/app"),
        ("GET", "/app/x"),
        ("PATCH", "/app/x"),
        ("DELETE", "/app/x"),
        ("POST", "/app/x/token/rotate"),
        ("DELETE", "/app/x/token/y"),
        ("POST", "/app/x/read-tokens"),
        ("GET", "/app/x/read-tokens"),
        ("DELETE", "/app/x/read-tokens/y"),
        ("POST", "/app/create_event/x"),
        ("GET", "/app/x/events"),
        ("DELETE", "/app/x/events/y"),
    ],
)
async def test_without_a_good_token_r1_wants_403(site: AppSite, method: str, path: str, as_: str | None):
    problem = await site.refused(403, method, path, as_=as_)
    assert problem["code"] == "not_authorized"
    assert await site.audited() == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ("$.app_name", "missing")),
        ({"app_name": ""}, ("$.app_name", "wrong_value")),
        ({"app_name": "x" * 65}, ("$.app_name", "wrong_value")),
        ({"app_name": 7}, ("$.app_name", "wrong_type")),
        ({"app_name": None}, ("$.app_name", "wrong_type")),
        ({"app_name": "a\nb"}, ("$.app_name", "wrong_value")),
        ({"app_name": "a\n"}, ("$.app_name", "wrong_value")),
        ({"app_name": "\x1b[2J"}, ("$.app_name", "wrong_value")),
        ({"app_name": "a", "app_code": "mine"}, ("$.app_code", "extra_forbidden")),
        ([], ("$", "wrong_type")),
    ],
)
async def test_a_body_that_makes_no_application_is_422(site: AppSite, body: object, wrong: tuple[str, str]):
    problem = await site.refused(422, "POST", "/app/create", body)
    assert [(one["path"], one["code"]) for one in problem["errors"]] == [wrong]


async def test_a_user_lists_its_own_applications_the_oldest_first(site: AppSite):
    codes = []
    for name in ("b", "a"):
        codes.append((await site.created(name))["app_code"])
        site.clock.advance(seconds=1)
    await site.created("c", as_="boris")
    assert [one["app_code"] for one in (await site.ok("GET", "/app"))["apps"]] == codes


async def test_a_user_has_so_many_applications_and_no_more_also_at_once(site: AppSite):
    asked = [site.call("POST", "/app/create", {"app_name": f"a{number}"}) for number in range(APPS_PER_USER_MAX + 3)]
    answers = await asyncio.gather(*asked)
    assert sorted(one.status for one in answers) == [200] * APPS_PER_USER_MAX + [409] * 3
    assert {(await one.json())["code"] for one in answers if one.status == 409} == {"too_many_apps"}
    own = (await site.ok("GET", "/app"))["apps"]
    await site.ok("DELETE", f"/app/{own[0]['app_code']}")
    await site.created("another")


async def test_of_many_at_once_of_one_name_one_is_made(site: AppSite):
    answers = await asyncio.gather(*(site.call("POST", "/app/create", {"app_name": "Shop"}) for _ in range(5)))
    assert sorted(one.status for one in answers) == [200] + [400] * 4
    assert [row.outcome for row in await site.audited()] == ["success"]


async def test_where_only_administrators_make_applications_others_are_403(tmp_path: Path):
    async with open_apps(tmp_path, creators="admin") as site:
        for name in ("anna", "ana"):
            problem = await site.refused(403, "POST", "/app/create", {"app_name": "Shop"}, as_=name)
            assert problem["code"] == "insufficient_scope"
        await site.created(as_="boss")


async def test_what_is_sent_is_changed_and_the_rest_stays(site: AppSite):
    path = f"/app/{(await site.created())['app_code']}"
    before = await site.ok("GET", path)
    patch = {
        "app_name": "Store",
        "mode": "enforce",
        "visitors": "cookieless",
        "origins": ["https://a.example", "http://localhost:3000", "https://a.example"],
        "hostnames": ["a.example"],
    }
    changed = await site.ok("PATCH", path, patch)
    expected = patch | {"origins": patch["origins"][:2]}
    assert changed == before | expected
    assert await site.ok("PATCH", path, {"mode": "warn"}) == changed | {"mode": "warn"}
    assert await site.ok("PATCH", path, {}) == changed | {"mode": "warn"}
    assert await site.ok("PATCH", path, {"origins": []}) == changed | {"mode": "warn", "origins": []}
    assert [row.note.partition(" ")[2] for row in await site.audited()] == ["", " ".join(patch), "mode", "origins"]


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "null",
        "a.example",
        "https://",
        "//a.example",
        "https://a.example/",
        "https://a.example/path",
        "https://a.example?x",
        "https://A.example",
        "HTTPS://a.example",
        "https://a.example:443",
        "http://a.example:80",
        "https://a.example:0",
        "https://a.example:123456",
        "https://user@a.example",
        "https://*.example",
        "https://a..example",
        "https://ü.example",
        "https://a.example\n",
        " https://a.example",
        "https://" + "a" * 300,
    ],
)
async def test_what_no_browser_sends_as_its_origin_is_422(site: AppSite, origin: str):
    path = f"/app/{(await site.created())['app_code']}"
    problem = await site.refused(422, "PATCH", path, {"origins": ["https://a.example", origin]})
    assert problem["errors"][0]["path"] == "$.origins[1]"


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ({"origins": ["shop.example"]}, "should be an origin such as https://shop.example"),
        ({"hostnames": ["https://shop.example"]}, "should be a hostname such as shop.example"),
        ({"app_name": "a\nb"}, "should have no control characters"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
async def test_a_text_of_another_form_is_told_by_an_example(site: AppSite, patch: dict[str, object], told: str):
    problem = await site.refused(422, "PATCH", f"/app/{(await site.created())['app_code']}", patch)
    assert problem["errors"][0]["message"] == told


@pytest.mark.parametrize(
    "origin",
    [
        "https://a.example",
        "http://a.example:443",
        "https://a.example:8443",
        "http://localhost",
        "http://127.0.0.1:65535",
        "http://[::1]:8080",
        "https://xn--tda.example",
        "capacitor://localhost",
        "chrome-extension://abcdefghijklmnop",
    ],
)
async def test_what_browsers_and_apps_send_as_their_origin_is_taken(site: AppSite, origin: str):
    path = f"/app/{(await site.created())['app_code']}"
    assert (await site.ok("PATCH", path, {"origins": [origin]}))["origins"] == [origin]
    assert site.apps.lists_origin(origin)


@pytest.mark.parametrize(
    "patch",
    [
        {"mode": "on"},
        {"visitors": "fingerprint"},
        {"app_name": ""},
        {"owner_id": "me"},
        {"app_code": "mine"},
        {"write_tokens": []},
        {"hostnames": ["https://a.example"]},
        {"hostnames": ["a.example:80"]},
        {"hostnames": [""]},
        {"hostnames": ["a" * 254]},
        {"origins": "https://a.example"},
        {"origins": [f"https://a{number}.example" for number in range(51)]},
        {"hostnames": [f"a{number}.example" for number in range(51)]},
    ],
)
async def test_a_change_to_what_no_application_can_be_is_422(site: AppSite, patch: dict[str, object]):
    path = f"/app/{(await site.created())['app_code']}"
    assert (await site.refused(422, "PATCH", path, patch))["code"] == "body_invalid"


async def test_a_name_is_free_again_once_its_application_is_renamed_or_deleted(site: AppSite):
    first = (await site.created("a"))["app_code"]
    await site.created("b")
    problem = await site.refused(400, "PATCH", f"/app/{first}", {"app_name": "b"})
    assert problem["code"] == "app_name_taken"
    await site.ok("PATCH", f"/app/{first}", {"app_name": "c"})
    await site.created("a")
    await site.ok("DELETE", f"/app/{first}")
    await site.ok("PATCH", f"/app/{(await site.ok('GET', '/app'))['apps'][0]['app_code']}", {"app_name": "c"})


async def test_a_deleted_application_takes_its_token_with_it_and_is_gone_after_a_restart(tmp_path: Path):
    async with open_apps(tmp_path) as site:
        kept, gone = await site.created("kept"), await site.created("gone")
        assert await site.tracked(gone["api_token"]) == 202
        await site.ok("DELETE", f"/app/{gone['app_code']}")
        assert await site.tracked(gone["api_token"]) == 401
        assert (await site.refused(404, "DELETE", f"/app/{gone['app_code']}"))["code"] == "app_unknown"
    async with open_apps(tmp_path) as site:
        assert [one["app_code"] for one in (await site.ok("GET", "/app"))["apps"]] == [kept["app_code"]]
        assert await site.tracked(kept["api_token"]) == 202
        assert await site.tracked(gone["api_token"]) == 401


MINE = [
    ("GET", "", None),
    ("PATCH", "", {"mode": "warn"}),
    ("DELETE", "", None),
    ("POST", "/token/rotate", None),
    ("DELETE", "/token/{token_id}", None),
    ("POST", "/read-tokens", {"name": "r", "scopes": ["analytics"]}),
    ("GET", "/read-tokens", None),
    ("DELETE", "/read-tokens/{token_id}", None),
    ("POST", "/app/create_event", {"events": [{"name": "e"}]}),
    ("GET", "/events", None),
    ("DELETE", "/events/{event_code}", None),
]


@pytest.mark.parametrize(("method", "below", "body"), MINE)
@pytest.mark.parametrize("as_", ["boris", "ana"])
async def test_f12_anothers_application_is_answered_like_none(
    site: AppSite, method: str, below: str, body: object, as_: str
):
    app_code = (await site.created())["app_code"]
    token_id = (await site.ok("GET", f"/app/{app_code}"))["tokens"][0]["token_id"]
    event_code = (await site.ok("POST", f"/app/create_event/{app_code}", {"events": [{"name": "e"}]}))["event_code"]
    named = below.format(token_id=token_id, event_code=event_code)
    problems = []
    for code in (app_code, "shop-0f0e0d0c-0000-4000-8000-000000000000", "site", "..%2f..%2fetc%2fpasswd"):
        path = f"{named}/{code}" if named.startswith("/app/") else f"/app/{code}{named}"
        problems.append(await site.refused(404, method, path, body, as_=as_))
    assert problems[0]["code"] == "app_unknown"
    assert all(problem == problems[0] for problem in problems)


async def test_an_administrator_may_do_to_any_application_what_its_owner_may(site: AppSite):
    made = await site.created()
    path = f"/app/{made['app_code']}"
    assert (await site.ok("GET", path, as_="boss"))["api_token"] == made["api_token"]
    await site.ok("PATCH", path, {"mode": "warn"}, as_="boss")
    await site.ok("POST", f"{path}/token/rotate", as_="boss")
    await site.ok("POST", f"/app/create_event/{made['app_code']}", {"events": [{"name": "e"}]}, as_="boss")
    assert (await site.ok("GET", "/app", as_="boss"))["apps"] == []
    await site.ok("DELETE", path, as_="boss")
    rows = [row for row in await site.audited() if row.actor == "user-boss"]
    assert len(rows) == 4
    assert {row.subject for row in rows} == {"user-anna"}


async def test_every_change_is_on_record_before_it_counts_and_is_an_event(site: AppSite):
    made = await site.created()
    await site.ok("PATCH", f"/app/{made['app_code']}", {"mode": "warn"})
    await site.ok("DELETE", f"/app/{made['app_code']}")
    events = ["app_created", "app_updated", "app_deleted"]
    rows = await site.audited()
    assert [(row.event, row.outcome, row.actor, row.sid) for row in rows] == [
        (event, "success", "user-anna", "s1") for event in events
    ]
    assert all(row.note.startswith(made["app_code"]) for row in rows)
    assert [msgspec.json.decode(line)["source_label"] for line in site.log.lines] == events


async def test_one_user_can_put_only_so_much_on_record_in_a_minute(tmp_path: Path):
    async with open_apps(tmp_path, changes_per_minute=3) as site:
        path = f"/app/{(await site.created())['app_code']}"
        for mode in ("warn", "off"):
            await site.ok("PATCH", path, {"mode": mode})
        await site.ok("PATCH", path, {"mode": "off"})
        answer = await site.call("PATCH", path, {"mode": "warn"})
        assert (answer.status, (await answer.json())["code"]) == (429, "rate_limited")
        assert int(answer.headers["Retry-After"]) == 20
        for method, below in (("POST", "/token/rotate"), ("DELETE", "")):
            await site.refused(429, method, path + below)
        await site.created(as_="boris")
        rows = [(row.event, row.actor) for row in await site.audited()]
        assert len(rows) == 5
        assert rows[3][0] == "excess_rate_limit_exceeded"
        site.clock.advance(seconds=20)
        await site.ok("PATCH", path, {"mode": "warn"})


async def test_what_cannot_be_put_on_record_does_not_happen(site: AppSite):
    made = await site.created()
    site.log.full = "no room"
    for method, path, body in (
        ("POST", "/app/create", {"app_name": "other"}),
        ("PATCH", f"/app/{made['app_code']}", {"mode": "warn"}),
        ("DELETE", f"/app/{made['app_code']}", None),
        ("POST", f"/app/{made['app_code']}/token/rotate", None),
    ):
        assert (await site.refused(503, method, path, body))["code"] == "log_full"
