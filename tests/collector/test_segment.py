"""Segment's API by table: the requests that its public documentation prints, what is stored of them, and hostile ones."""

import base64
import gzip
from datetime import UTC, datetime

import msgspec
import pytest

from storage.app import App, WriteToken
from storage.duckdb.store import DuckDBStore
from tests.collector.test_tracking_loading import load, store
from tests.collector.tracking_site import EVENT_BYTES_MAX, RAW_BYTES_MAX, Members, TrackingSite

__all__ = ["store"]  # the fixture

MADE_AT = datetime(2026, 11, 1, tzinfo=UTC)
KEY = "the-write-key"
BASIC = {"Authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()}
SHOP = App(
    app_code="shop", app_name="Shop", owner_id="u", created_at=MADE_AT, write_tokens=(WriteToken("t1", KEY, MADE_AT),)
)
WHO = "019mr8mf4r"
AT = "2012-12-02T00:30:08.276Z"
VISITOR = "507f191e-810c-4197-8de8-60ea0b5e9d1a"


@pytest.fixture
async def shop(tracking: TrackingSite) -> TrackingSite:
    await tracking.apps.add(SHOP)
    return tracking


async def stored(site: TrackingSite, call: str, body: object, **headers: str) -> list[Members]:
    """Send a request with the shop's key and return what the log has of it, without what the door made."""
    answer = await site.post(body, f"/v1/{call}", **(headers or BASIC))
    assert (answer.status, await answer.json()) == (200, {"success": True})
    lines = list((await site.lines()).values())
    for line in lines:
        assert line.pop("app_code") == "shop"
        assert line.pop("received_at")
        if not line.get("id_given"):
            line.pop("event_id", None)
    return lines


PRINTED = [
    (
        "identify",
        {
            "userId": WHO,
            "traits": {"email": "pgibbons@example.com", "name": "Peter Gibbons", "industry": "Technology"},
            "context": {"ip": "24.5.68.47"},
            "timestamp": AT,
        },
        {
            "source_label": "identify",
            "user_id": WHO,
            "occurred_at": "2012-12-02T00:30:08.276000Z",
            "attrs": {"email": "pgibbons@example.com", "name": "Peter Gibbons", "industry": "Technology"},
        },
    ),
    (
        "track",
        {
            "userId": WHO,
            "event": "Item Purchased",
            "properties": {"name": "Leap to Conclusions Mat", "revenue": 14.99},
            "context": {"ip": "24.5.68.47"},
            "timestamp": "2012-12-02T00:30:12.984Z",
        },
        {
            "source_label": "Item Purchased",
            "user_id": WHO,
            "occurred_at": "2012-12-02T00:30:12.984000Z",
            "attrs": {"name": "Leap to Conclusions Mat", "revenue": 14.99},
        },
    ),
    (
        "page",
        {"userId": WHO, "name": "Tracking HTTP API", "timestamp": AT},
        {
            "source_label": "pageview",
            "user_id": WHO,
            "occurred_at": "2012-12-02T00:30:08.276000Z",
            "attrs": {"name": "Tracking HTTP API"},
        },
    ),
    (
        "screen",
        {"userId": WHO, "name": "Tracking HTTP API", "timestamp": AT},
        {
            "source_label": "screen",
            "user_id": WHO,
            "occurred_at": "2012-12-02T00:30:08.276000Z",
            "attrs": {"name": "Tracking HTTP API"},
        },
    ),
    (
        "group",
        {
            "userId": WHO,
            "groupId": "8e9df332ac",
            "traits": {"name": "Initech", "industry": "Technology", "employees": 420},
            "timestamp": AT,
        },
        {
            "source_label": "group",
            "user_id": WHO,
            "occurred_at": "2012-12-02T00:30:08.276000Z",
            "attrs": {"groupId": "8e9df332ac", "name": "Initech", "industry": "Technology", "employees": 420},
        },
    ),
    (
        "alias",
        {"previousId": "39239-239239-239239-23923", "userId": WHO, "timestamp": AT},
        {
            "source_label": "alias",
            "user_id": WHO,
            "anonymous_id": "39239-239239-239239-23923",
            "occurred_at": "2012-12-02T00:30:08.276000Z",
        },
    ),
    (
        "identify",
        {
            "userId": WHO,
            "traits": {"email": "pgibbons@example.com"},
            "integrations": {"All": False, "Mixpanel": True, "Kissmetrics": True, "Google Analytics": False},
        },
        {"source_label": "identify", "user_id": WHO, "attrs": {"email": "pgibbons@example.com"}},
    ),
]


@pytest.mark.parametrize(("call", "body", "line"), PRINTED, ids=lambda one: one if isinstance(one, str) else "")
async def test_each_call_of_the_documentation_is_stored_as_an_event(
    shop: TrackingSite, call: str, body: Members, line: Members
):
    assert await stored(shop, call, body) == [line]


@pytest.mark.parametrize(("call", "body", "line"), PRINTED, ids=lambda one: one if isinstance(one, str) else "")
async def test_a_batch_and_the_letter_of_a_call_say_the_same(
    shop: TrackingSite, call: str, body: Members, line: Members
):
    assert await stored(shop, call[0], body) == [line]
    assert await stored(shop, "b", {"batch": [{"type": call, **body}]}) == [line, line]


async def test_the_batch_of_the_documentation_is_stored_with_its_context_and_its_short_dates(shop: TrackingSite):
    def calls(user: str, email: str, song: str, day: str) -> list[Members]:
        return [
            {"type": "identify", "userId": user, "traits": {"email": email}, "timestamp": f"{day}T00:30:08.276Z"},
            {
                "type": "track",
                "userId": user,
                "event": "Song Played",
                "properties": {"name": song},
                "timestamp": f"{day}T00:30:12.984Z",
            },
        ]

    context = {"device": {"type": "phone", "name": "Apple iPhone 6"}}
    jake = calls(WHO, "jake@yahoo.com", "Fallin for You", "2012-12-02")
    cindy = calls("971mj8mk7p", "cindy@example.com", "Get Right", "2015-2-02")
    lines = await stored(shop, "batch", {"batch": [*jake, *cindy], "context": context})
    assert [(line["source_label"], line["user_id"], line["occurred_at"]) for line in lines] == [
        ("identify", WHO, "2012-12-02T00:30:08.276000Z"),
        ("Song Played", WHO, "2012-12-02T00:30:12.984000Z"),
        ("identify", "971mj8mk7p", "2015-02-02T00:30:08.276000Z"),
        ("Song Played", "971mj8mk7p", "2015-02-02T00:30:12.984000Z"),
    ]
    assert [line["attrs"].pop("context") for line in lines] == [context] * 4
    assert lines[3]["attrs"] == {"name": "Get Right"}


async def test_what_a_browser_sends_goes_where_an_event_has_a_place_for_it(shop: TrackingSite):
    page = {
        "path": "/academy/",
        "referrer": "",
        "search": "",
        "title": "Academy",
        "url": "https://shop.example/academy/",
    }
    context = {
        "ip": "203.0.113.7",
        "userAgent": "Mozilla/5.0 (X11)",
        "locale": "en-US",
        "library": {"name": "analytics.js", "version": "2.11.1"},
        "page": page,
    }
    shared: Members = {
        "anonymousId": VISITOR,
        "userId": None,
        "context": context,
        "messageId": "ajs-1",
        "sentAt": "2026-11-20T12:30:00.000Z",
        "timestamp": "2026-11-20T12:29:00.000Z",
        "writeKey": KEY,
        "_metadata": {"bundled": ["Segment.io"]},
    }
    pageview, track = await stored(
        shop,
        "batch",
        {
            "batch": [
                {"type": "page", "name": "Home", "properties": {**page, "plan": "free"}, **shared},
                {"type": "track", "event": "Clicked", "properties": {"url": "/elsewhere"}, **shared, "messageId": "2"},
            ]
        },
    )
    kept = {"locale": "en-US", "library": context["library"], "page": {"path": "/academy/", "search": ""}}
    assert pageview == {
        "source_label": "pageview",
        "event_id": "ajs-1",
        "id_given": True,
        "occurred_at": "2026-11-20T12:29:00Z",
        "sent_at": "2026-11-20T12:30:00Z",
        "anonymous_id": VISITOR,
        "page_url": "https://shop.example/academy/",
        "title": "Academy",
        "user_agent": "Mozilla/5.0 (X11)",
        "attrs": {"path": "/academy/", "search": "", "plan": "free", "name": "Home", "context": kept},
    }
    assert track["attrs"] == {"url": "/elsewhere", "context": kept}
    assert (track["page_url"], track["title"]) == (pageview["page_url"], "Academy")


@pytest.mark.parametrize(
    ("call", "sent", "expected"),
    [
        ("track", {"properties": {"context": 1}, "context": {"locale": "de"}}, {"attrs": {"context": 1}}),
        ("track", {"properties": {"source_label": "x", "user_id": "y"}}, {"attrs": {"source_label": "x", "user_id": "y"}}),
        ("track", {"email": "a@b.example"}, {"attrs": {"email": "a@b.example"}}),
        ("track", {"email": 1, "properties": {"email": 2}}, {"attrs": {"email": 2}}),
        ("identify", {"traits": {"a": None}, "channel": "x"}, {"attrs": {"channel": "x", "a": None}}),
        ("track", {"properties": None, "context": None, "traits": None}, {}),
        ("track", {"properties": {}, "context": {}}, {}),
        ("page", {"properties": {"url": 5, "title": ""}}, {"attrs": {"url": 5}}),
        ("track", {"context": {"page": "x", "userAgent": 7}}, {"attrs": {"context": {"page": "x"}}}),
        ("group", {"groupId": 7, "traits": {"groupId": "other"}}, {"attrs": {"groupId": "other"}}),
        ("track", {"originalTimestamp": AT, "timestamp": "2020-01-01T00:00:00Z"}, {"occurred_at": "2012-12-02T00:30:08.276000Z"}),
        ("track", {"timestamp": "2026-1-2 03:04:05"}, {"occurred_at": "2026-01-02T03:04:05Z"}),
        ("track", {"userId": 42}, {"user_id": "42"}),
        ("track", {"userId": "", "anonymousId": "a"}, {"anonymous_id": "a"}),
    ],
)  # fmt: skip
async def test_what_is_unusual_keeps_everything_that_was_sent(
    shop: TrackingSite, call: str, sent: Members, expected: Members
):
    (line,) = await stored(
        shop, call, {"event": "e", "userId": "u"} | sent if call == "track" else {"userId": "u"} | sent
    )
    assert line.get("attrs", {}) == expected.get("attrs", {})
    assert expected.items() <= line.items()
    assert len(line.get("anonymous_id", "")) < 2  # no visitor is made up for a user


async def test_a_message_that_is_sent_twice_is_one_event(shop: TrackingSite, store: DuckDBStore):
    call = {"type": "track", "event": "e", "userId": "u", "messageId": "m-1"}
    lines = await stored(shop, "batch", {"batch": [call, call]})
    assert [line["event_id"] for line in lines] == ["m-1", "m-1"]  # the answer says nothing of repeats
    await stored(shop, "track", call)
    await load(shop, store)
    with store.reader() as asked:
        assert (asked.health().n_rows, asked.health().n_duplicates) == (1, 2)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({}, "missing"),
        ({"type": "track", "event": "e"}, "missing"),
        ({"type": "track", "event": "e", "userId": "", "anonymousId": ""}, "missing"),
        ({"type": "track", "userId": "u"}, "missing"),
        ({"type": "alias", "userId": "u"}, "missing"),
        ({"type": "alias", "previousId": "v"}, "missing"),
        ({"userId": "u", "event": "e"}, "missing"),
        ({"type": "purchase", "userId": "u"}, "wrong_value"),
        ({"type": 7, "userId": "u"}, "wrong_type"),
        ({"type": "track", "userId": "u", "event": "e" * 129}, "wrong_value"),
        ({"type": "track", "userId": "u", "event": ""}, "wrong_value"),
        ({"type": "track", "userId": "u" * 65, "event": "e"}, "wrong_value"),
        ({"type": "track", "userId": "u", "event": "e", "messageId": "m" * 129}, "wrong_value"),
        ({"type": "track", "userId": "u", "event": "e", "timestamp": "yesterday"}, "wrong_value"),
        ({"type": "track", "userId": "u", "event": "e", "properties": []}, "wrong_type"),
        ({"type": "track", "userId": "u", "event": "e", "properties": [], "x": 1}, "wrong_type"),
        ({"type": "track", "userId": "u", "event": "e", "context": "x"}, "wrong_type"),
        ({"type": "page", "userId": "u", "properties": {"url": "u" * 4097}}, "wrong_value"),
        ({"type": "page", "userId": "u", "context": {"page": {"title": "t" * 1025}}}, "wrong_value"),
        ({"type": "track", "userId": "u", "event": "e", "properties": dict.fromkeys(map(str, range(257)))}, "wrong_value"),
        ({"type": "track", "userId": "u", "event": "e", "properties": {"x": "x" * EVENT_BYTES_MAX}}, "event_too_large"),
        ({"type": "track", "userId": "u", "event": "e", "properties": {"x": msgspec.Raw(b"[" * 40 + b"]" * 40)}}, "attrs_too_deep"),
        ([], "wrong_type"),
        (None, "wrong_type"),
        ("track", "wrong_type"),
    ],
    ids=range(25),
)  # fmt: skip
async def test_a_wrong_call_is_kept_as_rejected_and_the_others_are_stored(shop: TrackingSite, call: object, code: str):
    good = {"type": "track", "event": "good", "userId": "u"}
    first, wrong, last = await stored(shop, "batch", {"batch": [good, call, good]})
    assert (first["source_label"], last["source_label"]) == ("good", "good")
    assert wrong["rejected_code"] == code
    kept = wrong["rejected_raw"]
    assert 0 < len(kept) <= RAW_BYTES_MAX
    if code not in ("event_too_large", "attrs_too_deep"):
        assert msgspec.json.encode(call).decode().startswith(kept)


