"""The contract of EventStore on metrics: persons, visits, pages, sources and periods."""

import itertools
from datetime import timedelta

import msgspec
import pytest

from storage.errors import QueryRefused
from storage.event import ENGAGEMENT, Event
from storage.query.metrics import MetricsPage, MetricsQuery, MetricsRow
from tests.contracts.samples import DAY, HOUR, NOON, event, visitor_id
from tests.contracts.shelf import Shelf

MINUTE = timedelta(minutes=1)
ALL = ("visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration")
NOTHING = [0, 0, 0, 0, None, None, None]

Value = float | int | None


def seen(minute: float, visitor: str | None = "v", page: str | None = "/a", **members: object) -> Event:
    """Return an event that many minutes after noon; a pageview where nothing else is said."""
    at = NOON + minute * MINUTE
    return event(occurred_at=at, received_at=at, anonymous_id=visitor and visitor_id(visitor), page_url=page, **members)


def clicked(minute: float, visitor: str | None = "v", page: str | None = "/a", **members: object) -> Event:
    return seen(minute, visitor, page, source_label="click", **members)


def engaged(minute: float, visitor: str | None = "v", **members: object) -> Event:
    return seen(minute, visitor, source_label=ENGAGEMENT, **members)


def question(*metrics: str, **members: object) -> MetricsQuery:
    """Return a question about the day from noon on, by its first metric, descending."""
    return msgspec.convert(
        {
            "type": "metrics",
            "app_code": "site",
            "from_time": NOON,
            "to_time": NOON + DAY,
            "metrics": metrics,
            "order": metrics[0],
            "descending": True,
            "limit": 100,
            **members,
        },
        MetricsQuery,
    )


async def total(shelf: Shelf, *metrics: str, **members: object) -> list[Value]:
    (row,) = (await shelf.store.metrics(question(*metrics, **members))).rows
    assert row.key is None
    return row.metrics


async def cells(shelf: Shelf, dimension: str, *metrics: str, **members: object) -> dict[str | None, list[Value]]:
    page = await shelf.store.metrics(question(*metrics, dimension=dimension, **members))
    assert len({row.key for row in page.rows}) == len(page.rows)
    return {row.key: row.metrics for row in page.rows}


async def test_of_no_events_there_is_one_total_and_no_row_of_a_dimension(shelf: Shelf) -> None:
    assert await total(shelf, *ALL) == NOTHING
    for dimension in ("page", "source", "time:day"):
        page = await shelf.store.metrics(question(*ALL, dimension=dimension))
        assert page == MetricsPage([], None, 0, 0)


async def test_events_less_than_30_minutes_apart_are_one_visit(shelf: Shelf) -> None:
    await shelf.load([seen(0), clicked(29), seen(58.999)])
    assert await total(shelf, *ALL) == [1, 1, 2, 3, 2.0, 0.0, 58.999 * 60]


async def test_30_minutes_after_the_last_event_a_new_visit_begins(shelf: Shelf) -> None:
    await shelf.load([seen(0), seen(1), seen(31)])
    assert await total(shelf, *ALL) == [1, 2, 3, 3, 1.5, 0.5, 30.0]


async def test_a_visit_of_one_event_is_a_bounce_of_no_duration(shelf: Shelf) -> None:
    await shelf.load([seen(0), seen(0, "w"), clicked(0, "w")])
    assert await total(shelf, "visits", "bounce_rate", "visit_duration") == [2, 0.5, 0.0]


async def test_what_the_tracker_tells_of_how_long_a_page_was_looked_at_makes_no_bounce_a_visit_that_stayed(
    shelf: Shelf,
) -> None:
    await shelf.load([seen(0), engaged(2), seen(0, "w"), engaged(1, "w"), seen(3, "w")])
    assert await total(shelf, "visits", "events", "bounce_rate", "visit_duration") == [2, 5, 0.5, 150.0]
    assert await cells(shelf, "source", "bounce_rate") == {None: [0.5]}


