"""Plausible's event API by table: documented requests, those of its trackers, what is stored of them, and hostile ones."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from collector.applications.built_in import built_in_app
from collector.tracking.visitor import COOKIE
from storage.app import App, WriteToken
from tests.collector.tracking_site import Members, TrackingSite, fields, open_tracking

MADE_AT = datetime(2026, 11, 1, tzinfo=UTC)
BROWSER = {"User-Agent": "Mozilla/5.0 (X11)"}
TEXT = {"Content-Type": "text/plain"}
URL = "https://dummy.site/"


def application(app_code: str, *hostnames: str, age_days: int = 0) -> App:
    made_at = MADE_AT - timedelta(days=age_days)
    return App(
        app_code=app_code,
        app_name=app_code,
        owner_id="u",
        created_at=made_at,
        write_tokens=(WriteToken(f"t-{app_code}", f"Key-{app_code}", made_at),),
        hostnames=hostnames,
    )


async def stored(site: TrackingSite, body: object, path: str = "/api/event", **headers: str) -> list[Members]:
    answer = await site.post(body, path, **headers)
    assert (answer.status, answer.content_type, await answer.text()) == (202, "text/plain", "ok")
    assert "Set-Cookie" not in answer.headers
    return list((await site.lines()).values())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"name": "pageview", "url": "http://dummy.site", "domain": "dummy.site", "screen_width": 1666},
            {"source_label": "pageview", "page_url": "http://dummy.site", "attrs": {"screen_width": 1666}},
        ),
        (
            {"n": "pageview", "v": 36, "u": f"{URL}a?b=1#c", "d": "dummy.site", "r": None},
            {"source_label": "pageview", "page_url": f"{URL}a?b=1"},
        ),
        (
            {"n": "pageview", "u": f"{URL}#/cart", "d": "dummy.site", "r": "https://news.example/", "w": 360, "h": 1, "p": None},
            {"page_url": f"{URL}#/cart", "referrer": "https://news.example/", "attrs": {"screen_width": 360}},
        ),
        (
            {"n": "engagement", "sd": 80, "e": 4200, "u": URL, "d": "dummy.site", "p": {"plan": "pro"}, "v": 36},
            {"source_label": "engagement", "attrs": {"plan": "pro", "scroll_depth": 80, "engaged_ms": 4200}},
        ),
        (
            {"n": "Purchase", "u": URL, "d": "dummy.site", "$": {"currency": "USD", "amount": "1322.22"}, "i": False},
            {"attrs": {"revenue": 1322.22, "currency": "USD", "interactive": False}},
        ),
        ({"revenue": '{"currency": "EUR", "amount": 3}'}, {"attrs": {"revenue": 3, "currency": "EUR"}}),
        ({"revenue": {"amount": "a lot"}, "props": {"revenue": 1}}, {"attrs": {"revenue": 1}}),
        ({"p": '{"a": 1, "b": [true]}'}, {"attrs": {"a": 1, "b": [True]}}),
        ({"props": "no json"}, {"attrs": {"props": "no json"}}),
        ({"props": [1]}, {"attrs": {"props": [1]}}),
        ({"meta": {"a": 1}, "props": {"b": 2}}, {"attrs": {"a": 1}}),
        ({"name": 404}, {"source_label": "404"}),
        ({"referrer": ""}, {}),
        ({"unheard_of": 1, "source_label": "x", "props": {"user_id": "y"}}, {"attrs": {"unheard_of": 1, "source_label": "x", "user_id": "y"}}),
        ({"domain": None, "url": "https://www.Dummy.Site:8443/a"}, {"page_url": "https://www.Dummy.Site:8443/a"}),
        ({"domain": "dummy.site", "url": "https://blog.dummy.site/a"}, {}),
    ],
    ids=range(16),
)  # fmt: skip
async def test_an_event_of_plausible_is_stored_as_one_of_ours(tracking: TrackingSite, body: Members, expected: Members):
    short = {"n", "u"} & body.keys()
    sent = body if short else {"name": "e", "url": URL, "domain": "dummy.site"} | body
    for headers in ({}, TEXT):
        line = (await stored(tracking, sent, **headers))[-1]
        assert line["app_code"] == "site"
        assert line["anonymous_id"]
        assert expected.items() <= line.items()
        assert line.get("attrs", {}) == expected.get("attrs", {})
        assert ("referrer" in line) == ("referrer" in expected)


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({}, "$.name", "missing"),
        ({"name": "a"}, "$.url", "missing"),
        ({"name": "", "url": URL}, "$.name", "missing"),
        ({"name": "a" * 129, "url": URL}, "$.name", "wrong_value"),
        ({"name": ["a"], "url": URL}, "$.name", "wrong_type"),
        ({"name": "a", "url": 5}, "$.url", "wrong_type"),
        ({"name": "a", "url": "u" * 4097}, "$.url", "wrong_value"),
        ({"name": "a", "url": "DATA:text/html,x", "domain": "x"}, "$.url", "wrong_value"),
        ({"name": "a", "url": "/no/host"}, "$.domain", "missing"),
        ({"name": "a", "url": URL, "domain": " , "}, "$.domain", "missing"),
        ({"name": "a", "url": URL, "domain": 7}, "$.domain", "wrong_type"),
        ({"name": "a", "url": URL, "domain": ",".join(map(str, range(11)))}, "$.domain", "wrong_value"),
        ({"name": "a", "url": URL, "referrer": ["x"]}, "$.referrer", "wrong_type"),
        ({"name": "a", "url": URL, "interactive": "no"}, "$.interactive", "wrong_type"),
        ({"name": "a", "url": URL, "props": {str(n): n for n in range(257)}}, "$.props", "wrong_value"),
        ({"name": "a", "url": URL, "props": msgspec.Raw(b'{"x":' + b"[" * 40 + b"]" * 40 + b"}")}, "$.attrs", "attrs_too_deep"),
        ([], "$", "wrong_type"),
        (None, "$", "wrong_type"),
    ],
    ids=range(18),
)  # fmt: skip
async def test_what_is_no_event_is_400_and_named(tracking: TrackingSite, body: object, path: str, code: str):
    problem = await tracking.refused(body, 400, "/api/event", **TEXT)
    assert problem["code"] == "body_invalid"
    assert fields(problem) == [(path, code)]


async def test_what_is_no_json_is_400(tracking: TrackingSite):
    assert (await tracking.refused(b"{", 400, "/api/event"))["code"] == "body_malformed"


SHOP, OLDER, NEWER = (
    application("shop"),
    application("older", "dummy.site", age_days=1),
    application("newer", "dummy.site"),
)


OWN = "own.example"


@pytest.mark.parametrize(
    ("apps", "domain", "path", "app_codes"),
    [
        ([SHOP], OWN, "/api/event", ["site"]),
        ([application("thief", OWN, f"www.{OWN}")], f"www.{OWN}", "/api/event", ["site"]),
        ([SHOP], "Key-shop", "/api/event", ["shop"]),
        ([SHOP], "elsewhere.example", "/api/event?api_token=Key-shop", ["shop"]),
        ([NEWER, OLDER], "dummy.site", "/api/event", ["older"]),
        ([NEWER], "WWW.Dummy.Site", "/api/event", ["newer"]),
        ([application("app", "www.dummy.site")], "dummy.site", "/api/event", ["app"]),
        ([SHOP, OLDER], "dummy.site, Key-shop", "/api/event", ["older", "shop"]),
        ([SHOP], "Key-shop,unknown.example", "/api/event", ["shop"]),
        ([OLDER], "dummy.site,www.dummy.site,Key-older", "/api/event", ["older"]),
    ],
    ids=range(10),
)
async def test_a_domain_stands_for_an_application(
    tmp_path: Path, apps: list[App], domain: str, path: str, app_codes: list[str]
):
    async with open_tracking(tmp_path, built_in=built_in_app(hostnames=[OWN])) as site:
        for app in apps:
            await site.apps.add(app)
        lines = await stored(site, {"name": "a", "url": URL, "domain": domain}, path)
    assert [line["app_code"] for line in lines] == app_codes


async def test_nobody_takes_the_domain_of_a_site_that_lists_no_hostnames(tracking: TrackingSite):
    """Whoever may make an application could read where the site's visitors go."""
    for hostname in ("dummy.site", "www.dummy.site", "my.dummy.site"):
        await tracking.apps.add(application(hostname.replace(".", "-"), hostname))
    for url in (URL, "https://www.dummy.site/", "https://my.dummy.site/"):
        lines = await stored(tracking, {"name": "a", "url": url, "domain": "dummy.site"})
        assert lines[-1]["app_code"] == "site"
    assert (await stored(tracking, {"name": "a", "url": "https://my.dummy.site/"}))[-1]["app_code"] == "site"


