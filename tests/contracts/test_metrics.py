"""The contract of EventStore on metrics: visitors, visits, bounces, durations, by page, source and period."""

import random
from datetime import timedelta
from typing import cast

import pytest

from storage.errors import QueryRefused
from storage.event import Event
from storage.query import EventFilter, Metric, MetricsDimension, MetricsPage, MetricsQuery, MetricsRow
from tests.contracts.samples import DAY, HOUR, NOON, event, visitor_id
from tests.contracts.shelf import Shelf
from tests.fakes.store import MemoryStore
from tests.hostile import CORPUS

MINUTE = timedelta(minutes=1)
ALL: tuple[Metric, ...] = (
    *("visitors", "visits", "pageviews", "events"),
    *("views_per_visit", "bounce_rate", "visit_duration"),
)
DIMENSIONS = ("page", "source", "time:minute", "time:hour", "time:day", "time:week", "time:month")


def between(hours_before: float, hours_after: float) -> EventFilter:
    return EventFilter(app_code="site", from_time=NOON - hours_before * HOUR, to_time=NOON + hours_after * HOUR)


TODAY = between(12, 12)


def asked(dimension: str | None = None, metrics: tuple[Metric, ...] = ALL, **options: object) -> MetricsQuery:
    query = {"where": TODAY, "metrics": metrics, "dimension": cast("MetricsDimension", dimension), "limit": 100}
    return MetricsQuery(**(query | options))


def at(minute: float, who: str | None, **members: object) -> Event:
    time = NOON + minute * MINUTE
    visitor = who and visitor_id(who)
    return event(**{"received_at": time, "occurred_at": time, "anonymous_id": visitor, "page_url": "/a"} | members)


async def figures(shelf: Shelf, *metrics: Metric, **options: object) -> list[float | None]:
    (row,) = (await shelf.store.metrics(asked(metrics=metrics, **options))).rows
    return row.metrics


async def test_of_no_events_there_is_a_total_and_no_other_row(shelf: Shelf) -> None:
    nothing = [0, 0, 0, 0, None, None, None]
    assert await shelf.store.metrics(asked(compare=True)) == MetricsPage(
        [MetricsRow(None, nothing, nothing)], None, 0, 0
    )
    for dimension in DIMENSIONS:
        assert await shelf.store.metrics(asked(dimension)) == MetricsPage([], None, 0, 0)


async def test_totals(shelf: Shelf) -> None:
    await shelf.load([at(0, "v"), at(10, "v", source_label="click"), at(12, "v"), at(100, "v"), at(5, "w")])
    page = await shelf.store.metrics(asked())
    assert page.rows == [MetricsRow(None, [2, 3, 4, 5, 4 / 3, 2 / 3, 240.0])]
    assert (page.scanned, page.next) == (5, None)
    assert page.position > 0


@pytest.mark.parametrize(("gap_s", "visits"), [(1799.999, 1), (1800, 2)])
async def test_a_visit_ends_where_half_an_hour_passes(shelf: Shelf, gap_s: float, visits: int) -> None:
    await shelf.load([at(0, "v"), at(gap_s / 60, "v")])
    assert await figures(shelf, "visits", "bounce_rate") == [visits, 0.0 if visits == 1 else 1.0]


async def test_events_of_nobody_are_counted_and_make_no_visit(shelf: Shelf) -> None:
    await shelf.load([at(0, None), at(1, None), at(1, "v")])
    assert await figures(shelf, "visitors", "visits", "events", "bounce_rate") == [1, 1, 3, 1.0]
    rows = (await shelf.store.metrics(asked("source", ("events", "visits")))).rows
    assert rows == [MetricsRow(None, [1, 1])]


async def test_a_late_sign_in_makes_two_devices_one_person_and_one_visit(shelf: Shelf) -> None:
    await shelf.load([at(0, "phone"), at(5, "desk"), at(7, "phone")])
    assert await figures(shelf, "visitors", "visits") == [2, 2]
    await shelf.load([at(300, "phone", user_id="ada"), at(301, "desk", user_id="ada")])
    assert await figures(shelf, "visitors", "visits", "visit_duration") == [1, 2, 240.0]


async def test_the_time_before_stands_beside_it(shelf: Shelf) -> None:
    await shelf.load([at(0, "v"), at(-1440, "v"), at(-1439, "w", page_url="/b"), at(-2880, "x")])
    (row,) = (await shelf.store.metrics(asked(metrics=("visitors", "events"), compare=True))).rows
    assert (row.metrics, row.previous) == ([1, 1], [2, 2])
    rows = (await shelf.store.metrics(asked("page", ("events",), compare=True))).rows
    assert rows == [MetricsRow("/a", [1], [1])]
    rows = (await shelf.store.metrics(asked("time:hour", ("events",), compare=True))).rows
    assert rows == [MetricsRow("2026-11-18T12:00:00Z", [1], [2])]


async def test_a_page_without_a_past_is_beside_nothing(shelf: Shelf) -> None:
    await shelf.load([at(0, "v", page_url="/new"), at(0, "v", page_url=None), at(-1440, "v", page_url=None)])
    rows = (await shelf.store.metrics(asked("page", ("events", "bounce_rate"), compare=True))).rows
    assert [(row.key, row.previous) for row in rows] == [("/new", [0, None]), (None, [1, 1.0])]


