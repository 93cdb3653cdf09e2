"""What of the tracker's events arrives when answers are late, wrong or missing, in a real Chromium."""

from collections import Counter

import pytest
from playwright.async_api import BrowserContext, Page

from tests.browser.scripted import ScriptedSite, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

QUEUE = "Object.keys(localStorage).filter(key => key.startsWith('footfall:'))"
AWAY = [(503, {"Retry-After": "600"})]
"""Nothing more is sent in this test, unless the test says so."""
GO_ON = "delete localStorage.footfall_held"


async def emptied(page: Page) -> None:
    await page.wait_for_function(f"{QUEUE}.length == 0")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_what_was_not_taken_is_sent_again_as_it_was(page: Page, site: ScriptedSite, status: int):
    site.answers = [(status, {})]
    await page.goto(site.url)
    await until(lambda: len(site.sent) == 2)
    await emptied(page)
    first, again = site.items
    assert first.pop("sent_at") <= again.pop("sent_at")
    assert first == again


@pytest.mark.parametrize("status", [202, 400, 401, 403, 404, 413, 415, 422])
async def test_any_other_answer_is_the_last(page: Page, site: ScriptedSite, status: int):
    site.answers = [(status, {})]
    await page.goto(site.url)
    await until(lambda: site.sent)
    await emptied(page)
    await page.evaluate("footfall.track('next')")
    await until(lambda: len(site.sent) == 2)
    assert site.labels == ["pageview", "next"]


async def test_a_network_that_breaks_is_waited_for(page: Page, site: ScriptedSite):
    await page.route("**/track", lambda route: route.abort())
    await page.goto(site.url)
    await page.wait_for_function("localStorage.footfall_held")
    await page.unroute("**/track")
    await until(lambda: site.labels == ["pageview"])
    await emptied(page)


@pytest.mark.parametrize(("wanted", "held_s"), [("30", 30), ("600", 600), ("86400", 600), ("soon", 0), ("-5", 0)])
async def test_retry_after_is_obeyed_up_to_ten_minutes(page: Page, site: ScriptedSite, wanted: str, held_s: int):
    site.answers = [(503, {"Retry-After": wanted})]
    await page.goto(site.url)
    await page.wait_for_function("localStorage.footfall_held")
    wait_ms = await page.evaluate("localStorage.footfall_held - Date.now()")
    assert max(held_s * 1000 - 15_000, -15_000) < wait_ms <= max(held_s * 1000, 1000)


async def test_each_failure_in_a_row_waits_longer_up_to_a_minute(page: Page, site: ScriptedSite):
    site.answers = [(503, {})] * 8
    await page.add_init_script("Math.random = () => 0; Date.now = () => 1_800_000_000_000")
    await page.goto(site.url)
    waits = []
    for number in range(1, 9):
        await until(lambda count=number: len(site.sent) == count)
        await page.wait_for_function("localStorage.footfall_held")
        waits.append(await page.evaluate("localStorage.footfall_held - Date.now()"))
        await page.evaluate(f"{GO_ON}; window.dispatchEvent(new Event('pagehide'))")
    assert waits == [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]


async def test_a_clock_that_was_set_back_does_not_hold_the_queue(page: Page, site: ScriptedSite):
    await page.add_init_script("localStorage.footfall_held = Date.now() + 86400000")
    await page.goto(site.url)
    await until(lambda: site.labels == ["pageview"])


async def test_events_outlive_a_reload_and_keep_their_id(page: Page, site: ScriptedSite):
    site.answers = [*AWAY]
    await page.goto(site.url)
    await page.wait_for_function("localStorage.footfall_held")
    await page.evaluate("footfall.track('a'); footfall.track('b')")
    await page.goto(f"{site.url}/later")
    assert len(site.sent) == 1
    await page.evaluate(GO_ON)
    await page.evaluate("footfall.track('c')")
    await page.reload()
    await emptied(page)
    assert site.once == Counter(["pageview"] * 3 + ["a", "b", "c"])