async def test_a_batch_of_nothing_but_wrong_calls_is_answered_as_the_specification_says(shop: TrackingSite):
    assert [line["rejected_code"] for line in await stored(shop, "batch", {"batch": [{}, 7]})] == [
        "missing",
        "wrong_type",
    ]
    assert len(await stored(shop, "track", {"event": "e"})) == 3


@pytest.mark.parametrize("call", ["track", "batch"])
async def test_the_address_in_a_wrong_call_is_not_kept_either(shop: TrackingSite, call: str):
    wrong = {"context": {"ip": "203.0.113.7"}}
    assert len(msgspec.json.encode(wrong)) < RAW_BYTES_MAX
    for one in (wrong, wrong | {"userId": 7.5}, 7, {"userId": [], "ip": "mine"}):
        await shop.post({"batch": [one]} if call == "batch" else one, f"/v1/{call}", **BASIC)
    kept = [str(line["rejected_raw"]) for line in (await shop.lines()).values()]
    assert len(kept) >= 3
    assert not [raw for raw in kept if "203.0.113.7" in raw]


@pytest.mark.parametrize(("n_calls", "size", "status"), [(1000, 4000, 200), (1000, 4200, 413), (1, 900_000, 200)])
async def test_a_context_of_all_calls_does_not_make_much_of_a_small_body(
    shop: TrackingSite, n_calls: int, size: int, status: int
):
    calls = [{"type": "track", **GOOD}] * n_calls
    answer = await shop.post({"context": {"x": "y" * size}, "batch": calls}, "/v1/batch", **BASIC)
    assert answer.status == status
    assert ((await answer.json()).get("code") == "body_too_large") == (status == 413)


