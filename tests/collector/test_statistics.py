"""The statistics over HTTP, in front of a store in memory."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from collector.app import build_app
from collector.identity.caller import Caller
from collector.statistics.table import routes
from collector.wire.audit import AuthEventsParameters
from collector.wire.problem import QueryInvalid
from collector.wire.statistics import parse
from storage.account_ports import AppStore
from storage.app import App
from storage.errors import StoreDown
from storage.event import Event
from storage.health import StoreHealth
from storage.ports import EventStore
from storage.query.events import ExportQuery
from storage.query.metrics import MetricsPage, MetricsQuery
from storage.query.visits import BreakdownPage, BreakdownQuery, Summary, SummaryQuery, VisitsPage, VisitsQuery
from tests.fakes.apps import MemoryApps
from tests.fakes.store import MemoryStore

Client = TestClient[web.Request, web.Application]
Opener = Callable[[web.Application], Awaitable[Client]]

NOW = datetime(2026, 1, 6, tzinfo=UTC)
DEADLINE_S = 20.0

CALLERS = {
    "ann": Caller("7", "user", "s1"),
    "bob": Caller("8", "user", "s2"),
    "carl": Caller("9", "analyst", "s3"),
    "dora": Caller("10", "admin", "s4"),
}


async def authenticate(request: web.Request) -> Caller | None:
    return CALLERS.get(request.headers.get("Authorization", ""))


def app_of(store: EventStore, apps: AppStore | None = None) -> web.Application:
    rows = routes(store, apps or MemoryApps(), lambda: NOW, time.perf_counter)
    return build_app(rows, authenticate, body_bytes_max=1000)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def pageview(number: int, page_url: str, occurred_at: str, **who: str) -> Event:
    return Event(f"e{number}", "site", "pageview", at("2026-11-18"), at(occurred_at), page_url=page_url, **who)


EVENTS = [
    pageview(1, "/a", "2026-01-01 10:00:00", user_id="7"),
    pageview(2, "/a", "2026-01-01 10:59:59", user_id="8"),
    pageview(3, "/b", "2026-01-02 00:00:00", user_id="7"),
    pageview(4, "/a", "2026-01-05 09:00:00", anonymous_id="v"),
    Event("e5", "site", "click", at("2026-11-18"), at("2026-01-05"), user_id="7", attrs={"n": 1}),
]


@pytest.fixture
async def client(aiohttp_client: Opener) -> Client:
    store = MemoryStore()
    store.put(*EVENTS)
    return await aiohttp_client(app_of(store))


async def ask(client: Client, path: str, who: str = "carl", **parameters: str) -> dict[str, object]:
    answer = await client.get(path, params=parameters, headers={"Authorization": who})
    assert answer.status == 200, await answer.text()
    assert answer.headers["Cache-Control"] == "no-store"
    return await answer.json()


async def test_visits_are_single_pageviews_newest_first(client: Client) -> None:
    answer = await ask(client, "/stats/visits", limit="2")
    assert answer["rows"] == [
        {"user_id": None, "anonymous_id": "v", "page_url": "/a", "timestamp": "2026-01-05T09:00:00Z"},
        {"user_id": "7", "anonymous_id": None, "page_url": "/b", "timestamp": "2026-01-02T00:00:00Z"},
    ]
    following = await ask(client, "/stats/visits", limit="2", cursor=str(answer["next"]))
    assert [row["timestamp"] for row in following["rows"]] == ["2026-01-01T10:59:59Z", "2026-01-01T10:00:00Z"]
    assert following["next"] is None


async def test_a_breakdown_has_a_member_for_each_dimension(client: Client) -> None:
    answer = await ask(client, "/stats/visits", by="page,day")
    assert answer == {
        "rows": [
            {"page": "/a", "day": "2026-01-01", "visits": 2, "visitors": 2},
            {"page": "/b", "day": "2026-01-02", "visits": 1, "visitors": 1},
            {"page": "/a", "day": "2026-01-05", "visits": 1, "visitors": 1},
        ],
        "next": None,
    }


@pytest.mark.parametrize(
    ("by", "first"),
    [
        ("hour", "2026-01-01T10:00:00Z"),
        ("day", "2026-01-01"),
        ("week", "2025-12-29"),
        ("month", "2026-01"),
        ("user", "7"),
        ("page", "/a"),
    ],
)
async def test_each_dimension_shows_its_keys(client: Client, by: str, first: str) -> None:
    answer = await ask(client, "/stats/visits", by=by)
    assert answer["rows"][0][by] == first


async def test_a_breakdown_goes_on_at_its_cursor(client: Client) -> None:
    first = await ask(client, "/stats/visits", by="page", limit="1")
    second = await ask(client, "/stats/visits", by="page", limit="1", cursor=str(first["next"]))
    assert [row["page"] for row in (*first["rows"], *second["rows"])] == ["/a", "/b"]


async def test_a_summary_has_totals_and_popular_pages(client: Client) -> None:
    assert await ask(client, "/stats/summary", limit="1") == {
        "total_visits": 4,
        "unique_users": 3,
        "popular_pages": [{"page_url": "/a", "visits": 3, "unique_users": 3}],
    }


@pytest.mark.parametrize(
    ("name", "text", "read"), [("outcome", "null", None), ("before", "NULL", None), ("user_id", "null", "null")]
)
def test_the_text_null_is_a_name_or_wrong_and_never_left_out(name: str, text: str, read: str | None) -> None:
    if read is None:
        with pytest.raises(QueryInvalid, match=rf"\?{name}"):
            parse([(name, text)], AuthEventsParameters)
    else:
        assert getattr(parse([(name, text)], AuthEventsParameters), name) == read


@pytest.mark.parametrize(
    ("parameters", "visits"),
    [
        ({"user_id": "7"}, 2),
        ({"page_url": "/a"}, 3),
        ({"from": "2026-01-02"}, 2),
        ({"to": "2026-01-02"}, 2),
        ({"from": "2026-01-01 10:00:00", "to": "2026-01-01 10:59:59"}, 1),
        ({"from": "2026-01-01T11:59:59+01:00"}, 3),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-02T00:00:00Z"}, 0),
        ({"user_id": "7", "page_url": "/b", "from": "2026-01-01", "to": "2026-02-01"}, 1),
    ],
)
async def test_filters_hold_together(client: Client, parameters: dict[str, str], visits: int) -> None:
    summary = await ask(client, "/stats/summary", **parameters)
    single = await ask(client, "/stats/visits", **parameters)
    assert (summary["total_visits"], len(single["rows"])) == (visits, visits)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "?limit"),
        ("limit=null", "?limit"),
        ("limit=1001", "?limit"),
        ("limit=ten", "?limit"),
        ("limit=5&limit=6", "?limit"),
        ("from=yesterday", "?from"),
        ("from=2026-13-01", "?from"),
        ("from=", "?from"),
        ("to=0001-01-01T00:00:00%2B01:00", "?to"),
        ("from=2026-01-02&to=2026-01-01", "?to"),
        ("by=colour", "?by"),
        ("by=", "?by"),
        ("by=page,page", "?by"),
        ("by=page&by=day", "?by"),
        ("user_id=", "?user_id"),
        (f"user_id={'7' * 65}", "?user_id"),
        (f"page_url=/{'a' * 4096}", "?page_url"),
        ("cursor=", "?cursor"),
        ("cursor=AAAA", "?cursor"),
        ("by=page&cursor=AAAA", "?cursor"),
        ("colour=red", "?colour"),
        ("from_time=2026-01-01", "?from_time"),
        ("source_label=click", "?source_label"),
    ],
)
async def test_a_wrong_parameter_is_named(client: Client, query: str, path: str) -> None:
    answer = await client.get(f"/stats/visits?{query}", headers={"Authorization": "carl"})
    assert answer.status == 422
    problem = await answer.json()
    assert problem["code"] == "query_invalid"
    assert [error["path"] for error in problem["errors"]] == [path]


@pytest.mark.parametrize("query", ["by=page", "cursor=AAAA"])
async def test_a_summary_refuses_what_it_does_not_read(client: Client, query: str) -> None:
    answer = await client.get(f"/stats/summary?{query}", headers={"Authorization": "carl"})
    assert answer.status == 422


PATHS = ["/stats/visits", "/stats/visits?by=page", "/stats/summary", "/export/events.ndjson"]


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_token_nothing_is_shown(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 401


SHOP = App(app_code="shop-1", app_name="Shop", owner_id="7", created_at=NOW)
OF_SHOP = Event("e6", "shop-1", "pageview", at("2026-01-05"), page_url="/shop", user_id="8")
TO_QUERY = {"app_code": "shop-1", "metrics": ["events"], "range": ["2026-01-01", "2026-01-06"]}


@pytest.fixture
async def shop(aiohttp_client: Opener) -> Client:
    """The statistics of the site and of ann's shop."""
    store, apps = MemoryStore(), MemoryApps()
    store.put(*EVENTS, OF_SHOP)
    await apps.add(SHOP)
    return await aiohttp_client(app_of(store, apps))


