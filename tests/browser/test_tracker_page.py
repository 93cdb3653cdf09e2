"""What the tracker makes of a page, its clicks and its visitor, in a real Chromium."""

import re

import pytest
from playwright.async_api import Page

from tests.browser.scripted import UUID4, ScriptedSite, after, opened, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_page_is_a_pageview_with_its_address_referrer_and_title(page: Page, site: ScriptedSite):
    await opened(page, site, '<a href="/d">D</a>', path="/a?utm_source=b#c")
    (sent,) = site.sent
    (item,) = sent.items
    assert re.fullmatch(r"\d{13}-100000-" + UUID4, item.pop("event_id"))
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert all(re.fullmatch(stamp, item.pop(name)) for name in ("date_created", "sent_at"))
    assert item == {"source_label": "pageview", "page_url": f"{site.url}/a?utm_source=b", "title": "Shop"}
    await page.click("a")
    await until(lambda: site.labels.count("pageview") == 2)
    assert site.items[-1]["referrer"] == f"{site.url}/a?utm_source=b"


async def test_a_request_is_text_with_the_token_in_the_address_and_needs_no_preflight(page: Page, site: ScriptedSite):
    site.tracker = f"{site.elsewhere}/footfall.js"
    await opened(page, site, attributes='data-token="a b&amp;c"')
    (sent,) = site.sent
    assert (sent.method, sent.content_type) == ("POST", "text/plain;charset=UTF-8")
    assert (sent.token, sent.origin) == ("a b&c", site.url)


CLICKS = [
    ("<button>Buy</button>", "Buy", "button"),
    ("<button> Put \n into\tcart </button>", "Put into cart", "button"),
    ("<button><b><i>Deep</i></b></button>", "Deep", "button"),
    ('<button aria-label="Close">x</button>', "Close", "button"),
    ('<button data-track="buy" aria-label="Close">x</button>', "buy", "button"),
    ('<button data-track=" ">x</button>', "x", "button"),
    ('<button value="7">Seven</button>', "Seven", "button"),
    ('<button title="Menu" style="width:9px;height:9px"></button>', "Menu", "button"),
    ('<button name="menu" style="width:9px;height:9px"></button>', "menu", "button"),
    ('<button id="menu" style="width:9px;height:9px"></button>', "menu", "button"),
    ('<button style="width:9px;height:9px"></button>', "BUTTON", "button"),
    ("<button>" + "é😀" * 100 + "</button>", "é😀" * 64, "button"),
    ('<input type="button" value="Go">', "Go", "button"),
    ('<input type="reset" value="Clear">', "Clear", "button"),
    ('<form onsubmit="return false"><input type="submit" value="Send"></form>', "Send", "button"),
    ('<div role="button" tabindex="0">Fold</div>', "Fold", "button"),
    ("<details><summary>More</summary></details>", "More", "button"),
    ('<p data-track="teaser">Read</p>', "teaser", "button"),
    ('<ul><li role="button" value="3">Third</li></ul>', "Third", "button"),
    ('<a href="#here">Here</a>', "Here", "link"),
    ('<a href="mailto:a@shop.example">Mail</a>', "Mail", "link"),
    ('<a href="http://elsewhere.example/x" onclick="return false">Away</a>', "Away", "outbound"),
    ('<a href="/list.PDF?v=1" onclick="return false">List</a>', "List", "download"),
    ('<a href="/list" download onclick="return false">List</a>', "List", "download"),
    ('<a href="http://elsewhere.example/x.zip" onclick="return false">Zip</a>', "Zip", "download"),
    ('<a href="/pdf" onclick="return false">About</a>', "About", "link"),
    ('<button onclick="event.stopPropagation()">Stops</button>', "Stops", "button"),
]


async def test_a_click_has_the_name_that_the_page_shows(page: Page, site: ScriptedSite):
    await opened(page, site)
    expected = []
    for body, label, click in CLICKS:
        href = await shown(page, body)
        await page.click(WITHIN)
        expected.append((label, {"click": click} if href is None else {"click": click, "url": href}))
    items = await after(page, site)
    assert [(item["source_label"], item["attrs"]) for item in items] == expected
    assert {item["page_url"] for item in items} == {f"{site.url}/"}


WITHIN = "body :is(button,input,a,p,summary,[role=button])"


async def shown(page: Page, body: str) -> str | None:
    """Put this into the page, and return where its link goes."""
    return await page.evaluate("body => (document.body.innerHTML = body, document.querySelector('a')?.href)", body)


async def test_a_click_in_the_shadow_of_an_element_counts(page: Page, site: ScriptedSite):
    await opened(page, site, "<x-menu></x-menu>")
    await page.evaluate(
        "document.querySelector('x-menu').attachShadow({mode: 'open'}).innerHTML = '<button>Hidden</button>'"
    )
    await page.click("x-menu button")
    (item,) = await after(page, site)
    assert item["source_label"] == "Hidden"


