"""R1's pivot over HTTP: its rows, who may ask, which attrs are taken, and how much of it there is."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from collector.applications.readers import Readers
from collector.statistics.pivot import PivotStatistics
from collector.wire.pivot import PIVOT_USERS_MAX, PIVOT_VALUES_MAX
from tests.collector.app_site import NOW, AppSite, authenticate, open_apps
from tests.contracts.samples import NOON, event
from tests.fakes.store import MemoryStore

ATTRS = [
    {"name": "at", "type": "datetime"},
    {"name": "part", "type": "string"},
    {"name": "n", "type": "integer"},
    {"name": "lab", "type": "string"},
    {"name": "scrapped", "type": "integer"},
]


class Bench(NamedTuple):
    """An application of anna's with one event, "Part Count", and the store that it is asked of."""

    site: AppSite
    store: MemoryStore
    app_code: str
    event_code: str

    @property
    def path(self) -> str:
        return f"/analytics/{self.app_code}/{self.event_code}"

    async def defined(self, *attrs: dict[str, str], name: str = "Other") -> str:
        """Return the path of the pivot of another event."""
        body = {"events": [{"name": name, "attrs": list(attrs)}]}
        made = await self.site.ok("POST", f"/app/create_event/{self.app_code}", body)
        return f"/analytics/{self.app_code}/{made['event_code']}"

    def put(self, user_id: str | None, label: str = "part-count", **attrs: object) -> None:
        self.store.put(event(app_code=self.app_code, source_label=label, user_id=user_id, attrs=attrs))

    async def rows(self, query: str = "", path: str | None = None, **as_: Any) -> Any:
        return await self.site.ok("GET", (path or self.path) + query, **as_)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    store = MemoryStore()
    more = lambda apps: PivotStatistics(store, Readers(apps, authenticate, lambda: NOW)).routes()  # noqa: E731
    async with open_apps(tmp_path, more=more) as site:
        app_code = (await site.created())["app_code"]
        body = {"events": [{"name": "Part Count", "attrs": ATTRS}]}
        made = await site.ok("POST", f"/app/create_event/{app_code}", body)
        yield Bench(site, store, app_code, made["event_code"])


async def test_rows_are_as_r1_prints_them(bench: Bench):
    for user, part, n in (("u1", "resistor", 11), ("u1", "diode", 200), ("u2", "diode", 5), ("u1", "transistor", 14)):
        bench.put(user, part=part, n=n)
    bench.put("u1", part="diode", n=35)
    assert await bench.rows() == [
        {"user_code": "u1", "diode": 235, "transistor": 14, "resistor": 11},
        {"user_code": "u2", "diode": 5, "transistor": 0, "resistor": 0},
    ]


async def test_without_events_there_are_no_rows(bench: Bench):
    assert await bench.rows() == []


async def test_all_names_of_an_event_are_one_event(bench: Bench):
    for label in ("Part Count", "part-count", bench.event_code, "Part count", "other"):
        bench.put("u1", label, part="diode", n=1)
    assert await bench.rows() == [{"user_code": "u1", "diode": 3}]


async def test_by_and_sum_choose_among_several_attrs(bench: Bench):
    bench.put("u1", part="diode", n=7, lab="east", scrapped=2)
    assert await bench.rows("?by=lab") == [{"user_code": "u1", "east": 7}]
    assert await bench.rows("?sum=scrapped") == [{"user_code": "u1", "diode": 2}]
    assert await bench.rows("?by=lab&sum=scrapped") == [{"user_code": "u1", "east": 2}]


async def test_without_a_string_attr_there_is_one_total_and_without_an_integer_one_a_count(bench: Bench):
    total = await bench.defined({"name": "n", "type": "integer"}, name="total")
    count = await bench.defined({"name": "part", "type": "string"}, name="count")
    neither = await bench.defined(name="neither")
    for label in ("total", "count", "neither"):
        bench.put("u1", label, part="total", n=7)
        bench.put("u1", label, part="total", n=5)
    assert await bench.rows(path=total) == [{"user_code": "u1", "total": 12}]
    assert await bench.rows(path=count) == [{"user_code": "u1", "total": 2}]
    assert await bench.rows(path=neither) == [{"user_code": "u1", "total": 2}]


async def test_no_value_overwrites_the_key_of_its_row_nor_another_value(bench: Bench):
    for at, part in enumerate(["user_code", "user_code_", "user_code__", "User_code", "_user_code", "total", ""]):
        bench.put("u1", part=part, n=10**at)
    (row,) = await bench.rows()
    assert row == {
        "user_code": "u1",
        "user_code_": 1,
        "user_code__": 10,
        "user_code___": 100,
        "User_code": 1000,
        "_user_code": 10**4,
        "total": 10**5,
        "": 10**6,
    }