async def test_events_of_nobody_are_counted_and_make_no_visit(shelf: Shelf) -> None:
    await shelf.load([seen(0, None), clicked(1, None), seen(2, None)])
    assert await total(shelf, *ALL) == [0, 0, 2, 3, None, None, None]
    assert await cells(shelf, "page", *ALL) == {"/a": [0, 0, 2, 3, None, None, None]}
    assert await cells(shelf, "time:day", *ALL) == {"2026-11-18": [0, 0, 2, 3, None, None, None]}
    assert await cells(shelf, "source", *ALL) == {}


async def test_a_late_sign_in_makes_two_visitors_one_person_and_their_visits_one(shelf: Shelf) -> None:
    await shelf.load([seen(0, "phone"), seen(10, "desk")])
    assert await total(shelf, "visitors", "visits", "bounce_rate") == [2, 2, 1.0]
    await shelf.load([clicked(300, "phone", user_id="ada"), clicked(300, "desk", user_id="ada")])
    assert await total(shelf, "visitors", "visits", "bounce_rate") == [1, 2, 0.0]


async def test_a_user_and_a_visitor_of_the_same_name_are_two(shelf: Shelf) -> None:
    await shelf.load([seen(0, "ada"), seen(0, None, user_id="ada")])
    assert await total(shelf, "visitors", "visits") == [2, 2]


async def test_the_range_cuts_events_and_visits(shelf: Shelf) -> None:
    await shelf.load([seen(-1), seen(0), seen(1), seen(1440), seen(0, app_code="shop")])
    assert await total(shelf, *ALL) == [1, 1, 2, 2, 2.0, 0.0, 60.0]
    page = await shelf.store.metrics(question("events"))
    assert (page.position, page.rows_scanned) == ((await shelf.store.health()).position, 2)


async def test_one_users_metrics_are_of_its_events_before_sign_in_too(shelf: Shelf) -> None:
    await shelf.load([seen(0), clicked(1, user_id="ada"), seen(0, "w"), clicked(2, "w", user_id="bob")])
    assert await total(shelf, *ALL, user_id="ada") == [1, 1, 1, 2, 1.0, 0.0, 60.0]
    assert (await shelf.store.metrics(question("events", user_id="ada"))).rows_scanned == 2


async def test_a_page_has_the_visits_that_touched_it_and_measures_those_that_began_there(shelf: Shelf) -> None:
    await shelf.load(
        [seen(0), seen(1, page="/b"), clicked(2, page="/b"), seen(3), seen(0, "w", "/b"), seen(60, page="/b")]
    )
    assert await cells(shelf, "page", *ALL) == {
        "/b": [2, 3, 3, 4, 1.0, 1.0, 0.0],
        "/a": [1, 1, 2, 2, 2.0, 0.0, 180.0],
    }


async def test_events_outside_of_pages_have_a_row_without_a_page(shelf: Shelf) -> None:
    await shelf.load([clicked(0, page=None), seen(1)])
    assert await cells(shelf, "page", *ALL) == {
        "/a": [1, 1, 1, 1, 1.0, None, None],
        None: [1, 1, 0, 1, 0.0, 0.0, 60.0],
    }


SOURCES = [
    (None, None),
    ("https://news.example/a?b=https://other.example/", "news.example"),
    ("https://WWW.News.Example", "news.example"),
    ("http://user:secret@news.example:8080/", "news.example"),
    ("https://news.example?q=1", "news.example"),
    ("https://[2001:db8::1]:443/", "[2001:db8::1]"),
    ("android-app://com.example.news/", "com.example.news"),
    ("https://www.shop.example/sale", None),
    ("HTTPS://SHOP.EXAMPLE:443", None),
    ("https://blog.shop.example/", "blog.shop.example"),
    ("/a", None),
    ("https://", None),
    ("news.example", None),
]


async def test_a_source_is_the_host_of_the_referrer(shelf: Shelf) -> None:
    await shelf.load(
        [
            seen(0, None, page="https://shop.example/", referrer=referrer, user_id=f"of {number}")
            for number, (referrer, _) in enumerate(SOURCES)
        ]
    )
    for number, (referrer, source) in enumerate(SOURCES):
        found = await cells(shelf, "source", "visits", user_id=f"of {number}")
        assert (referrer, found) == (referrer, {source: [1]})