async def test_a_batch_of_no_calls_is_taken(shop: TrackingSite):
    assert await stored(shop, "batch", {"batch": []}) == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("batch", b"{", 400, "body_malformed"),
        ("track", b"{", 400, "body_malformed"),
        ("track", b'{"event": "\xff"}', 400, "body_malformed"),
        ("batch", b'{"batch": [' + b"[" * 10_000 + b"]" * 10_000 + b"]}", 400, "body_malformed"),
        ("batch", b"[]", 422, "body_invalid"),
        ("batch", b"{}", 422, "body_invalid"),
        ("batch", b'{"batch": {}}', 422, "body_invalid"),
        ("batch", b'{"batch": [], "sentAt": "now"}', 422, "body_invalid"),
        ("track", b"null", 422, "body_invalid"),
        ("track", b'{"writeKey": 7}', 422, "body_invalid"),
        ("batch", b'{"batch": [' + b"1," * 1000 + b"1]}", 413, "too_many_items"),
        ("purchase", b"{}", 404, "not_found"),
        ("import", b'{"batch": []}', 404, "not_found"),
    ],
    ids=range(13),
)
async def test_a_request_that_is_none_is_refused_as_a_whole(
    shop: TrackingSite, path: str, body: bytes, status: int, code: str
):
    problem = await shop.refused(body, status, f"/v1/{path}", **BASIC)
    assert problem["code"] == code


