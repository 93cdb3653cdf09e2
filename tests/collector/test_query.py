"""POST /query over HTTP, in front of a store in memory."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from collector.app import build_app
from collector.identity.caller import Caller
from collector.statistics.table import routes
from collector.wire.query import QueryAnswer
from storage.event import Event
from storage.ports import EventStore
from storage.store_client import StoreClient
from tests.fakes.apps import MemoryApps
from tests.fakes.store import MemoryStore

Client = TestClient[web.Request, web.Application]
Opener = Callable[[web.Application], Awaitable[Client]]
Members = dict[str, object]

NOW = datetime(2026, 11, 18, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)
JSON = {"Content-Type": "application/json"}
CALLERS = {"ann": Caller("7", "user", "s1"), "carl": Caller("9", "analyst", "s2"), "dora": Caller("10", "admin", "s3")}
VISITORS: Members = {"metrics": ["visitors"], "range": "7d"}

_numbers = itertools.count()


def pageview(page: str, before_now: timedelta, **members: object) -> Event:
    return Event(f"e{next(_numbers)}", "site", "pageview", NOW, NOW - before_now, page_url=page, **members)


EVENTS = [
    pageview("/a", DAY, user_id="7", referrer="https://news.example/"),
    pageview("/b", DAY - timedelta(minutes=1), user_id="7"),
    pageview("/a", DAY / 24, anonymous_id="v"),
    pageview("/c", 8 * DAY, anonymous_id="v"),
]


class Site(NamedTuple):
    client: Client
    store: MemoryStore
    clock: list[datetime]

    async def ask(self, who: str = "carl", **members: object) -> Members:
        answer = await self.client.post("/query", json={**VISITORS, **members}, headers={"Authorization": who})
        assert answer.status == 200, await answer.text()
        raw = await answer.read()
        msgspec.json.decode(raw, type=QueryAnswer)
        return msgspec.json.decode(raw)

    async def refused(self, body: bytes | str, **headers: str) -> tuple[int, str, list[tuple[str, str]]]:
        """Return the status, the code, and path and code of each wrong member."""
        answer = await self.client.post("/query", data=body, headers={"Authorization": "carl", **JSON, **headers})
        problem = await answer.json()
        errors = [(error["path"], error["code"]) for error in problem.get("errors", [])]
        return answer.status, problem["code"], errors


def app_of(store: EventStore, clock: Callable[[], datetime]) -> web.Application:
    async def authenticate(request: web.Request) -> Caller | None:
        return CALLERS.get(request.headers.get("Authorization", ""))

    ticks = itertools.count()
    return build_app(
        routes(store, MemoryApps(), clock, lambda: next(ticks) / 1000), authenticate, body_bytes_max=100_000
    )


@pytest.fixture
async def site(aiohttp_client: Opener) -> Site:
    store, clock = MemoryStore(), [NOW]
    store.put(*EVENTS)
    return Site(await aiohttp_client(app_of(store, lambda: clock[-1])), store, clock)


async def test_the_metrics_of_an_age_stand_in_one_row_in_the_order_of_the_question(site: Site) -> None:
    metrics = ["events", "visitors", "visits", "bounce_rate", "visit_duration", "pageviews", "views_per_visit"]
    assert await site.ask(metrics=metrics, range="7d") == {
        "rows": [{"dimensions": [], "metrics": [3, 2, 2, 0.5, 30.0, 3, 1.5]}],
        "next": None,
        "meta": {
            "position": 1,
            "rows_scanned": 3,
            "elapsed_ms": 1.0,
            "from": "2026-11-11T12:30:00Z",
            "to": "2026-11-18T12:30:00Z",
        },
    }


async def test_a_compared_row_has_the_metrics_of_the_period_before(site: Site) -> None:
    answer = await site.ask(metrics=["visitors", "visit_duration"], compare="previous")
    assert answer["rows"] == [{"dimensions": [], "metrics": [2, 30.0], "previous": [1, 0.0]}]


@pytest.mark.parametrize(
    ("dimension", "keys"),
    [
        ("page", ["/a", "/b"]),
        ("source", ["news.example", None]),
        ("time:minute", ["2026-11-17T12:30:00Z", "2026-11-17T12:31:00Z", "2026-11-18T11:30:00Z"]),
        ("time:hour", ["2026-11-17T12:00:00Z", "2026-11-18T11:00:00Z"]),
        ("time:day", ["2026-11-17", "2026-11-18"]),
        ("time:week", ["2026-11-16"]),
        ("time:month", ["2026-11"]),
    ],
)
async def test_each_dimension_has_rows_in_its_own_order(site: Site, dimension: str, keys: list[str | None]) -> None:
    answer = await site.ask(dimensions=[dimension])
    assert [row["dimensions"] for row in answer["rows"]] == [[key] for key in keys]


@pytest.mark.parametrize(
    ("order", "pages"),
    [(["page", "desc"], ["/b", "/a"]), (["visitors", "asc"], ["/b", "/a"]), (["events", "desc"], ["/a", "/b"])],
)
async def test_a_question_says_its_own_order(site: Site, order: list[str], pages: list[str]) -> None:
    answer = await site.ask(dimensions=["page"], order=[order])
    assert [row["dimensions"][0] for row in answer["rows"]] == pages


@pytest.mark.parametrize(
    ("range_", "events"),
    [
        (["2026-11-17", "2026-11-18"], 2),
        (["2026-11-17 12:30:00", "2026-11-17 12:31:00"], 1),
        (["2026-11-17T14:30:00+02:00", "2026-11-18T11:30:00Z"], 2),
        (["1970-01-01", "1970-01-02"], 0),
        ("59m", 0),
        ("60m", 1),
        ("24h", 3),
        ("4000d", 4),
    ],
)
async def test_a_range_is_an_age_or_two_times_the_second_not_included(site: Site, range_: object, events: int) -> None:
    site.store.put(pageview("/now", timedelta(0)))
    assert (await site.ask(metrics=["events"], range=range_))["rows"][0]["metrics"] == [events]


async def test_an_age_of_another_form_is_told_by_examples(site: Site) -> None:
    body = VISITORS | {"range": "7w"}
    problem = await (await site.client.post("/query", json=body, headers={"Authorization": "carl"})).json()
    assert problem["errors"][0]["message"] == "should be a number of minutes, hours or days such as 30m, 24h or 7d"


@pytest.mark.parametrize("range_", ["9d", ["2026-11-01", "2026-12-01"]], ids=str)
async def test_pages_of_an_answer_keep_its_range_while_time_goes_on(site: Site, range_: object) -> None:
    first = await site.ask(metrics=["events"], dimensions=["page"], range=range_, limit=1)
    site.clock.append(NOW + 2 * DAY)
    site.store.put(pageview("/late", -DAY))
    second = await site.ask(metrics=["events"], dimensions=["page"], range=range_, limit=1, cursor=first["next"])
    assert [*first["rows"], *second["rows"]] == [
        {"dimensions": ["/a"], "metrics": [2]},
        {"dimensions": ["/b"], "metrics": [1]},
    ]
    assert [second["meta"][name] for name in ("from", "to")] == [first["meta"][name] for name in ("from", "to")]


async def test_users_see_their_own_rows_and_analysts_all(site: Site) -> None:
    for who, events in (("ann", 2), ("carl", 3), ("dora", 3)):
        assert (await site.ask(who, metrics=["events"]))["rows"][0]["metrics"] == [events]
    assert (await site.ask("ann", metrics=["events"]))["meta"]["rows_scanned"] == 2
    assert (await site.client.post("/query", json=VISITORS)).status == 401


AGE = '"range": "7d"'
WRONG = [
    ("{}", ("$.metrics", "missing")),
    ('{"metrics": ["visitors"]}', ("$.range", "missing")),
    (f'{{"metrics": [], {AGE}}}', ("$.metrics", "wrong_value")),
    (f'{{"metrics": "visitors", {AGE}}}', ("$.metrics", "wrong_type")),
    (f'{{"metrics": ["visitors", "colour"], {AGE}}}', ("$.metrics[1]", "wrong_value")),
    (f'{{"metrics": ["visitors", "visits", "visitors"], {AGE}}}', ("$.metrics[2]", "repeated")),
    (f'{{"metrics": ["visitors"], {AGE}, "dimensions": ["colour"]}}', ("$.dimensions[0]", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "dimensions": ["page", "source"]}}', ("$.dimensions", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "dimensions": ["attr:size"]}}', ("$.dimensions[0]", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "filters": []}}', ("$.filters", "extra_forbidden")),
    (f'{{"metrics": ["visitors"], {AGE}, "zone": "UTC"}}', ("$.zone", "extra_forbidden")),
    (f'{{"metrics": ["visitors"], {AGE}, "limit": 0}}', ("$.limit", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "limit": 1001}}', ("$.limit", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "compare": "next"}}', ("$.compare", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "order": [["page", "asc"]]}}', ("$.order[0][0]", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "order": [["visitors", "up"]]}}', ("$.order[0][1]", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "order": [["visitors"]]}}', ("$.order[0]", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "cursor": "AAAA"}}', ("$.cursor", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "cursor": "1.AAAA"}}', ("$.cursor", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "cursor": "{"9" * 8000}.A"}}', ("$.cursor", "wrong_value")),
    (f'{{"metrics": ["visitors"], {AGE}, "cursor": "{"9" * 18}.A"}}', ("$.cursor", "wrong_value")),
    *(
        (f'{{"metrics": ["visitors"], "range": {range_}}}', (path, "wrong_value"))
        for range_, path in [
            ('"0d"', "$.range"),
            ('"d"', "$.range"),
            ('"7w"', "$.range"),
            ('"7d\\n"', "$.range"),
            ('"4001d"', "$.range"),
            ('["2026-01-02", "2026-01-01"]', "$.range[1]"),
            ('["2026-01-01", "2026-01-01"]', "$.range[1]"),
            ('["2026-01-01", "2036-12-31"]', "$.range"),
            ('["2026-01-01"]', "$.range"),
            ('["yesterday at noon", "2026-01-01"]', "$.range[0]"),
            ('["2026-01-01", "2026-13-01"]', "$.range[1]"),
            ('["1969-12-31", "2026-01-01"]', "$.range[0]"),
            ('["0001-01-01T00:00:00+01:00", "2026-01-01"]', "$.range[0]"),
        ]
    ),
]


@pytest.mark.parametrize(("body", "error"), WRONG)
async def test_a_wrong_member_is_named(site: Site, body: str, error: tuple[str, str]) -> None:
    assert await site.refused(body) == (422, "body_invalid", [error])


async def test_a_cursor_of_another_question_is_refused(site: Site) -> None:
    first = await site.ask(metrics=["events"], dimensions=["page"], limit=1)
    end, _, rest = str(first["next"]).partition(".")
    for members in ({"range": "9d"}, {"cursor": f"{int(end) + 1}.{rest}"}, {"dimensions": ["source"]}):
        body = {"metrics": ["events"], "dimensions": ["page"], "range": "7d", "cursor": first["next"]} | members
        refused = await site.refused(msgspec.json.encode(body))
        assert refused == (422, "body_invalid", [("$.cursor", "wrong_value")])


async def test_a_body_that_is_not_json_is_refused(site: Site) -> None:
    assert await site.refused("metrics=visitors") == (400, "body_malformed", [])
    text = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await site.refused("metrics=visitors", **text) == (415, "content_type_unsupported", [])


async def test_a_store_that_is_down_is_a_503_to_try_again(aiohttp_client: Opener) -> None:
    client = await aiohttp_client(app_of(StoreClient(query_timeout_s=1.0), lambda: NOW))
    answer = await client.post("/query", json=VISITORS, headers={"Authorization": "carl"})
    assert (answer.status, (await answer.json())["code"]) == (503, "store_down")
    assert int(answer.headers["Retry-After"]) >= 1
