"""The contract of EventStore, for every adapter in conftest.ADAPTERS."""

import itertools
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from storage.errors import QueryRefused
from storage.event import Event
from storage.ports import EventStore
from storage.query.events import CHUNK_BYTES, EventFilter, ExportQuery
from storage.query.visits import (
    BreakdownQuery,
    BreakdownRow,
    Dimension,
    PageCount,
    Summary,
    SummaryQuery,
    VisitRow,
    VisitsQuery,
)
from tests.contracts.samples import DAY, HOUR, NOON, SITE, all_cells, all_visits, event, exported, given_id, rejected
from tests.contracts.shelf import Shelf


async def test_an_empty_store_answers_with_nothing(shelf: Shelf) -> None:
    store = shelf.store
    assert await all_visits(store, 10) == []
    assert await all_cells(store, ("page",)) == []
    assert await store.summary(SummaryQuery(where=SITE, pages=10)) == Summary(0, 0, [])
    assert await exported(store) == []
    health = await store.health()
    assert (health.n_rows, health.n_rejected, health.n_duplicates) == (0, 0, 0)


async def test_visits_are_the_pageviews_newest_first(shelf: Shelf) -> None:
    await shelf.load(
        [
            event(page_url="/old", occurred_at=NOON - DAY, user_id="7"),
            event(page_url="/received"),
            event(page_url="/new", occurred_at=NOON + HOUR, anonymous_id="v"),
            event(source_label="click", page_url="/new"),
            event(),
        ]
    )
    assert await all_visits(shelf.store, 10) == [
        VisitRow(None, "v", "/new", NOON + HOUR),
        VisitRow(None, None, "/received", NOON),
        VisitRow("7", None, "/old", NOON - DAY),
    ]


async def test_pages_of_visits_join_without_a_gap_also_at_equal_times(shelf: Shelf) -> None:
    await shelf.load([event(page_url=f"/{n}") for n in range(4)])
    await shelf.load([event(page_url=f"/{n}") for n in range(4, 7)])
    for limit in (1, 2, 3, 100):
        assert [row.page_url for row in await all_visits(shelf.store, limit)] == [f"/{n}" for n in reversed(range(7))]


async def test_a_page_of_visits_goes_on_where_it_ended_though_newer_ones_came(shelf: Shelf) -> None:
    await shelf.load([event(page_url=f"/{n}", occurred_at=NOON + n * HOUR) for n in range(4)])
    first = await shelf.store.visits(VisitsQuery(where=SITE, limit=2))
    await shelf.load([event(page_url="/newest", occurred_at=NOON + DAY)])
    second = await shelf.store.visits(VisitsQuery(where=SITE, limit=2, after=first.next))
    assert [row.page_url for row in second.rows] == ["/1", "/0"]
    assert second.next is None


FILTERS: list[dict[str, object]] = [
    {"user_id": "7"},
    {"page_url": "/a"},
    {"from_time": NOON + HOUR},
    {"from_time": NOON, "to_time": NOON + HOUR},
    {"to_time": NOON},
    {"user_id": "7", "page_url": "/a", "from_time": NOON, "to_time": NOON + 3 * HOUR},
    {"app_code": "shop"},
    {"source_label": "click"},
    {"user_id": "' OR 1=1 --"},
]


async def test_a_filter_keeps_what_matches_every_member(shelf: Shelf) -> None:
    events = [
        event(page_url=page, user_id=user, occurred_at=NOON + n * HOUR, app_code=app, source_label=label)
        for n in range(-1, 4)
        for page in ("/a", "/b")
        for user in ("7", None)
        for app in ("site", "shop")
        for label in ("pageview", "click")
    ]
    await shelf.load([*events])
    for where in FILTERS:
        chosen = msgspec.convert({"app_code": "site"} | where, EventFilter)
        await check_filter(shelf.store, chosen, [one for one in events if _matches(one, chosen)])


async def check_filter(store: EventStore, chosen: EventFilter, expected: list[Event]) -> None:
    assert [line["event_id"] for line in await exported(store, chosen)] == [one.event_id for one in expected]
    pageviews = [one for one in expected if one.source_label == "pageview"]
    summary = await store.summary(SummaryQuery(where=chosen, pages=9))
    assert summary.total_visits == len(pageviews) == len(await all_visits(store, 7, chosen))
    cells = await store.breakdown(BreakdownQuery(where=chosen, by=("page",), limit=100))
    assert sum(row.visits for row in cells.rows) == len(pageviews)