async def test_an_event_without_the_value_stands_under_the_empty_name_and_one_of_nobody_under_null(bench: Bench):
    bench.put("u1", n=7)
    bench.put(None, part="diode", n=5)
    rows = await bench.rows()
    assert rows == [{"user_code": "u1", "": 7, "diode": 0}, {"user_code": None, "": 0, "diode": 5}]


async def test_only_what_happened_in_the_range_counts(bench: Bench):
    bench.put("u1", part="diode", n=7)
    noon = f"{NOON:%Y-%m-%dT%H:%M:%SZ}"
    for query, found in (
        (f"?from={noon}", 1),
        (f"?to={noon}", 0),
        (f"?from={noon}&to={noon}", 0),
        ("?to=2100-01-01", 1),
    ):
        assert len(await bench.rows(query)) == found, query


WRONG = {
    "by no attr": ("by=color", "?by", "wrong_value"),
    "by an integer": ("by=n", "?by", "wrong_value"),
    "by a time": ("by=at", "?by", "wrong_value"),
    "by nothing": ("by=", "?by", "wrong_value"),
    "by two": ("by=part,lab", "?by", "wrong_value"),
    "by null": ("by=null", "?by", "wrong_value"),
    "by twice": ("by=part&by=lab", "?by", "repeated"),
    "the sum of a text": ("sum=part", "?sum", "wrong_value"),
    "the sum of nothing": ("sum=", "?sum", "wrong_value"),
    "a name of 129": (f"by={'x' * 129}", "?by", "wrong_value"),
    "a time that is none": ("from=soon", "?from", "wrong_value"),
    "a range backwards": ("from=2026-01-02&to=2026-01-01", "?to", "wrong_value"),
    "another parameter": ("limit=5", "?limit", "extra_forbidden"),
}


@pytest.mark.parametrize(("query", "path", "code"), WRONG.values(), ids=WRONG.keys())
async def test_what_cannot_be_asked_is_422_and_named(bench: Bench, query: str, path: str, code: str):
    problem = await bench.site.refused(422, "GET", f"{bench.path}?{query}")
    assert (problem["code"], [(one["path"], one["code"]) for one in problem["errors"]]) == (
        "query_invalid",
        [(path, code)],
    )


async def test_another_users_application_is_one_that_is_not_there(bench: Bench):
    theirs = await bench.site.refused(404, "GET", bench.path, as_="boris")
    for path in (f"/analytics/none/{bench.event_code}", "/analytics/site/x", "/analytics/%00/%00"):
        assert await bench.site.refused(404, "GET", path) == theirs
    assert theirs["code"] == "app_unknown"
    await bench.site.refused(404, "GET", bench.path, as_="ana")
    assert await bench.rows(as_="boss") == []


@pytest.mark.parametrize("event_code", ["none", "Part Count", "part-count", "%00"])
async def test_an_event_is_asked_for_by_its_code_alone(bench: Bench, event_code: str):
    problem = await bench.site.refused(404, "GET", f"/analytics/{bench.app_code}/{event_code}")
    assert problem["code"] == "definition_unknown"


async def test_a_read_token_opens_it_with_its_scope_alone(bench: Bench):
    tokens = f"/app/{bench.app_code}/read-tokens"
    for scope, status in (("analytics", 200), ("definitions", 403)):
        made = await bench.site.ok("POST", tokens, {"name": scope, "scopes": [scope]})
        answer = await bench.site.call("GET", bench.path, as_=None, **{"X-Api-Token": made["read_token"]})
        assert answer.status == status
    api_token = (await bench.site.ok("GET", f"/app/{bench.app_code}"))["api_token"]
    await bench.site.refused(401, "GET", bench.path, as_=None, **{"X-Api-Token": api_token})
    await bench.site.refused(401, "GET", bench.path, as_=None)


async def test_of_too_many_users_and_values_those_with_the_most_are_there_and_the_rest_is_counted(bench: Bench):
    for at in range(PIVOT_USERS_MAX + 3):
        bench.put(f"u{at}", part="diode", n=10**6 - at)
    for at in range(PIVOT_VALUES_MAX + 1):
        bench.put("u0", part=f"v{at:02}", n=1)
    answer = await bench.site.call("GET", bench.path)
    rows = await answer.json()
    assert (len(rows), len(rows[0])) == (PIVOT_USERS_MAX, PIVOT_VALUES_MAX + 1)
    assert (answer.headers["X-Users-Left-Out"], answer.headers["X-Values-Left-Out"]) == ("3", "2")
    assert (rows[0]["user_code"], rows[-1]["user_code"]) == ("u0", f"u{PIVOT_USERS_MAX - 1}")
    whole = await bench.site.call("GET", f"{bench.path}?to=2020-01-01")
    assert "X-Users-Left-Out" not in whole.headers
