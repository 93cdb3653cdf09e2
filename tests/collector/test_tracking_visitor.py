"""Which visitor it was: the cookie, the body, and what is made where there is neither."""

import http.cookies
import uuid

import pytest

from collector.tracking.visitor import COOKIE, COOKIE_AGE_S, Visitor, Visitors
from tests.collector.tracking_site import SIGNED_IN, TrackingSite, fields, somebody

KNOWN = "0b9c8f8e-3c1d-4f6a-9a57-2f3f0e3f8a11"
ACTION = {"source_label": "a"}


async def test_a_new_visitor_gets_a_cookie_that_lasts_and_no_script_reads(tracking: TrackingSite):
    answer = await tracking.post(ACTION)
    cookie = answer.cookies[COOKIE]
    (line,) = (await tracking.lines()).values()
    assert line["anonymous_id"] == cookie.value == str(uuid.UUID(cookie.value, version=4))
    assert (cookie["path"], cookie["max-age"], cookie["samesite"]) == ("/", str(COOKIE_AGE_S), "Lax")
    assert cookie["httponly"] is True
    assert not cookie["secure"]


def test_the_cookie_is_secure_where_the_setting_says_so():
    header = Visitors(lambda: KNOWN, somebody, cookie_secure=True).cookie(Visitor(None, None, None, kept=KNOWN))
    assert http.cookies.SimpleCookie(header["Set-Cookie"])[COOKIE]["secure"] is True


REQUESTS = [("/track", ACTION), ("/track", [ACTION, ACTION]), ("/visits", {"page_url": "/a"})]


@pytest.mark.parametrize("headers", [{}, SIGNED_IN], ids=["anonymous", "signed in"])
@pytest.mark.parametrize(("path", "body"), REQUESTS)
async def test_a_visitor_comes_back_with_its_cookie(
    tracking: TrackingSite, path: str, body: object, headers: dict[str, str]
):
    first = await tracking.post(body, path)
    again = await tracking.post(body, path, **headers)
    assert COOKIE in first.cookies
    assert COOKIE not in again.cookies
    lines = list((await tracking.lines()).values())
    assert {line["anonymous_id"] for line in lines} == {tracking.visitor}
    assert lines[-1].get("user_id") == ("7" if headers else None)


@pytest.mark.parametrize(("path", "body"), REQUESTS)
async def test_a_signed_in_client_that_keeps_no_cookies_is_no_new_visitor(
    tracking: TrackingSite, path: str, body: object
):
    answer = await tracking.post(body, path, **SIGNED_IN)
    assert COOKIE not in answer.cookies
    lines = (await tracking.lines()).values()
    assert {(line["user_id"], line.get("anonymous_id")) for line in lines} == {("7", None)}


@pytest.mark.parametrize("cookie", ["", f"{COOKIE}={KNOWN}"])
async def test_the_id_in_the_body_wins_and_needs_no_cookie(tracking: TrackingSite, cookie: str):
    answer = await tracking.post(ACTION | {"anonymous_id": "own"}, Cookie=cookie)
    assert COOKIE not in answer.cookies
    assert [line["anonymous_id"] for line in (await tracking.lines()).values()] == ["own"]


@pytest.mark.parametrize(
    "cookie",
    [f"{COOKIE}={KNOWN}", f"a=b; {COOKIE}={KNOWN}; c=d", f"a=b;{COOKIE}={KNOWN}", f"{COOKIE}=x; {COOKIE}={KNOWN}"],
)
async def test_the_cookie_is_found_among_others(tracking: TrackingSite, cookie: str):
    assert (await tracking.line_of(ACTION, Cookie=cookie))["anonymous_id"] == KNOWN
    assert tracking.visitor is None


@pytest.mark.parametrize(
    "cookie",
    [
        f"{COOKIE}=",
        f"{COOKIE}=v",
        f"{COOKIE}={KNOWN}0",
        f"{COOKIE}={KNOWN.upper()}",
        f'{COOKIE}="{KNOWN}"',
        f"{COOKIE}={'0' * 6000}",
        f"{COOKIE}=\u00e9{KNOWN}",
        f"{COOKIE}={KNOWN}\t0",
        f"not_{COOKIE}={KNOWN}",
        f"{COOKIE}_old={KNOWN}",
    ],
    ids=lambda cookie: repr(cookie)[:60],
)
async def test_a_cookie_that_is_not_of_our_making_is_replaced(tracking: TrackingSite, cookie: str):
    line = await tracking.line_of(ACTION, Cookie=cookie)
    assert line["anonymous_id"] == tracking.visitor != KNOWN


async def test_a_refused_request_makes_no_visitor(tracking: TrackingSite):
    await tracking.refused({"source_label": 7}, 422)
    assert tracking.visitor is None


@pytest.mark.parametrize(
    ("path", "page_url"),
    [
        ("/pages/", "/pages/"),
        ("/pages/shop/cart", "/pages/shop/cart"),
        ("/pages/a?token=s3cret", "/pages/a"),
        ("/pages/%1b%5d0;x", "/pages/%1B%5D0;x"),
    ],
)
async def test_a_page_request_is_a_pageview_of_its_path(tracking: TrackingSite, path: str, page_url: str):
    answer = await tracking.client.get(path)
    assert answer.status == 202
    line = (await tracking.lines())[(await answer.json())["receipt"]]
    assert (line["source_label"], line["page_url"], line["anonymous_id"]) == ("pageview", page_url, tracking.visitor)


async def test_a_page_request_with_a_token_is_the_users_and_with_a_bad_one_refused(tracking: TrackingSite):
    assert (await tracking.client.get("/pages/a", headers={"Authorization": "Bearer forged"})).status == 401
    assert (await tracking.client.get("/pages/a", headers=SIGNED_IN)).status == 202
    assert [line["user_id"] for line in (await tracking.lines()).values()] == ["7"]


async def test_a_head_request_tracks_nothing(tracking: TrackingSite):
    assert (await tracking.client.head("/pages/a")).status == 200
    assert tracking.visitor is None
    assert await tracking.lines() == {}


async def test_a_path_that_is_too_long_is_named(tracking: TrackingSite):
    answer = await tracking.client.get("/pages/" + "x" * 4096)
    assert (answer.status, fields(await answer.json())) == (422, [("$.page_url", "wrong_value")])