@pytest.mark.parametrize("who", ["ann", "carl", "dora"])
async def test_an_application_is_read_whole_by_its_owner_analysts_and_administrators(shop: Client, who: str) -> None:
    visits = await ask(shop, "/stats/visits", who, app_code="shop-1")
    assert [row["page_url"] for row in visits["rows"]] == ["/shop"]
    assert (await ask(shop, "/stats/summary", who, app_code="shop-1", user_id="8"))["total_visits"] == 1
    exported = await shop.get("/export/events.ndjson?app_code=shop-1", headers={"Authorization": who})
    assert [msgspec.json.decode(line)["event_id"] for line in (await exported.read()).splitlines()] == ["e6"]
    answer = await shop.post("/query", json=TO_QUERY, headers={"Authorization": who})
    assert (await answer.json())["rows"][0]["metrics"] == [1]


@pytest.mark.parametrize(("who", "app_code"), [("bob", "shop-1"), ("bob", "nobodys"), ("dora", "nobodys")])
async def test_an_application_of_others_is_as_unknown_as_none(shop: Client, who: str, app_code: str) -> None:
    headers = {"Authorization": who}
    answers = [
        await shop.get(f"{path}{'&' if '?' in path else '?'}app_code={app_code}", headers=headers) for path in PATHS
    ]
    answers.append(await shop.post("/query", json=TO_QUERY | {"app_code": app_code}, headers=headers))
    assert {(answer.status, (await answer.json())["code"]) for answer in answers} == {(404, "app_unknown")}


