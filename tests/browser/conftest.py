"""One real Chromium for the tests of a module; what a test opens in it is its own."""

import shutil
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, BrowserType, Page, async_playwright

from tests.browser.scripted import ScriptedSite
from tests.needs import need_program

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
"""As a Chromium that somebody looks at says it: one without a window is counted as a crawler."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[BrowserType]:
    need_program("chromium")
    async with async_playwright() as playwright:
        yield playwright.chromium


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: BrowserType) -> AsyncIterator[Browser]:
    async with await chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def visitor(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser that nobody has used before; for engagement, time passes by `pass` alone."""
    async with await browser.new_context(user_agent=PERSON) as context:
        await context.add_init_script("let at = 1; performance.now = () => at; window.pass = (ms) => (at += ms)")
        yield context


@pytest_asyncio.fixture(loop_scope="module")
async def page(visitor: BrowserContext) -> Page:
    return await visitor.new_page()


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncIterator[ScriptedSite]:
    async with ScriptedSite.served() as served:
        yield served
