"""Row H4: pages of which origins may track from elsewhere, and read what they are answered."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from aiohttp import ClientResponse

from collector.applications.tokens import WRITE_PREFIX, new_token
from tests.collector.app_site import HOME, AppSite, open_apps

SHOP, OTHER = "https://shop.example", "https://other.example"
LOOK_ALIKES = [
    "https://shop.example.evil.com",
    "https://evil-shop.example",
    "https://shop.example:8443",
    "http://shop.example",
    "https://SHOP.example",
    "https://shop.example/",
    "https://shop.exampl",
    "https://shop.example https://evil.com",
    "null",
    "*",
    "",
]
UNKNOWN = new_token(WRITE_PREFIX, bytes)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[AppSite]:
    async with open_apps(tmp_path) as opened:
        yield opened


@pytest.fixture
async def shop(site: AppSite) -> str:
    """The api_token of an application that lists SHOP, beside one that lists OTHER."""
    for name, origin in (("other", OTHER), ("shop", SHOP)):
        made = await site.created(name)
        await site.ok("PATCH", f"/app/{made['app_code']}", {"origins": [origin]})
    return made["api_token"]


async def track(site: AppSite, api_token: str | None, origin: str | None, body: object = None) -> ClientResponse:
    headers = {name: value for name, value in (("X-Api-Token", api_token), ("Origin", origin)) if value is not None}
    return await site.call("POST", "/track", {"source_label": "a"} if body is None else body, as_=None, **headers)


async def ask(site: AppSite, path: str, origin: str | None) -> ClientResponse:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-api-token",
    }
    return await site.call("OPTIONS", path, as_=None, **asked, **({} if origin is None else {"Origin": origin}))


def shares(headers: Mapping[str, str], origin: str) -> bool:
    """Return whether the answer is for a page of this origin; nothing in between may ever be said."""
    said = {name.lower() for name in headers if name.lower().startswith("access-control-")}
    if not said:
        return False
    assert headers["Access-Control-Allow-Origin"] == origin
    assert headers["Access-Control-Allow-Credentials"] == "true"
    return True


def vary(answer: ClientResponse) -> list[str]:
    return [one.strip() for line in answer.headers.getall("Vary", []) for one in line.split(",")]


async def test_h4_a_page_of_a_listed_origin_reads_its_answers_by_exact_echo(site: AppSite, shop: str):
    for body in ({"source_label": "a"}, [{"source_label": "a"}]):
        answer = await track(site, shop, SHOP, body)
        assert (answer.status, shares(answer.headers, SHOP), vary(answer)) == (202, True, ["Origin"])
    answer = await track(site, None, HOME)
    assert (answer.status, shares(answer.headers, HOME)) == (202, True)


@pytest.mark.parametrize("origin", [*LOOK_ALIKES, HOME, OTHER])
async def test_h4_a_page_of_any_other_origin_reads_nothing(site: AppSite, shop: str, origin: str):
    answer = await track(site, shop, origin)
    assert (answer.status, shares(answer.headers, origin), vary(answer)) == (202, False, ["Origin"])


async def test_h4_without_an_origin_the_answer_still_varies_with_it(site: AppSite, shop: str):
    for body in ({"source_label": "a"}, [{"source_label": "a"}], {}):
        for _ in range(2):
            answer = await track(site, shop, None, body)
            assert (shares(answer.headers, ""), vary(answer)) == (False, ["Origin"])


@pytest.mark.parametrize("path", ["/track", "/visits", "/pages/a", "/pixel.gif", "/footfall.js"])
async def test_h4_a_preflight_is_allowed_for_what_any_application_lists(site: AppSite, shop: str, path: str):
    for origin in (SHOP, OTHER, HOME):
        answer = await ask(site, path, origin)
        assert (answer.status, await answer.read()) == (204, b"")
        assert shares(answer.headers, origin)
        assert vary(answer) == ["Origin"]
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
        allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
        assert {"authorization", "content-type", "x-api-token"} <= set(allowed)
        assert 0 < int(answer.headers["Access-Control-Max-Age"]) <= 600
    for other in (*LOOK_ALIKES, None):
        answer = await ask(site, path, other)
        assert (answer.status, shares(answer.headers, other or ""), vary(answer)) == (204, False, ["Origin"])


async def test_h4_what_is_taken_off_every_list_is_refused_at_once(site: AppSite, shop: str):
    for app in (await site.ok("GET", "/app"))["apps"]:
        if app["origins"] == [SHOP]:
            await site.ok("PATCH", f"/app/{app['app_code']}", {"origins": []})
    assert not shares((await ask(site, "/track", SHOP)).headers, SHOP)
    assert not shares((await track(site, shop, SHOP)).headers, SHOP)
    assert shares((await ask(site, "/track", OTHER)).headers, OTHER)


async def test_h4_what_a_deleted_application_listed_is_forgotten_but_not_what_another_lists_too(
    site: AppSite, shop: str
):
    third = await site.created("third")
    await site.ok("PATCH", f"/app/{third['app_code']}", {"origins": [OTHER, "https://third.example"]})
    await site.ok("DELETE", f"/app/{third['app_code']}")
    assert shares((await ask(site, "/track", OTHER)).headers, OTHER)
    assert not shares((await ask(site, "/track", "https://third.example")).headers, "https://third.example")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"source_label": 7}', {}, 422),
        (b"{", {}, 400),
        (b"[]", {}, 422),
        (b"{}", {"Content-Type": "image/png"}, 415),
        (b"{}", {"Authorization": "Bearer nonsense"}, 401),
        (b'{"source_label": "a"}', {"X-Api-Token": UNKNOWN}, 401),
        (b"x" * (1 << 17), {}, 413),
    ],
    ids=["wrong", "torn", "empty", "picture", "bearer", "unknown", "long"],
)
async def test_h4_a_page_reads_also_why_it_was_refused(
    site: AppSite, shop: str, body: bytes, headers: dict[str, str], status: int
):
    sent = {"X-Api-Token": shop, "Content-Type": "application/json", "Origin": SHOP} | headers
    answer = await site.client.post("/track", data=body, headers=sent)
    assert (answer.status, answer.content_type) == (status, "application/problem+json")
    assert (shares(answer.headers, SHOP), vary(answer)) == (True, ["Origin"])
    stranger = await site.client.post("/track", data=body, headers=sent | {"Origin": "https://evil.example"})
    assert (stranger.status, shares(stranger.headers, "")) == (status, False)


@pytest.mark.parametrize("path", ["/app", "/app/create", "/reading/x", "/nowhere"])
async def test_h4_no_route_but_those_of_tracking_is_for_other_origins(site: AppSite, shop: str, path: str):
    for method in ("GET", "POST", "OPTIONS"):
        answer = await site.call(method, path, {} if method == "POST" else None, as_="anna", Origin=SHOP)
        assert not shares(answer.headers, SHOP)
        assert method != "OPTIONS" or answer.status in (404, 405)


async def test_h4_the_script_varies_with_origin_and_encoding(site: AppSite, shop: str):
    answer = await site.call("GET", "/footfall.js", as_=None, Origin=SHOP)
    assert (answer.status, shares(answer.headers, SHOP)) == (200, True)
    assert set(vary(answer)) == {"Origin", "Accept-Encoding"}
