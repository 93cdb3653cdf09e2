"""The example page in a real Chromium against a real daemon: what the store holds afterwards, event by event."""

import asyncio
import contextlib
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import duckdb
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from playwright.async_api import BrowserContext, BrowserType, Page

from examples.page.site import build_site
from tests.browser.conftest import FLAGS, PERSON
from tests.house.daemon import PASSWORD, Daemon, wait_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADA = {"firstname": "Ada", "lastname": "Lovelace", "nickname": "ada", "age": 36, "password": PASSWORD}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon.fresh(tmp_path / "house") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def shop(daemon: Daemon) -> AsyncIterator[str]:
    """The example page, on one origin with the daemon."""
    async with TestServer(build_site(daemon.url)) as server:
        yield f"http://127.0.0.1:{server.port}"


def stored(daemon: Daemon) -> list[dict[str, Any]]:
    """Return every event that a page has sent, as often as the store has it."""
    lines = daemon.open("/export/events.ndjson", None, daemon.admin_token()).splitlines()
    return [event for event in map(json.loads, lines) if "page_url" in event]


async def arrived(daemon: Daemon, *labels: str) -> list[dict[str, Any]]:
    """Return all events once these are among them, and nothing that was answered is still on its way."""
    expected = Counter(labels)

    def are_there() -> bool:
        ledger = daemon.get("/health", daemon.admin_token())["ledger"]
        return ledger["pending"] == 0 and expected <= Counter(event["source_label"] for event in stored(daemon))

    await asyncio.to_thread(wait_for, are_there)
    return stored(daemon)


async def walk(page: Page, shop: str) -> None:
    """Look at three pages, and press what is there."""
    await page.goto(shop)
    await page.click("text=Add to cart")
    await page.click("text=Resistors")
    await page.wait_for_selector("h1:has-text('Resistors')")
    await page.click("text=Compare")
    await page.click("text=Add to cart")
    await page.click("text=Diodes")
    await page.wait_for_selector("h1:has-text('Diodes')")


WALKED = ("pageview",) * 3 + ("Add to cart",) * 2 + ("Resistors", "Compare", "Diodes")


async def all_answered(page: Page) -> None:
    """Return once nothing waits in the browser: what was sent more than once is then in the log as often."""
    await page.wait_for_function("!Object.keys(localStorage).some(key => key.startsWith('footfall:'))")


async def sign_in(page: Page) -> None:
    await page.fill("[name=nickname]", ADA["nickname"])
    await page.fill("[name=password]", ADA["password"])
    await page.click("text=Sign in")
    await page.wait_for_selector("output:has-text('ada is signed in')")


async def test_every_event_arrives_once_and_is_one_persons_before_and_after_sign_in(
    daemon: Daemon, shop: str, visitor: BrowserContext
):
    user_id = daemon.post("/auth/signup", ADA)["user"]["user_id"]
    page = await visitor.new_page()
    await walk(page, shop)
    before = await arrived(daemon, *WALKED)
    await sign_in(page)
    await page.click("text=Home")
    await page.wait_for_selector("h1:has-text('Home')")
    await page.evaluate("pass(4000)")
    await page.click("text=Compare")
    await page.close(run_before_unload=True)
    labels = (*WALKED, "Sign in", "identify", "Home", "pageview", "Compare", "engagement")
    events = await arrived(daemon, *labels)
    assert Counter(event["source_label"] for event in events) == Counter(labels)
    assert len({event["event_id"] for event in events}) == len(labels)
    assert len({event.get("anonymous_id") for event in events}) == 1
    assert {event.get("id_user") for event in before} == {None}
    assert {event.get("id_user") for event in events} == {user_id}
    pages = [event["page_url"].removeprefix(shop) for event in events if event["source_label"] == "pageview"]
    assert Counter(pages) == Counter(["/", "/resistors", "/diodes", "/"])


async def test_events_of_an_outage_arrive_once_when_the_daemon_is_back(
    daemon: Daemon, shop: str, visitor: BrowserContext
):
    page = await visitor.new_page()
    await walk(page, shop)
    port = int(daemon.url.rpartition(":")[2])
    daemon.kill_tree()
    await page.click("text=Add to cart")
    await page.wait_for_function("localStorage.footfall_held")
    await page.goto(f"{shop}/resistors")  # the script is in the browser's cache
    await page.click("text=Compare")
    await page.close(run_before_unload=True)
    page = await visitor.new_page()
    await page.goto(f"{shop}/diodes")
    await asyncio.to_thread(daemon.start, port)
    await page.click("text=Home")
    await page.wait_for_selector("h1:has-text('Home')")
    labels = (*WALKED, "Add to cart", "pageview", "Compare", "pageview", "Home", "pageview")
    await all_answered(page)
    events = await arrived(daemon, *labels)
    assert Counter(event["source_label"] for event in events) == Counter(labels)
    assert len({event["event_id"] for event in events}) == len(labels)
    assert len({event.get("anonymous_id") for event in events}) == 1


GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"


@pytest.mark.parametrize("heed", ["count", "anonymous"])
async def test_with_gpc_every_event_arrives_once_and_where_it_is_heeded_nobody_is_known(
    tmp_path: Path, visitor: BrowserContext, heed: str
):
    await visitor.set_extra_http_headers({"Sec-GPC": "1"})
    await visitor.add_init_script(GPC)
    with Daemon.fresh(tmp_path / "house", FOOTFALL_PRIVACY__GPC=heed) as daemon:
        async with TestServer(build_site(daemon.url)) as server:
            page = await visitor.new_page()
            await walk(page, f"http://127.0.0.1:{server.port}")
            events = await arrived(daemon, *WALKED)
        assert Counter(event["source_label"] for event in events) == Counter(WALKED)
        cookies = {cookie["name"]: cookie["value"] for cookie in await visitor.cookies()}
        known = None if heed == "anonymous" else cookies["footfall_id"]
        assert {event.get("anonymous_id") for event in events} == {known}
        assert {event.get("signal") for event in events} == {"gpc" if heed == "anonymous" else None}
        assert len(cookies) == (heed == "count")
        assert "footfall_id" not in await page.evaluate("Object.keys(localStorage)")


