"""The contract of EventSink, for stores in this process; repeats are for every adapter."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from storage.errors import StorageError
from storage.event import Event, RejectedItem
from storage.ports import EventStore
from storage.query.rejected import RejectedRawQuery
from storage.query.visits import SummaryQuery
from tests.contracts.samples import DAY, HOUR, NOON, SITE, all_cells, all_visits, event, exported, given_id, rejected
from tests.contracts.shelf import LOG_ID, SINKS, Shelf, SinkShelf, log_range

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)

REPEATS = {
    "the same id and time": (given_id("a", occurred_at=NOON), given_id("a", occurred_at=NOON), 1),
    "another time of the same day": (given_id("a", occurred_at=NOON), given_id("a", occurred_at=NOON - HOUR), 2),
    "the same time, received much later": (
        given_id("a", occurred_at=NOON),
        given_id("a", occurred_at=NOON, received_at=NOON + 30 * DAY),
        1,
    ),
    "the same time of a clock that was off and is right again": (
        given_id("a", occurred_at=NOON - 40 * DAY, sent_at=NOON - 40 * DAY),
        given_id("a", occurred_at=NOON - 40 * DAY, sent_at=NOON + HOUR, received_at=NOON + HOUR),
        1,
    ),
    "the same time of a clock that was right and is off": (
        given_id("a", occurred_at=NOON - MINUTE, sent_at=NOON),
        given_id("a", occurred_at=NOON - MINUTE, sent_at=NOON + 5 * DAY, received_at=NOON + HOUR),
        1,
    ),
    "the same time ahead of ours": (
        given_id("a", occurred_at=NOON + 5 * DAY, received_at=NOON),
        given_id("a", occurred_at=NOON + 5 * DAY, received_at=NOON + 6 * DAY),
        1,
    ),
    "times that are one when they are corrected": (
        given_id("a", occurred_at=NOON - HOUR, sent_at=NOON),
        given_id("a", occurred_at=NOON - 2 * HOUR, sent_at=NOON - HOUR),
        2,
    ),
    "a time that somebody else's clock makes of another": (
        given_id("a", occurred_at=NOON - 2 * HOUR, sent_at=NOON - HOUR),
        given_id("a", occurred_at=NOON - HOUR),
        2,
    ),
    "a time of long ago": (
        given_id("a", occurred_at=NOON - 3000 * DAY, received_at=NOON - DAY),
        given_id("a", occurred_at=NOON - 3000 * DAY, received_at=NOON + 30 * DAY),
        1,
    ),
    "the first day there is": (
        given_id("a", occurred_at=datetime(1, 1, 1, tzinfo=UTC)),
        given_id("a", occurred_at=datetime(1, 1, 1, tzinfo=UTC)),
        1,
    ),
    "the last day there is": (
        given_id("a", occurred_at=datetime(9999, 12, 31, tzinfo=UTC)),
        given_id("a", occurred_at=datetime(9999, 12, 31, tzinfo=UTC)),
        1,
    ),
    "the last moment that is timely": (
        given_id("a", occurred_at=NOON - 600 * SECOND),
        given_id("a", occurred_at=NOON - 600 * SECOND),
        1,
    ),
    "the first moment that is not timely": (
        given_id("a", occurred_at=NOON - 601 * SECOND),
        given_id("a", occurred_at=NOON - 601 * SECOND),
        1,
    ),
    "the furthest moment ahead that is believed": (
        given_id("a", occurred_at=NOON + 60 * SECOND, received_at=NOON),
        given_id("a", occurred_at=NOON + 60 * SECOND, received_at=NOON),
        1,
    ),
    "a time of another day": (given_id("a", occurred_at=NOON), given_id("a", occurred_at=NOON + DAY), 2),
    "no time, over midnight": (given_id("a"), given_id("a", received_at=NOON + 23 * HOUR), 1),
    "no time, a day later": (given_id("a"), given_id("a", received_at=NOON + DAY), 2),
    "no time behind a time": (given_id("a", occurred_at=NOON - 9 * DAY), given_id("a"), 1),
    "the id that the door gave": (event(event_id="a"), given_id("a"), 1),
    "an id that the door gave again": (given_id("a"), event(event_id="a"), 2),
    "another application": (given_id("a"), given_id("a", app_code="shop"), 2),
    "another spelling of a UUID": (
        given_id("0190abcd-0000-7000-8000-000000000001"),
        given_id("0190ABCD-0000-7000-8000-000000000001"),
        2,
    ),
    "a UUID": (
        given_id("0190abcd-0000-7000-8000-000000000002"),
        given_id("0190abcd-0000-7000-8000-000000000002"),
        1,
    ),
}


@pytest.mark.parametrize("batches", [1, 2])
async def test_a_repeat_of_a_given_id_is_stored_once(shelf: Shelf, batches: int) -> None:
    before = (0, 0)
    for case, (*pair, n_rows) in REPEATS.items():
        first, second = (replace(one, event_id=case) if one.event_id == "a" else one for one in pair)
        for batch in ([[first, second]], [[first], [second]])[batches - 1]:
            await shelf.load([*batch])
        health = await shelf.store.health()
        expected = (before[0] + n_rows, before[1] + 2 - n_rows)
        assert (case, health.n_rows, health.n_duplicates) == (case, *expected)
        before = expected


async def test_what_else_is_in_a_batch_makes_no_repeat(shelf: Shelf) -> None:
    await shelf.load([given_id("a", occurred_at=NOON), given_id("b")])
    await shelf.load([given_id("a", occurred_at=NOON + DAY), given_id("c", occurred_at=NOON)])
    await shelf.load([given_id("b", received_at=NOON + 25 * HOUR), given_id("d", received_at=NOON + HOUR)])
    assert (await shelf.store.health()).n_rows == 6


async def test_visits_of_equal_times_stand_in_load_order_over_several_logs(sink_shelf: SinkShelf) -> None:
    sink_shelf.apply([event(page_url="/0"), event(page_url="/1")])
    sink_shelf.apply([event(page_url="/2"), event(page_url="/3")], log_id="0000000002-other")
    pages = [row.page_url for row in await all_visits(sink_shelf.store, 1)]
    assert pages == ["/3", "/2", "/1", "/0"]


async def test_positions_say_where_each_log_goes_on(sink_shelf: SinkShelf) -> None:
    assert sink_shelf.sink.positions() == {}
    sink_shelf.apply([event(), event()])
    sink_shelf.apply([event()])
    sink_shelf.apply([event()], log_id="0000000002-other")
    positions = sink_shelf.sink.positions()
    assert {log_id: at.next_offset for log_id, at in positions.items()} == {LOG_ID: 3, "0000000002-other": 1}
    assert (positions[LOG_ID].segment, positions[LOG_ID].byte_end) == (1, 2)


async def test_a_range_without_lines_moves_the_place_in_the_log_and_counts_once(sink_shelf: SinkShelf) -> None:
    sink_shelf.apply([event()])
    empty = log_range(1, 0, byte_end=9, duplicates=2)
    sink_shelf.apply_lines(empty, b"")
    with pytest.raises(StorageError):
        sink_shelf.apply_lines(empty, b"")
    sink_shelf.apply([event()])
    assert sink_shelf.sink.positions()[LOG_ID].byte_end == 10
    health = await sink_shelf.store.health()
    assert (health.position, health.n_rows, health.n_duplicates) == (3, 2, 2)


@pytest.mark.parametrize(("start", "count"), [(0, 2), (1, 1), (1, 2), (3, 1)])
async def test_a_range_that_does_not_follow_changes_nothing(sink_shelf: SinkShelf, start: int, count: int) -> None:
    sink_shelf.apply([event(), event()])
    positions = sink_shelf.sink.positions()
    with pytest.raises(StorageError):
        sink_shelf.apply([event()] * count, start=start)
    assert sink_shelf.sink.positions() == positions
    assert (await sink_shelf.store.health()).n_rows == 2


WRONG_LINES = {
    "missing": b"",
    "too few": b'{"offset":0,%s}\n',
    "too many": b'{"offset":0,%s}\n{"offset":1,%s}\n{"offset":2,%s}\n',
    "repeated": b'{"offset":0,%s}\n{"offset":0,%s}\n',
    "of another range": b'{"offset":1,%s}\n{"offset":2,%s}\n',
    "torn": b'{"offset":0,%s}\n{"offset":1,"event_',
}
UNREADABLE = {
    "garbage": b"no JSON",
    "of a wrong type": b'{"offset":1,"received_at":"yesterday","event_id":"b","app_code":"site","source_label":"x"}',
    "without an id": b'{"offset":1,"received_at":"2026-11-18T12:00:00Z","app_code":"site","source_label":"x"}',
}


@pytest.mark.parametrize("case", WRONG_LINES)
async def test_lines_that_are_not_the_ranges_change_nothing(sink_shelf: SinkShelf, case: str) -> None:
    members = b'"event_id":"a","app_code":"site","source_label":"x","received_at":"2026-11-18T12:00:00Z"'
    with pytest.raises(StorageError):
        sink_shelf.apply_lines(log_range(0, 1, byte_end=1), WRONG_LINES[case].replace(b"%s", members))
    assert sink_shelf.sink.positions() == {}
    assert (await sink_shelf.store.health()).n_rows == 0
    sink_shelf.apply([event(), event()])
    assert (await sink_shelf.store.health()).n_rows == 2


@pytest.mark.parametrize("case", UNREADABLE)
async def test_a_line_that_is_no_item_is_rejected_and_its_neighbours_are_stored(
    sink_shelf: SinkShelf, case: str
) -> None:
    members = b'"event_id":"a","app_code":"site","source_label":"x","received_at":"2026-11-18T12:00:00Z"'
    lines = b'{"offset":0,%s}\n%s\n{"offset":2,%s}\n' % (members, UNREADABLE[case], members)
    sink_shelf.apply_lines(log_range(0, 2, byte_end=1), lines)
    health = await sink_shelf.store.health()
    assert (health.n_rows, health.n_rejected, health.n_duplicates) == (2, 1, 0)
    found = await sink_shelf.store.rejected_raw(RejectedRawQuery(LOG_ID, 1))
    assert found.item is not None
    assert (found.item.code, found.raw) == ("unreadable", UNREADABLE[case])


_times = st.sampled_from([None, NOON - 2 * DAY, NOON - HOUR, NOON, NOON + MINUTE, NOON + 13 * HOUR])
_events = st.builds(
    event,
    event_id=st.sampled_from(
        ["a", "b", "0190abcd-0000-7000-8000-000000000001", "0190ABCD-0000-7000-8000-000000000001"]
    ),
    id_given=st.booleans(),
    app_code=st.sampled_from(["site", "site", "shop"]),
    source_label=st.sampled_from(["pageview", "pageview", "click"]),
    received_at=st.sampled_from([NOON, NOON + 11 * HOUR, NOON + 25 * HOUR]),
    occurred_at=_times,
    sent_at=_times,
    page_url=st.sampled_from([None, "/a", "/b"]),
    user_id=st.sampled_from([None, "7", "8"]),
    anonymous_id=st.sampled_from([None, "7", "v"]),
    attrs=st.sampled_from([None, {}, {"n": 1}]),
)
_batches = st.lists(st.lists(_events | st.builds(rejected), max_size=8), max_size=4)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(batches=_batches)
async def test_any_events_with_repeats_in_any_batches_give_the_same_answers_everywhere(
    batches: list[list[Event | RejectedItem]],
) -> None:
    answers = []
    for adapter in SINKS.values():
        with tempfile.TemporaryDirectory() as directory:
            async with adapter(Path(directory)) as shelf:
                for batch in batches:
                    shelf.apply(batch)
                answers.append(await _answers(shelf.store))
    assert all(answer == answers[0] for answer in answers)


async def _answers(store: EventStore) -> list[object]:
    health = await store.health()
    return [
        (health.position, health.n_rows, health.n_rejected, health.n_duplicates),
        await store.summary(SummaryQuery(where=SITE, pages=3)),
        await all_visits(store, 2),
        *[await all_cells(store, by, 2) for by in (("user",), ("page", "day"), ("week", "user", "page"))],
        [tuple(line.get(name) for name in ("receipt", "event_id", "attrs", "clock")) for line in await exported(store)],
    ]
