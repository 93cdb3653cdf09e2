"""Who the tracker says it was, and what it keeps of that in the browser, in a real Chromium."""

import re

import pytest
from playwright.async_api import Page

from tests.browser.scripted import UUID4, ScriptedSite, after, opened, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]


async def test_a_visitor_has_one_random_id_on_another_origin_and_no_cookie(page: Page, site: ScriptedSite):
    site.tracker = f"{site.elsewhere}/footfall.js"
    await opened(page, site)
    await page.reload()
    await until(lambda: len(site.items) == 2)
    first, again = (item["anonymous_id"] for item in site.items)
    assert first == again
    assert re.fullmatch(UUID4, first)
    assert [sent.has_cookie for sent in site.sent] == [False, False]


async def test_on_the_daemons_own_origin_its_cookie_is_the_only_id(page: Page, site: ScriptedSite):
    await opened(page, site)
    await page.reload()
    await until(lambda: len(site.items) == 2)
    assert not any("anonymous_id" in item for item in site.items)
    assert [sent.has_cookie for sent in site.sent] == [False, True]


async def test_another_origin_of_the_same_site_may_know_its_visitors_by_cookie(page: Page, site: ScriptedSite):
    async with ScriptedSite.served() as daemon:
        site.tracker = f"{daemon.url}/footfall.js"
        site.attributes = 'data-visitors="cookie"'
        await page.goto(site.url)
        await until(lambda: daemon.items)
        await page.reload()
        await until(lambda: len(daemon.items) == 2)
    assert not any("anonymous_id" in item for item in daemon.items)
    assert [sent.has_cookie for sent in daemon.sent] == [False, True]


GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
DNT = "Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'})"

IDS = ["footfall_id", "footfall_user"]


@pytest.mark.parametrize(
    ("attributes", "signal", "kept"),
    [
        ("", "", IDS),
        ("", GPC, IDS),
        ('data-gpc="anonymous"', "", IDS),
        ('data-gpc="anonymous"', DNT, IDS),
        ('data-gpc="anonymous"', GPC, []),
        ('data-dnt="anonymous"', GPC, IDS),
        ('data-dnt="anonymous"', DNT, []),
        ('data-gpc="anonymous" data-dnt="anonymous"', DNT, []),
        ('data-visitors="cookieless"', "", []),
    ],
    ids=range(9),
)
async def test_no_id_is_kept_where_none_is_wanted(
    page: Page, site: ScriptedSite, attributes: str, signal: str, kept: list[str]
):
    site.tracker = f"{site.elsewhere}/footfall.js"
    await page.add_init_script(signal)
    await opened(page, site, attributes=attributes)
    await page.evaluate("footfall.identify('ada')")
    (item,) = await after(page, site)
    assert (item["id_user"], "anonymous_id" in item) == ("ada", kept == IDS)
    assert await page.evaluate("Object.keys(localStorage).filter(key => !key.startsWith('footfall:')).sort()") == kept


async def test_a_user_goes_with_every_event_also_of_later_pages_until_forgotten(page: Page, site: ScriptedSite):
    await opened(page, site)
    await page.evaluate("footfall.identify('ada', {plan: 'pro'})")
    await page.evaluate("footfall.track('a')")
    await page.goto(f"{site.url}/b")
    await page.evaluate("footfall.identify()")
    items = await after(page, site)
    found = {item["event_id"]: (item["source_label"], item.get("id_user"), item.get("attrs")) for item in items}
    assert list(found.values()) == [
        ("identify", "ada", {"plan": "pro"}),
        ("a", "ada", None),
        ("pageview", "ada", None),
    ]
    assert "id_user" not in site.items[-1]


async def test_who_opted_out_is_not_tracked_and_nothing_is_kept_until_it_opts_in(page: Page, site: ScriptedSite):
    site.tracker = f"{site.elsewhere}/footfall.js"
    await opened(page, site, "<button>Buy</button>")
    await page.evaluate("footfall.identify('ada'); footfall.optOut()")
    await page.click("button")
    await page.goto(f"{site.url}/b")
    assert await page.evaluate("Object.keys(localStorage)") == ["footfall_off"]
    await page.evaluate("footfall.track('no'); footfall.optIn(); footfall.track('yes')")
    await until(lambda: "yes" in site.labels)
    assert site.labels == ["pageview", "yes"]
    assert "id_user" not in site.items[1]
    assert site.items[0]["anonymous_id"] != site.items[1]["anonymous_id"]