async def test_two_tabs_lose_and_overwrite_nothing_of_each_other(visitor: BrowserContext, site: ScriptedSite):
    site.answers = [*AWAY]
    one, other = await visitor.new_page(), await visitor.new_page()
    await one.goto(site.url)
    await one.wait_for_function("localStorage.footfall_held")
    await other.goto(site.url)
    for number in range(20):
        for tab in (one, other):
            await tab.evaluate("label => footfall.track(label)", f"{number}")
    await one.close()
    await other.evaluate(GO_ON)
    await other.evaluate("footfall.track('last')")
    await other.reload()
    await emptied(other)
    assert site.once == Counter({"pageview": 3, "last": 1} | {f"{number}": 2 for number in range(20)})


async def test_what_was_answered_is_never_sent_again(visitor: BrowserContext, site: ScriptedSite):
    for number in range(4):
        tab = await visitor.new_page()
        await tab.goto(f"{site.url}/{number}")
        await until(lambda count=number: len(site.items) > count)
        await emptied(tab)
    assert max(Counter(item["event_id"] for item in site.items).values()) == 1


async def test_a_tab_that_is_closed_at_once_has_sent_what_happened(page: Page, site: ScriptedSite):
    site.body = "<button>Buy</button>"
    await page.goto(site.url)
    await page.click("button")
    await page.close(run_before_unload=True)
    await until(lambda: {"pageview", "Buy"} <= set(site.labels))


async def test_no_more_than_500_events_wait_the_oldest_of_them(page: Page, site: ScriptedSite):
    site.answers = [*AWAY]
    await page.goto(site.url)
    await page.wait_for_function("localStorage.footfall_held")
    await page.evaluate("for (let n = 0; n < 600; n++) footfall.track('e' + n)")
    assert await page.evaluate(f"{QUEUE}.length") == 500
    await page.evaluate(f"{GO_ON}; window.dispatchEvent(new Event('pagehide'))")
    await emptied(page)
    assert {item["source_label"] for item in site.items} == {"pageview"} | {f"e{number}" for number in range(499)}
    assert all(len(sent.items) < 150 for sent in site.sent)


async def test_no_more_than_250000_characters_wait(page: Page, site: ScriptedSite):
    site.answers = [*AWAY]
    await page.goto(site.url)
    await page.wait_for_function("localStorage.footfall_held")
    await page.evaluate("for (let n = 0; n < 99; n++) footfall.track('e', {text: 'x'.repeat(9000)})")
    assert 240_000 < await page.evaluate(f"{QUEUE}.reduce((sum, key) => sum + localStorage[key].length, 0)") <= 250_000


async def test_an_event_too_big_for_the_daemon_does_not_hold_up_the_others(page: Page, site: ScriptedSite):
    await page.goto(site.url)
    await until(lambda: site.labels == ["pageview"])
    site.answers = [(202, {}), (413, {})]
    await page.evaluate("footfall.track('a'); footfall.track('b', {text: 'ä'.repeat(70000)}); footfall.track('c')")
    await until(lambda: "c" in site.labels)
    assert [[item["source_label"] for item in sent.items] for sent in site.sent[1:]] == [["a"], ["b"], ["c"]]
    await emptied(page)


REFUSING = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})"
FULL = "try { for (let n = 0; ; n++) localStorage['full' + n] = 'x'.repeat(n < 5 ? 1e6 : 1) } catch {}"


@pytest.mark.parametrize("script", [REFUSING, FULL], ids=["refusing", "full"])
async def test_a_browser_that_keeps_nothing_is_tracked_all_the_same(page: Page, site: ScriptedSite, script: str):
    site.tracker = f"{site.elsewhere}/footfall.js"
    site.answers = [(503, {})]
    await page.add_init_script(script)
    await page.goto(site.url)
    await page.evaluate("footfall.track('a')")
    await until(lambda: "a" in site.labels and len(site.sent) >= 2)
    await page.evaluate("footfall.track('b')")
    await until(lambda: "b" in site.labels)
    assert len({item["anonymous_id"] for item in site.items}) == 1
    assert site.once == Counter(["pageview", "a", "b"])