def _matches(one: Event, where: EventFilter) -> bool:
    return (
        one.app_code == where.app_code
        and where.source_label in (None, one.source_label)
        and where.user_id in (None, one.user_id)
        and where.page_url in (None, one.page_url)
        and (where.from_time is None or one.occurred_at >= where.from_time)
        and (where.to_time is None or one.occurred_at < where.to_time)
    )


KEYS: dict[Dimension, list[str | None]] = {
    "user": ["7", None],
    "page": ["/a", "/b"],
    "hour": ["2026-11-15T23:00:00Z", "2026-11-16T00:00:00Z", "2026-12-01T09:00:00Z"],
    "day": ["2026-11-15", "2026-11-16", "2026-12-01"],
    "week": ["2026-11-09", "2026-11-16", "2026-11-30"],
    "month": ["2026-11", "2026-12"],
}


async def test_a_breakdown_names_its_keys(shelf: Shelf) -> None:
    sunday = datetime(2026, 11, 15, 23, 59, 59, 999_999, tzinfo=UTC)
    await shelf.load(
        [
            event(page_url="/a", occurred_at=sunday, user_id="7"),
            event(page_url="/b", occurred_at=sunday + timedelta(microseconds=1)),
            event(page_url="/a", occurred_at=datetime(2026, 12, 1, 9, 30, tzinfo=UTC), user_id="7"),
        ]
    )
    for dimension, keys in KEYS.items():
        assert [row.keys for row in await all_cells(shelf.store, (dimension,))] == [[key] for key in keys]


async def test_a_breakdown_counts_visits_and_persons_by_user_and_period_together(shelf: Shelf) -> None:
    await shelf.load(
        [
            event(page_url="/a", occurred_at=NOON, user_id="7", anonymous_id="of 7"),
            event(page_url="/b", occurred_at=NOON, user_id="7", anonymous_id="of 7 too"),
            event(page_url="/a", occurred_at=NOON, anonymous_id="v"),
            event(page_url="/a", occurred_at=NOON, anonymous_id="w"),
            event(page_url="/a", occurred_at=NOON, anonymous_id="w"),
            event(page_url="/a", occurred_at=NOON - DAY, user_id="7"),
        ]
    )
    assert await all_cells(shelf.store, ("user", "day")) == [
        BreakdownRow(["7", "2026-11-17"], 1, 1),
        BreakdownRow([None, "2026-11-18"], 3, 2),
        BreakdownRow(["7", "2026-11-18"], 2, 1),
    ]


TOGETHER: list[tuple[Dimension, ...]] = [
    ("page",),
    ("user",),
    ("user", "page"),
    ("page", "day"),
    ("month", "hour", "user"),
]


async def test_pages_of_a_breakdown_join_to_the_whole(shelf: Shelf) -> None:
    await shelf.load(
        [
            event(page_url=f"/{n % 4}", user_id=[None, "é", "z"][n % 3], occurred_at=NOON + (n % 5) * 9 * HOUR)
            for n in range(40)
        ]
    )
    for by, limit in itertools.product(TOGETHER, (1, 2, 3, 100)):
        whole = await all_cells(shelf.store, by)
        assert len(whole) > 2
        assert await all_cells(shelf.store, by, limit) == whole


async def test_a_summary_counts_persons_once_and_names_the_most_visited_pages(shelf: Shelf) -> None:
    await shelf.load(
        [
            event(page_url="/b", user_id="7", anonymous_id="v"),
            event(page_url="/b", user_id="7", anonymous_id="w"),
            event(page_url="/a", anonymous_id="7"),
            event(page_url="/c"),
            event(page_url="/a", user_id="8"),
        ]
    )
    assert await shelf.store.summary(SummaryQuery(where=SITE, pages=2)) == Summary(
        5, 3, [PageCount("/a", 2, 2), PageCount("/b", 2, 1)]
    )


async def test_a_cursor_that_is_not_ours_is_refused(shelf: Shelf) -> None:
    for text in ("", "x", "é", "AAAA", "a" * 8000, "bnVsbA", "W10", "\x00"):
        for question in (
            shelf.store.visits(VisitsQuery(where=SITE, limit=1, after=text)),
            shelf.store.breakdown(BreakdownQuery(where=SITE, by=("page",), limit=1, after=text)),
        ):
            with pytest.raises(QueryRefused) as refusal:
                await question
            assert (text, refusal.value.field) == (text, "cursor")


