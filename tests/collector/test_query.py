"""POST /query over HTTP, in front of a store in memory: ranges, orders, pages, whose events, bad questions."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from collector.app import build_app
from collector.statistics.query import RANGE_DAYS_MAX
from collector.statistics.table import routes
from collector.wire.query import QueryAnswer
from tests.collector.test_statistics import EVENTS, authenticate
from tests.fakes.store import MemoryStore

TO = datetime(2026, 1, 6, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = TO

    def __call__(self):
        return self.now


class QuerySite:
    def __init__(self, client, clock):
        self.client = client
        self.clock = clock

    async def post(self, body, who="carl", content_type="application/json"):
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.client.post("/query", data=raw, headers={"Authorization": who, "Content-Type": content_type})

    async def ask(self, who="carl", **body):
        answer = await self.post({"metrics": ["events"], "range": "7d"} | body, who)
        assert answer.status == 200, await answer.text()
        return await answer.json()


@pytest.fixture
async def site():
    store, clock = MemoryStore(), Clock()
    store.put(*EVENTS)
    app = build_app(routes(store, clock), authenticate, body_bytes_max=10_000)
    async with TestClient(TestServer(app)) as client:
        yield QuerySite(client, clock)


async def test_a_total_says_of_which_time_it_is(site: QuerySite):
    answer = await site.ask(metrics=["visitors", "events", "pageviews", "visits", "bounce_rate"])
    assert answer["rows"] == [{"dimensions": [], "metrics": [3, 5, 4, 5, 1.0]}]
    assert answer["next"] is None
    elapsed_ms = answer["meta"].pop("elapsed_ms")
    assert answer["meta"] == {
        "position": 1,
        "rows_scanned": 5,
        "from": "2025-12-30T00:00:00Z",
        "to": "2026-01-06T00:00:00Z",
    }
    assert elapsed_ms > 0
    msgspec.convert(answer | {"meta": answer["meta"] | {"elapsed_ms": elapsed_ms}}, QueryAnswer)


@pytest.mark.parametrize(
    ("within", "events"),
    [
        ("1d", 2),
        ("24h", 2),
        ("1440m", 2),
        ("2d", 2),
        (["2026-01-01", "2026-01-02"], 2),
        (["2026-01-01 10:00:00", "2026-01-01T10:59:59Z"], 1),
        (["2026-01-01T12:00:00+02:00", "2026-01-01T13:00:00+02:00"], 2),
    ],
)
async def test_a_range_is_an_age_or_two_times(site: QuerySite, within, events):
    assert (await site.ask(range=within))["rows"][0]["metrics"] == [events]


async def test_periods_ascend_and_pages_have_most_of_the_first_metric_first(site: QuerySite):
    days = await site.ask(dimensions=["time:day"])
    assert [row["dimensions"] for row in days["rows"]] == [["2026-01-01"], ["2026-01-02"], ["2026-01-05"]]
    pages = await site.ask(dimensions=["page"], metrics=["pageviews", "events"])
    assert [(row["dimensions"], row["metrics"]) for row in pages["rows"]] == [
        (["/a"], [3, 3]),
        (["/b"], [1, 1]),
        ([None], [0, 1]),
    ]
    turned = await site.ask(dimensions=["page"], order=[["page", "desc"]])
    assert [row["dimensions"][0] for row in turned["rows"]] == [None, "/b", "/a"]
    least = await site.ask(dimensions=["page"], order=[["events", "asc"]])
    assert [row["metrics"][0] for row in least["rows"]] == [1, 1, 3]


async def test_the_pages_of_an_age_are_of_one_time(site: QuerySite):
    first = await site.ask(dimensions=["page"], limit=1)
    site.clock.now += timedelta(days=100)
    second = await site.ask(dimensions=["page"], limit=1, cursor=first["next"])
    assert [first["rows"][0]["dimensions"], second["rows"][0]["dimensions"]] == [["/a"], ["/b"]]
    assert first["meta"]["from"] == second["meta"]["from"]


async def test_the_time_before_is_compared(site: QuerySite):
    answer = await site.ask(range=["2026-01-02", "2026-01-03"], compare="previous")
    assert answer["rows"] == [{"dimensions": [], "metrics": [1], "previous": [2]}]


async def test_users_see_their_own_and_others_everyones(site: QuerySite):
    assert (await site.ask("ann"))["rows"][0]["metrics"] == [3]
    assert (await site.ask("bob"))["rows"][0]["metrics"] == [1]
    assert (await site.ask("dora"))["rows"][0]["metrics"] == [5]
    assert (await site.post({"metrics": ["events"], "range": "7d"}, "nobody")).status == 401


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"metrics": []}, "$.metrics"),
        ({"metrics": ["revenue"]}, "$.metrics[0]"),
        ({"metrics": ["events"] * 8}, "$.metrics"),
        ({"metrics": ["events", "events"]}, "$.metrics"),
        ({"dimensions": ["country"]}, "$.dimensions[0]"),
        ({"dimensions": ["page", "source"]}, "$.dimensions"),
        ({"range": "0d"}, "$.range"),
        ({"range": "7w"}, "$.range"),
        ({"range": "99999d"}, "$.range"),
        ({"range": "4001d"}, "$.range"),
        ({"range": ["2026-01-01"]}, "$.range"),
        ({"range": ["2026-01-02", "2026-01-01"]}, "$.range"),
        ({"range": ["2026-01-01", "2026-01-01"]}, "$.range"),
        ({"range": ["x", "2026-01-01"]}, "$.range[0]"),
        ({"range": ["2026-01-01", "0001-01-01T00:00:00+14:00"]}, "$.range[1]"),
        ({"range": ["0001-01-01", "0002-01-01"]}, "$.range"),
        ({"range": ["1900-01-01", "2026-01-01"]}, "$.range"),
        ({"range": 7}, "$.range"),
        ({"order": [["pageviews", "asc"]]}, "$.order[0][0]"),
        ({"order": [["page", "asc"]]}, "$.order[0][0]"),
        ({"order": [["events", "up"]]}, "$.order[0][1]"),
        ({"limit": 0}, "$.limit"),
        ({"limit": 1001}, "$.limit"),
        ({"cursor": "x"}, "$.cursor"),
        ({"cursor": "2026-01-01_2026-01-02~x"}, "$.cursor"),
        ({"app_code": "shop"}, "$.app_code"),
        ({"compare": "year"}, "$.compare"),
        ({"filters": []}, "$.filters"),
        ({"zone": "Europe/Berlin"}, "$.zone"),
    ],
)
async def test_a_bad_question_is_refused_with_its_place(site: QuerySite, change, path):
    answer = await site.post({"metrics": ["events"], "range": "7d"} | change)
    problem = await answer.json()
    assert (answer.status, problem["errors"][0]["path"]) == (422, path)


@pytest.mark.parametrize(("raw", "status"), [(b"{", 400), (b"\xff", 400), (b"[]", 422), (b'{"range":"7d"}', 422)])
async def test_a_body_that_is_no_question_is_refused(site: QuerySite, raw, status):
    assert (await site.post(raw)).status == status
    assert (await site.post(raw, content_type="text/plain")).status == 415


async def test_the_longest_range_is_answered(site: QuerySite):
    assert (await site.ask(range=f"{RANGE_DAYS_MAX}d", compare="previous"))["rows"][0]["previous"] == [0]