async def test_on_another_origin_of_the_site_its_cookie_ties_the_visitor_at_sign_in(
    tmp_path: Path, visitor: BrowserContext
):
    port = unused_port()
    shop = f"http://127.0.0.1:{port}"
    with Daemon.fresh(tmp_path / "house", FOOTFALL_SITE__ORIGINS=shop) as daemon:
        user_id = daemon.post("/auth/signup", ADA)["user"]["user_id"]
        tracker = f'<script defer src="{daemon.url}/footfall.js" data-visitors="cookie"></script>'
        async with TestServer(build_site(daemon.url, tracker), host="127.0.0.1", port=port):
            page = await visitor.new_page()
            await walk(page, shop)
            await all_answered(page)
            await sign_in(page)
            await all_answered(page)
        events = await arrived(daemon, *WALKED, "Sign in", "identify")
    assert Counter(event["source_label"] for event in events) == Counter((*WALKED, "Sign in", "identify"))
    assert len({event["anonymous_id"] for event in events}) == 1
    assert {event["id_user"] for event in events} == {user_id}


class ThirdParty:
    """A site in other pages that tries to know their visitors by a cookie; `known` says of each request whether it did."""

    def __init__(self) -> None:
        self.known: list[bool] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.known.append("seen" in request.cookies)
        return web.Response(headers={"Set-Cookie": "seen=1; SameSite=None; Secure; Path=/"})


@contextlib.asynccontextmanager
async def used_by(chromium: BrowserType, profile: Path, *, blocks: bool) -> AsyncIterator[Page]:
    """Yield a page of a browser whose owner blocks third-party cookies, or has them allowed."""
    (profile / "Default").mkdir(parents=True)
    choice = {"profile": {"block_third_party_cookies": blocks, "cookie_controls_mode": int(blocks)}}
    (profile / "Default" / "Preferences").write_text(json.dumps(choice))
    program = shutil.which("chromium")
    async with await chromium.launch_persistent_context(
        profile, executable_path=program, args=FLAGS, user_agent=PERSON
    ) as context:
        yield await context.new_page()


async def is_known_to_others(page: Page) -> bool:
    """Return whether another site's cookie comes back to it from the page."""
    other, app = ThirdParty(), web.Application()
    app.router.add_get("/", other.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        for _ in range(2):
            url = f"http://localhost:{server.port}/"
            await page.evaluate("url => fetch(url, {mode: 'no-cors', credentials: 'include'})", url)
    assert len(other.known) == 2
    return other.known[1]


@pytest.mark.parametrize("blocks", [True, False], ids=["blocked", "allowed"])
async def test_on_another_origin_every_event_arrives_once_and_is_one_persons_whatever_becomes_of_cookies(
    daemon: Daemon, chromium: BrowserType, tmp_path: Path, blocks
):
    signed_up = daemon.post("/auth/signup", ADA)
    user_id, owner = signed_up["user"]["user_id"], str(signed_up["jwt_token"])
    made = daemon.post("/app/create", {"app_name": "shop"}, owner)
    elsewhere = daemon.url.replace("127.0.0.1", "localhost")
    tracker = f'<script defer src="{elsewhere}/footfall.js" data-token="{made["api_token"]}"></script>'
    async with (
        TestServer(build_site(daemon.url, tracker), host="127.0.0.1") as server,
        used_by(chromium, tmp_path / "profile", blocks=blocks) as page,
    ):
        shop = f"http://127.0.0.1:{server.port}"
        await take_from(daemon, made["app_code"], shop, owner)
        await walk(page, shop)
        await sign_in(page)
        await page.click("text=Compare")
        await all_answered(page)
        assert await is_known_to_others(page) is not blocks
    await asyncio.to_thread(wait_for, lambda: daemon.get("/health", daemon.admin_token())["ledger"]["pending"] == 0)
    daemon.stop()
    events = [row for row in in_store(daemon, made["app_code"]) if row["source_label"] != "engagement"]
    assert Counter(row["source_label"] for row in events) == Counter((*WALKED, "Sign in", "identify", "Compare"))
    assert len({row["anonymous_id"] for row in events}) == 1
    assert {row["source_label"]: row["said"] for row in events}["Resistors"] is None
    assert {row["user_id"] for row in events} == {user_id}


def in_store(daemon: Daemon, app_code: object) -> list[dict[str, Any]]:
    """Return the application's events with their user, and whom they named themselves."""
    query = """
        SELECT r.source_label, r.anonymous_id, r.user_id, e.user_id AS said
        FROM resolved r JOIN events e USING (log_id, "offset") WHERE r.app_code = ?
    """
    with duckdb.connect(str(daemon.data / "store" / "events.duckdb"), read_only=True) as file:
        found = file.execute(query, [app_code])
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


async def take_from(daemon: Daemon, app_code: object, origin: str, owner: str) -> None:
    """Let pages of the origin write to the application."""
    headers = {"Authorization": f"Bearer {owner}"}
    async with (
        aiohttp.ClientSession(daemon.url, headers=headers) as session,
        session.patch(f"/app/{app_code}", json={"origins": [origin]}) as answer,
    ):
        assert answer.status == 200