@pytest.mark.parametrize("domain", ["Key-gone", "unknown.example", "my.site", "y.dummy.site", "my-app"])
async def test_a_domain_of_nobody_and_a_revoked_token_are_401_alike(tracking: TrackingSite, domain: str):
    problem = await tracking.refused({"name": "a", "url": URL, "domain": domain}, 401, "/api/event")
    assert (problem["code"], problem["detail"]) == ("api_token_unknown", "no application has this domain")


async def test_a_domain_is_nobodys_again_once_its_application_lists_it_no_more(tracking: TrackingSite):
    sent = {"name": "a", "url": URL, "domain": "shop.example"}
    await tracking.apps.add(application("app", "shop.example"))
    assert len(await stored(tracking, sent)) == 1
    await tracking.apps.update("app", lambda app: msgspec.structs.replace(app, hostnames=()))
    await tracking.refused(sent, 401, "/api/event")


async def test_a_visitor_is_known_without_a_cookie_whatever_the_applications_way_is(tracking: TrackingSite):
    (line,) = await stored(tracking, {"name": "a", "url": URL}, Cookie=f"{COOKIE}={uuid.uuid4()}", **BROWSER)
    assert (line["anonymous_id"], line["user_agent"]) == ("somebody", BROWSER["User-Agent"])