GOOD = {"event": "e", "userId": "u"}


@pytest.mark.parametrize(
    ("headers", "members"),
    [
        (BASIC, {}),
        ({"Authorization": "basic " + base64.b64encode(KEY.encode()).decode()}, {}),
        ({"Authorization": "Basic " + base64.b64encode(f"{KEY}:password".encode()).decode()}, {}),
        ({"Authorization": "Basic Og=="}, {"writeKey": KEY}),
        ({}, {"writeKey": KEY}),
        ({"X-Api-Token": KEY}, {"writeKey": "another"}),
        (BASIC, {"writeKey": "another"}),
    ],
    ids=range(7),
)
async def test_the_write_key_is_the_user_of_basic_or_a_member_of_the_body(
    shop: TrackingSite, headers: dict[str, str], members: Members
):
    assert (await shop.post(GOOD | members, "/v1/track", **headers)).status == 200
    assert (await shop.post({"batch": [{"type": "track", **GOOD}], **members}, "/v1/batch", **headers)).status == 200
    assert [line["app_code"] for line in (await shop.lines()).values()] == ["shop", "shop"]


@pytest.mark.parametrize(
    ("headers", "members"),
    [
        ({"Authorization": "Basic " + base64.b64encode(b"unknown:").decode()}, {}),
        ({"Authorization": "Basic !!"}, {"writeKey": KEY}),
        ({"Authorization": "Basic /w=="}, {"writeKey": KEY}),
        ({}, {"writeKey": "unknown"}),
        ({}, {"writeKey": ""}),
    ],
    ids=range(5),
)
async def test_a_key_of_no_application_is_401_whatever_is_wrong_with_it(
    shop: TrackingSite, headers: dict[str, str], members: Members
):
    problem = await shop.refused(GOOD | members, 401, "/v1/track", **headers)
    assert problem["code"] == "api_token_unknown"
    assert problem["detail"] == "no application has this api_token"


async def test_without_any_key_a_call_is_the_sites_own_and_its_user_a_claim(tracking: TrackingSite):
    assert (await tracking.post(GOOD, "/v1/track")).status == 200
    (line,) = (await tracking.lines()).values()
    assert (line["app_code"], line["attrs"]) == ("site", {"claimed_id_user": "u"})
    assert "user_id" not in line


async def test_a_body_may_come_in_gzip(shop: TrackingSite):
    raw = gzip.compress(msgspec.json.encode({"batch": [{"type": "track", **GOOD}]}))
    assert len(await stored(shop, "batch", raw, **BASIC, **{"Content-Encoding": "gzip"})) == 1


async def test_no_cookie_is_set_for_a_client_that_says_whose_it_is(shop: TrackingSite):
    answer = await shop.post(GOOD, "/v1/track", **BASIC)
    assert "Set-Cookie" not in answer.headers