async def test_the_middle_button_counts_on_a_link_and_the_right_one_does_not(page: Page, site: ScriptedSite):
    await opened(page, site, '<a href="/b">B</a>')
    await page.click("a", button="right")
    await page.click("a", button="middle")
    items = [item for item in await after(page, site) if item["source_label"] != "pageview"]  # of the page it opens
    assert [item["attrs"] for item in items] == [{"click": "link", "url": f"{site.url}/b"}]


UNTRACKED = [
    "<p>Text</p>",
    '<input type="text" value="secret">',
    '<input type="checkbox">',
    "<a>No link</a>",
    '<button data-auto="off">Anna</button>',
    '<div data-auto="off"><p><button>Anna</button></p></div>',
]


async def test_a_click_on_anything_else_is_not_tracked(page: Page, site: ScriptedSite):
    await opened(page, site)
    for body in UNTRACKED:
        await shown(page, body)
        await page.click(WITHIN)
    assert await after(page, site) == []


async def test_with_auto_off_only_what_the_page_says_is_tracked(page: Page, site: ScriptedSite):
    site.body, site.attributes = "<button>Buy</button>", 'data-auto="off"'
    await page.goto(site.url)
    await page.click("button")
    await page.evaluate("history.pushState({}, '', '/b')")
    await page.evaluate("footfall.track('search', {words: 2})")
    await until(lambda: site.items)
    (item,) = site.items
    assert (item["source_label"], item["attrs"], item["page_url"]) == ("search", {"words": 2}, f"{site.url}/b")


ROUTES = [
    ("history.pushState({}, '', '/b')", "", ["/b"]),
    ("history.replaceState({}, '', '/b')", "", ["/b"]),
    ("history.replaceState({}, '', '/')", "", []),
    ("history.pushState({}, '', '/#b')", "", []),
    ("history.pushState({}, '', '/between'); history.replaceState({}, '', '/b')", "", ["/b"]),
    ("location.hash = 'b'", "", []),
    ("location.hash = 'b'", "data-hash", ["/#b"]),
]


@pytest.mark.parametrize(("route", "attributes", "pages"), ROUTES, ids=range(len(ROUTES)))
async def test_a_page_of_a_single_page_application_is_one_when_its_address_is_new(
    page: Page, site: ScriptedSite, route: str, attributes: str, pages: list[str]
):
    await opened(page, site, attributes=attributes)
    await page.evaluate(route)
    items = await after(page, site)
    assert [item["page_url"] for item in items] == [site.url + path for path in pages]
    assert {item["referrer"] for item in items} <= {f"{site.url}/"}


async def test_back_and_forward_are_pageviews_too(page: Page, site: ScriptedSite):
    await opened(page, site)
    for number, route in enumerate(("history.pushState({}, '', '/b')", "history.back()", "history.forward()"), 2):
        await page.evaluate(route)
        await until(lambda wanted=number: site.labels.count("pageview") == wanted)
    pages = [item["page_url"].removeprefix(site.url) for item in site.items if item["source_label"] == "pageview"]
    assert pages == ["/", "/b", "/", "/b"]


@pytest.mark.parametrize(("visible_ms", "engaged"), [(999, []), (1_000, [1_000]), (61_000, [61_000])])
async def test_engagement_is_the_time_from_a_second_on_that_a_page_was_visible(
    page: Page, site: ScriptedSite, visible_ms: int, engaged: list[int]
):
    await opened(page, site)
    await page.evaluate("ms => { pass(ms); history.pushState({}, '', '/b') }", visible_ms)
    items = await after(page, site)
    assert [item["attrs"]["engaged_ms"] for item in items[:-1]] == engaged
    assert [item["page_url"] for item in items] == [f"{site.url}/"] * len(engaged) + [f"{site.url}/b"]


async def test_a_page_that_comes_back_from_the_browsers_memory_is_a_pageview(page: Page, site: ScriptedSite):
    await opened(page, site)
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    (item,) = await after(page, site)
    assert (item["source_label"], item["page_url"]) == ("pageview", f"{site.url}/")


async def test_a_page_that_is_made_ready_before_it_is_wanted_is_tracked_once_it_is_shown(
    page: Page, site: ScriptedSite
):
    await page.add_init_script("Object.defineProperty(document, 'prerendering', {value: true})")
    await page.goto(site.url)
    await page.evaluate("history.pushState({}, '', '/shown'); document.dispatchEvent(new Event('prerenderingchange'))")
    assert await after(page, site) == []
    assert [item["page_url"] for item in site.items] == [f"{site.url}/shown"] * 2


async def test_the_script_in_a_page_twice_tracks_once(page: Page, site: ScriptedSite):
    await opened(page, site, '<script defer src="/footfall.js"></script><button>Buy</button>')
    await page.click("button")
    assert len(await after(page, site)) == 1