@pytest.mark.parametrize(
    ("page_url", "referrer", "source"),
    [
        ("https://shop.example/a", None, None),
        ("https://shop.example/a", "https://www.Search.example/q?x=1", "search.example"),
        ("https://shop.example/a", "https://shop.example/b", None),
        ("https://www.shop.example/a", "http://SHOP.example:8080/b", None),
        ("/a", "https://user:pass@news.example:444#x", "news.example"),
        (None, "android-app://com.example.app/x", "com.example.app"),
        ("/a", "search.example", None),
        ("/a", "https://", None),
        ("/a", "https:///x", None),
        ("/a", "https://www.example?x", "example"),
        ("/a", "nonsense \x1b[31m", None),
    ],
)
async def test_a_source_is_the_host_that_a_visit_came_from(
    shelf: Shelf, page_url: str | None, referrer: str | None, source: str | None
) -> None:
    later = at(1, "v", page_url="https://shop.example/c", referrer="https://later.example/")
    await shelf.load([later, at(0, "v", page_url=page_url, referrer=referrer)])
    rows = (await shelf.store.metrics(asked("source", ("visitors", "visits", "pageviews", "events")))).rows
    assert rows == [MetricsRow(source, [1, 1, 1 + (page_url is not None), 2])]


async def test_a_page_has_the_visits_that_began_there(shelf: Shelf) -> None:
    await shelf.load([at(0, "v"), at(1, "v", page_url="/b"), at(2, "w", page_url="/b"), at(100, "v")])
    rows = (await shelf.store.metrics(asked("page", ("visitors", "visits", "bounce_rate", "visit_duration")))).rows
    assert rows == [MetricsRow("/a", [1, 2, 0.5, 30.0]), MetricsRow("/b", [2, 1, 1.0, 0.0])]


async def test_order_limit_and_pages(shelf: Shelf) -> None:
    await shelf.load([at(n, f"v{n}", page_url=f"/{n % 7}" if n % 7 else None) for n in range(25)])
    for options in ({}, {"descending": True}, {"order_by": "events"}, {"order_by": "events", "descending": True}):
        whole = await shelf.store.metrics(asked("page", ("events",), **options))
        assert len(whole.rows) == 7
        found: list[MetricsRow] = []
        after = None
        while after is not None or not found:
            page = await shelf.store.metrics(asked("page", ("events",), limit=2, after=after, **options))
            found += page.rows
            after = page.next
            assert page.scanned == 25
        assert found == whole.rows


async def test_a_cursor_of_another_question_is_refused(shelf: Shelf) -> None:
    await shelf.load([at(n, "v", page_url=f"/{n}") for n in range(3)])
    page = await shelf.store.metrics(asked("page", limit=1))
    for options in ({"order_by": "events"}, {"where": between(13, 12)}, {"metrics": ("events",)}):
        with pytest.raises(QueryRefused):
            await shelf.store.metrics(asked("page", limit=1, after=page.next, **options))


async def test_hostile_names_come_back_as_they_are(shelf: Shelf) -> None:
    names = sorted(text for text in CORPUS if "\x00" not in text)
    await shelf.load([at(n, "v", page_url=name) for n, name in enumerate(names)])
    rows = (await shelf.store.metrics(asked("page", ("events",), compare=True))).rows
    assert {row.key: row.metrics for row in rows} == {name: [1] for name in names}


async def test_filters_and_applications_are_kept_apart(shelf: Shelf) -> None:
    await shelf.load([at(0, "v"), at(1, "v", app_code="shop"), at(2, "w", user_id="ada", page_url="/b")])
    assert await figures(shelf, "events") == [2]
    where = EventFilter(app_code="site", user_id="ada", from_time=NOON, to_time=NOON + DAY)
    assert await figures(shelf, "events", "visitors", where=where) == [1, 1]


@pytest.mark.parametrize("seed", range(3))
async def test_random_traffic_has_the_figures_that_plain_python_counts(shelf: Shelf, seed: int) -> None:
    draw = random.Random(seed)
    referrers = [None, "https://www.search.example/q", "https://shop.example/x", "https://news.example/"]
    events = [
        at(
            draw.choice([draw.uniform(-2880, 700), draw.randrange(0, 90)]),
            draw.choice([None, *"abcdef"]),
            page_url=draw.choice([None, "/a", "https://shop.example/b"]),
            referrer=draw.choice(referrers),
            source_label=draw.choice(["pageview", "click"]),
            user_id=draw.choice([None] * 9 + ["ada", "bob"]),
        )
        for _ in range(150)
    ]
    plain = MemoryStore()
    plain.put(*events)
    await shelf.load([*events])
    for dimension in (None, *DIMENSIONS):
        for metrics in (ALL, ("visitors", "events")):
            for order in ({}, {"order_by": "visitors", "descending": True}):
                query = asked(dimension, metrics, where=between(24, 12), compare=True, limit=1000, **order)
                found, expected = await shelf.store.metrics(query), await plain.metrics(query)
                assert found.scanned == expected.scanned
                assert [row.key for row in found.rows] == [row.key for row in expected.rows]
                for ours, theirs in zip(found.rows, expected.rows, strict=True):
                    assert ours.metrics == pytest.approx(theirs.metrics, nan_ok=True)
                    assert ours.previous == pytest.approx(theirs.previous, nan_ok=True)