async def test_a_cursor_with_any_character_changed_is_refused(shelf: Shelf) -> None:
    await shelf.load([event(page_url="/a"), event(page_url="/b")])
    text = (await shelf.store.visits(VisitsQuery(where=SITE, limit=1))).next
    assert text is not None
    for place, character in enumerate(text):
        changed = text[:place] + ("A" if character != "A" else "B") + text[place + 1 :]
        with pytest.raises(QueryRefused):
            await shelf.store.visits(VisitsQuery(where=SITE, limit=1, after=changed))


async def test_a_cursor_of_another_question_is_refused(shelf: Shelf) -> None:
    await shelf.load([event(page_url="/a"), event(page_url="/b")])
    cell = (await shelf.store.breakdown(BreakdownQuery(where=SITE, by=("page",), limit=1))).next
    visit = (await shelf.store.visits(VisitsQuery(where=SITE, limit=1))).next
    others = [
        shelf.store.visits(VisitsQuery(where=SITE, limit=1, after=cell)),
        shelf.store.visits(VisitsQuery(where=EventFilter(app_code="shop"), limit=1, after=visit)),
        shelf.store.breakdown(BreakdownQuery(where=SITE, by=("user", "page"), limit=1, after=cell)),
    ]
    for question in others:
        with pytest.raises(QueryRefused):
            await question


async def test_an_export_gives_every_member_back_in_load_order(shelf: Shelf) -> None:
    full = event(
        event_id="Order 7\n\x00é",
        occurred_at=datetime(1, 1, 1, tzinfo=UTC),
        sent_at=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        user_id="7",
        anonymous_id="\u202ev",
        page_url='/"quoted"\\',
        referrer="https://example.org/?q=\t",
        title="</script>\U0001f600",
        attrs={"n": 1, "f": 0.5, "s": "\x00", "deep": [{"a": [None, True]}], "big": 2**63},
        id_given=True,
    )
    await shelf.load([full, event(event_id="0190ABCD-0000-7000-8000-000000000001")])
    first, second = await exported(shelf.store)
    assert str(first.pop("receipt")).endswith(":0")
    times = ("received_at", "date_created", "sent_at")
    assert [datetime.fromisoformat(str(first.pop(name))) for name in times] == [NOON, full.occurred_at, full.sent_at]
    assert first == {
        "app_code": "site",
        "event_id": full.event_id,
        "source_label": "pageview",
        "id_user": "7",
        "anonymous_id": full.anonymous_id,
        "page_url": full.page_url,
        "referrer": full.referrer,
        "title": full.title,
        "attrs": full.attrs,
    }
    assert second["event_id"] == "0190ABCD-0000-7000-8000-000000000001"
    assert second.keys() == {"receipt", "received_at", "app_code", "event_id", "source_label"}


async def test_an_export_comes_in_chunks_of_whole_lines(shelf: Shelf) -> None:
    await shelf.load([event(title="x" * 1000) for _ in range(300)])
    await shelf.load([event(title="y" * 1000) for _ in range(300)])
    chunks = [chunk async for chunk in shelf.store.export(ExportQuery(where=SITE))]
    assert len(chunks) > 2
    assert all(chunk.endswith(b"\n") and len(chunk) <= CHUNK_BYTES for chunk in chunks)
    titles = [msgspec.json.decode(line)["title"][0] for line in b"".join(chunks).splitlines()]
    assert titles == ["x"] * 300 + ["y"] * 300


async def test_an_export_can_be_left_in_the_middle(shelf: Shelf) -> None:
    await shelf.load([event(title="x" * 1000) for _ in range(600)])
    chunks = shelf.store.export(ExportQuery(where=SITE))
    await anext(chunks)
    await chunks.aclose()
    assert (await shelf.store.health()).n_rows == 600


async def test_health_counts_rows_rejected_and_duplicates_of_door_and_load(shelf: Shelf) -> None:
    await shelf.load([given_id("a"), rejected(), given_id("a"), event()], duplicates=3)
    await shelf.load([given_id("a")], duplicates=1)
    health = await shelf.store.health()
    assert (health.n_rows, health.n_rejected, health.n_duplicates) == (2, 1, 6)
    assert health.loaded_at is not None
    assert health.loaded_at.utcoffset() == timedelta(0)