async def test_a_source_has_its_visits_whole_and_the_first_event_of_a_visit_says_it(shelf: Shelf) -> None:
    news, search = "https://news.example/", "https://search.example/"
    await shelf.load([seen(0, referrer=news), seen(1, referrer=search), clicked(2), seen(90, referrer=search)])
    await shelf.load([seen(0, "w", referrer=news), seen(0, "x")])
    assert await cells(shelf, "source", *ALL) == {
        "news.example": [2, 2, 3, 4, 1.5, 0.5, 60.0],
        "search.example": [1, 1, 1, 1, 1.0, 1.0, 0.0],
        None: [1, 1, 1, 1, 1.0, 1.0, 0.0],
    }


LINK = "https://shop.example/?utm_source=fb&utm_medium=paid-social&utm_campaign=May+sale&utm_term=a&utm_content=b"
PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
)
TOLD = {
    "source": ("facebook", None),
    "channel": ("Paid Social", "Direct"),
    "utm_source": ("fb", None),
    "utm_medium": ("paid-social", None),
    "utm_campaign": ("May sale", None),
    "utm_term": ("a", None),
    "utm_content": ("b", None),
    "browser": ("Chrome", None),
    "os": ("Android", None),
    "device": ("mobile", None),
    "country": ("LI", None),
}


@pytest.mark.parametrize("dimension", TOLD)
async def test_a_visit_is_counted_whole_by_what_its_first_event_tells(shelf: Shelf, dimension: str) -> None:
    told, untold = TOLD[dimension]
    await shelf.load([seen(0, page=LINK, user_agent=PHONE, country="LI"), clicked(1), seen(0, "w")])
    assert await cells(shelf, dimension, *ALL) == {
        told: [1, 1, 1, 2, 1.0, 0.0, 60.0],
        untold: [1, 1, 1, 1, 1.0, 1.0, 0.0],
    }


async def test_of_events_at_one_time_the_one_that_came_first_begins_the_visit(shelf: Shelf) -> None:
    await shelf.load([seen(0, page=f"/{n}", referrer=f"https://{n}.example/") for n in range(5)])
    assert await cells(shelf, "source", "visits") == {"0.example": [1]}
    begun = await cells(shelf, "page", "bounce_rate")
    assert [page for page, (rate,) in begun.items() if rate is not None] == ["/0"]


PERIODS = {
    "time:minute": ["2026-11-18T12:00:00Z", "2026-11-18T12:01:00Z", "2026-11-18T13:59:00Z"],
    "time:hour": ["2026-11-18T12:00:00Z", "2026-11-18T13:00:00Z"],
    "time:day": ["2026-11-18"],
    "time:week": ["2026-11-16"],
    "time:month": ["2026-11"],
}


async def test_periods_with_events_have_rows_in_their_order(shelf: Shelf) -> None:
    await shelf.load([seen(119.5), seen(0.99), seen(1)])
    for dimension, keys in PERIODS.items():
        page = await shelf.store.metrics(question("events", dimension=dimension, order=None, descending=False))
        assert [row.key for row in page.rows] == keys
        page = await shelf.store.metrics(question("events", dimension=dimension, order=None))
        assert [row.key for row in page.rows] == keys[::-1]


async def test_a_period_has_its_events_and_the_visits_that_began_in_it(shelf: Shelf) -> None:
    await shelf.load([seen(50), seen(65), clicked(70), seen(100)])
    assert await cells(shelf, "time:hour", *ALL) == {
        "2026-11-18T12:00:00Z": [1, 1, 1, 1, 1.0, 0.0, 1200.0],
        "2026-11-18T13:00:00Z": [1, 1, 2, 3, 2.0, 1.0, 0.0],
    }


ORDERS = [
    ("events", True, ["/b", "/a", "/c"]),
    ("events", False, ["/a", "/c", "/b"]),
    (None, False, ["/a", "/b", "/c"]),
    (None, True, ["/c", "/b", "/a"]),
    ("bounce_rate", False, ["/a", "/b", "/c"]),
    ("bounce_rate", True, ["/b", "/a", "/c"]),
]