@pytest.mark.parametrize("path", PATHS)
async def test_a_user_who_asks_for_somebody_else_is_refused(client: Client, path: str) -> None:
    joined = f"{path}{'&' if '?' in path else '?'}user_id=8"
    answer = await client.get(joined, headers={"Authorization": "ann"})
    assert (answer.status, (await answer.json())["code"]) == (403, "not_yours")
    assert (await client.get(joined, headers={"Authorization": "bob"})).status == 200


@pytest.mark.parametrize(("who", "visits"), [("ann", 2), ("bob", 1), ("carl", 4), ("dora", 4)])
async def test_users_see_their_own_rows_and_analysts_all(client: Client, who: str, visits: int) -> None:
    assert len((await ask(client, "/stats/visits", who))["rows"]) == visits
    assert (await ask(client, "/stats/summary", who))["total_visits"] == visits
    answer = await client.get("/export/events.ndjson?source_label=pageview", headers={"Authorization": who})
    assert len((await answer.read()).splitlines()) == visits


async def test_an_export_is_a_file_of_events(client: Client) -> None:
    answer = await client.get("/export/events.ndjson?user_id=7", headers={"Authorization": "dora"})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="events.ndjson"'
    lines = [msgspec.json.decode(line) for line in (await answer.read()).splitlines()]
    assert [line["event_id"] for line in lines] == ["e1", "e3", "e5"]
    assert lines[2]["attrs"] == {"n": 1}


async def test_an_export_of_nothing_is_an_empty_file(client: Client) -> None:
    answer = await client.get("/export/events.ndjson?source_label=none", headers={"Authorization": "dora"})
    assert (answer.status, await answer.read()) == (200, b"")


class EndlessStore:
    """Exports without an end or up to a failure; every other question finds nobody to ask."""

    def __init__(self, fails_after: int | None) -> None:
        self._fails_after = fails_after
        self.chunks = 0
        self.left = False

    async def visits(self, query: VisitsQuery) -> VisitsPage:
        raise StoreDown("nobody")

    async def breakdown(self, query: BreakdownQuery) -> BreakdownPage:
        raise StoreDown("nobody")

    async def summary(self, query: SummaryQuery) -> Summary:
        raise StoreDown("nobody")

    async def metrics(self, query: MetricsQuery) -> MetricsPage:
        raise StoreDown("nobody")

    async def health(self) -> StoreHealth:
        raise StoreDown("nobody")

    async def export(self, query: ExportQuery) -> AsyncGenerator[bytes, None]:
        try:
            while self.chunks != self._fails_after:
                self.chunks += 1
                yield b"{}\n" * 20_000
            raise StoreDown("nobody")
        finally:
            self.left = True


@pytest.mark.parametrize("path", PATHS)
async def test_a_store_that_is_down_is_a_503_to_try_again(aiohttp_client: Opener, path: str) -> None:
    client = await aiohttp_client(app_of(EndlessStore(fails_after=0)))
    answer = await client.get(path, headers={"Authorization": "carl"})
    assert (answer.status, (await answer.json())["code"]) == (503, "store_down")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_an_export_that_breaks_is_not_taken_for_a_whole_one(aiohttp_client: Opener) -> None:
    client = await aiohttp_client(app_of(EndlessStore(fails_after=2)))
    with pytest.raises(aiohttp.ClientError):
        await (await client.get("/export/events.ndjson", headers={"Authorization": "carl"})).read()


async def test_an_export_is_made_no_faster_than_it_is_read_and_ends_with_its_reader(aiohttp_client: Opener) -> None:
    store = EndlessStore(fails_after=None)
    client = await aiohttp_client(app_of(store))
    answer = await client.get("/export/events.ndjson", headers={"Authorization": "carl"})
    await answer.content.readexactly(3)
    made = -1
    while made != store.chunks:
        made = store.chunks
        await client.get("/export/events.ndjson")  # a 401: what the daemon could do at once it has done by then
    answer.close()
    async with asyncio.timeout(DEADLINE_S):
        while not store.left:
            await client.get("/export/events.ndjson")
    assert store.chunks < made + 1000
