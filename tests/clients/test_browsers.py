"""Clients for pages, unmodified, in a real Chromium on another origin than the daemon's: what the store holds afterwards."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, async_playwright

from tests.clients.shop import Shop
from tests.needs import need_program

pytestmark = pytest.mark.long

# The browser's own says that nobody looks at it, which counts as a crawler.
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    need_program("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield await browser.new_page(user_agent=CHROME)
        await browser.close()


@pytest.fixture
async def site(node_clients: Path) -> AsyncIterator[str]:
    """The pages' own server, and so their origin."""
    app = web.Application()
    app.router.add_static("/", node_clients)
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.mark.parametrize("by", ["api_token", "hostname"])
async def test_plausibles_tracker_delivers_every_event_once(shop: Shop, site: str, page: Page, by: str) -> None:
    domain = shop.api_token if by == "api_token" else "shop.example"
    await shop.lists(origins=[site], hostnames=[] if by == "api_token" else ["127.0.0.1", "shop.example"])
    asked = urlencode({"domain": domain, "endpoint": f"{shop.daemon.url}/api/event"})
    async with page.expect_response("**/api/event"):
        await page.goto(f"{site}/plausible.html?{asked}")
    await page.click("button")
    await page.wait_for_function("document.title === 'answered 202'")
    async with page.expect_response("**/api/event"):
        await page.evaluate("history.pushState({}, '', '/orders')")
    async with page.expect_response("**/api/event"), page.expect_popup():
        await page.click("a")
    events = [event for event in shop.stored() if event["source_label"] != "engagement"]
    assert [event["source_label"] for event in events] == ["pageview", "Purchase", "pageview", "Outbound Link: Click"]
    first, bought, second, left = events
    assert first["page_url"] == f"{site}/plausible.html?{asked}"
    assert second["page_url"] == f"{site}/orders"
    assert bought["attrs"] == {
        "theme": "dark", "plan": "pro", "revenue": 19.99, "currency": "EUR", "interactive": False
    }  # fmt: skip
    assert left["attrs"] == {"theme": "dark", "url": "https://elsewhere.example/"}
    assert len({event["anonymous_id"] for event in events}) == 1
    assert {(event["user_agent"], event["filtered"]) for event in events} == {(CHROME, None)}


async def test_segments_client_in_a_browser_delivers_every_call_once(shop: Shop, site: str, page: Page) -> None:
    await shop.lists(origins=[site])
    asked = urlencode({"key": shop.api_token, "host": shop.daemon.url.removeprefix("http://")})
    await page.goto(f"{site}/segment.html?{asked}")
    await page.wait_for_function("document.title === 'sent'")
    visited, identified, ordered = shop.stored()
    assert (visited["source_label"], visited["page_url"]) == ("pageview", f"{site}/segment.html?{asked}")
    assert (visited["title"], visited["attrs"]["name"], visited["attrs"]["plan"]) == ("Shop", "Home", "pro")
    assert (identified["source_label"], identified["attrs"]["email"]) == ("identify", "cyd@example.org")
    assert (ordered["source_label"], ordered["attrs"]["revenue"]) == ("Order Completed", 19.99)
    assert visited["user_id"] is None
    assert (identified["user_id"], ordered["user_id"]) == ("cyd", "cyd")
    assert len({event["anonymous_id"] for event in (visited, identified, ordered)}) == 1
    assert {event["user_agent"] for event in (visited, identified, ordered)} == {CHROME}