async def test_pages_of_an_answer_join_in_every_order(shelf: Shelf) -> None:
    await shelf.load([seen(0), seen(1, page="/c"), seen(0, "w", "/b"), clicked(99, "w", "/b")])
    for (order, descending, keys), limit in itertools.product(ORDERS, (1, 2, 9)):
        asked = {"dimension": "page", "order": order, "descending": descending, "limit": limit}
        found: list[str | None] = []
        after = None
        while len(found) < len(keys):
            page = await shelf.store.metrics(question("visitors", after=after, **asked))
            found += [row.key for row in page.rows]
            after = page.next
        assert (asked, found, after) == (asked, keys, None)


async def test_a_cursor_of_another_question_is_refused(shelf: Shelf) -> None:
    await shelf.load([seen(0), seen(0, page="/b")])
    after = (await shelf.store.metrics(question("events", dimension="page", limit=1))).next
    for changed in ({"from_time": NOON + HOUR}, {"user_id": "ada"}, {"order": None}, {"compare": True}):
        with pytest.raises(QueryRefused) as refused:
            await shelf.store.metrics(question("events", **({"dimension": "page", "after": after} | changed)))
        assert refused.value.field == "cursor"
    with pytest.raises(QueryRefused):
        await shelf.store.metrics(question("visits", dimension="page", after=after))


async def test_the_period_before_is_as_long_and_ends_where_this_one_begins(shelf: Shelf) -> None:
    await shelf.load([seen(-1441), seen(-1440), clicked(-1430), seen(-1), seen(0), seen(1440)])
    page = await shelf.store.metrics(question(*ALL, compare=True))
    assert page.rows == [MetricsRow(None, [1, 1, 1, 1, 1.0, 1.0, 0.0], [1, 2, 2, 3, 1.0, 0.5, 300.0])]


@pytest.mark.parametrize(("dimension", "member"), [("page", "page"), ("source", "referrer")])
async def test_pages_and_sources_are_compared_with_themselves(shelf: Shelf, dimension: str, member: str) -> None:
    def at(minute: float, visitor: str, text: str | None) -> Event:
        return clicked(minute, visitor, **{member: text})

    old, new, gone = "https://old.example", "https://new.example", "https://gone.example"
    await shelf.load([at(-5, "v", old), at(-4, "v", old), at(-5, "w", None), at(-5, "x", gone)])
    await shelf.load([at(0, "v", old), at(0, "w", None), at(1, "y", new)])
    page = await shelf.store.metrics(question("events", "views_per_visit", dimension=dimension, compare=True))
    found = {row.key and row.key.removeprefix("https://"): row.previous for row in page.rows}
    assert found == {"old.example": [2, 0.0], None: [1, 0.0], "new.example": [0, None]}


async def test_periods_are_compared_with_those_as_much_earlier(shelf: Shelf) -> None:
    await shelf.load([seen(-1430), seen(-1380), seen(-1300), seen(5), seen(6), seen(70)])
    page = await shelf.store.metrics(question("events", dimension="time:hour", compare=True, order=None))
    assert page.rows == [
        MetricsRow("2026-11-18T13:00:00Z", [1], [1]),
        MetricsRow("2026-11-18T12:00:00Z", [2], [1]),
    ]


HOSTILE = ["'; DROP TABLE events; --", "\x1b[31m{period}", '"$keys', "{0}", "/ü\U0001f600", "\u202e%Y"]


async def test_hostile_text_is_a_page_like_any_other(shelf: Shelf) -> None:
    await shelf.load([seen(n, page=text, referrer=text, user_id=text) for n, text in enumerate(HOSTILE)])
    found: list[str | None] = []
    after = None
    while len(found) < len(HOSTILE):
        page = await shelf.store.metrics(question("events", dimension="page", compare=True, limit=1, after=after))
        found += [row.key for row in page.rows]
        after = page.next
    assert sorted(map(str, found)) == sorted(HOSTILE)
    assert await total(shelf, "events", user_id="' OR 1=1 --") == [0]
