"""When an event happened: the client's stamp, set right where the clock that made it was off."""

from datetime import UTC, datetime, timedelta

import pytest

from storage.event import Event
from storage.query.metrics import MetricsQuery
from tests.contracts.samples import DAY, HOUR, NOON, SITE, all_visits, event, exported, given_id
from tests.contracts.shelf import Shelf

MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)
FIRST_DAY = datetime(1, 1, 1, tzinfo=UTC)
LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)
YEARS = timedelta(days=20_000)

CASES: dict[str, tuple[datetime | None, datetime | None, datetime, str | None]] = {
    "no time": (None, None, NOON, None),
    "no time but one of sending": (None, NOON - DAY, NOON, None),
    "a right clock": (NOON - HOUR, NOON, NOON - HOUR, None),
    "long ago, without a time of sending": (NOON - YEARS, None, NOON - YEARS, None),
    "a minute behind": (NOON - HOUR, NOON - MINUTE, NOON - HOUR, None),
    "more than a minute behind": (NOON - HOUR, NOON - MINUTE - TICK, NOON - HOUR + MINUTE + TICK, "corrected"),
    "a minute ahead": (NOON - HOUR, NOON + MINUTE, NOON - HOUR, None),
    "more than a minute ahead": (NOON - HOUR, NOON + MINUTE + TICK, NOON - HOUR - MINUTE - TICK, "corrected"),
    "set back to its first day": (NOON - YEARS - HOUR, NOON - YEARS, NOON - HOUR, "corrected"),
    "years ahead": (NOON + YEARS - HOUR, NOON + YEARS, NOON - HOUR, "corrected"),
    "in the zone of its user": (NOON + 5 * HOUR - MINUTE, NOON + 5 * HOUR, NOON - MINUTE, "corrected"),
    "a minute into the future": (NOON + MINUTE, None, NOON + MINUTE, None),
    "further into the future": (NOON + MINUTE + TICK, None, NOON, "clamped"),
    "into the future by a right clock": (NOON + DAY, NOON, NOON, "clamped"),
    "after it was sent": (NOON - DAY, NOON - 2 * DAY, NOON, "clamped"),
    "the last day there is": (LAST_DAY, LAST_DAY, NOON, "corrected"),
    "the last day there is, sent on the first": (LAST_DAY, FIRST_DAY, NOON, "clamped"),
    "the first day there is, sent on the last": (FIRST_DAY, LAST_DAY, FIRST_DAY, None),
    "the day after it, sent on the last": (FIRST_DAY + DAY, LAST_DAY, FIRST_DAY, "corrected"),
}


@pytest.mark.parametrize("case", CASES)
async def test_an_event_happened_when_its_clock_says_once_that_is_set_right(shelf: Shelf, case: str) -> None:
    occurred_at, sent_at, expected, clock = CASES[case]
    await shelf.load([event(page_url="/", occurred_at=occurred_at, sent_at=sent_at, received_at=NOON)])
    (visit,) = await all_visits(shelf.store, 1)
    assert visit.timestamp == expected
    (line,) = await exported(shelf.store)
    assert [_time(line.get(name)) for name in ("date_created", "sent_at")] == [occurred_at, sent_at]
    assert (line.get("clock"), _time(line.get("occurred_at"))) == (clock, expected if clock else None)


def _time(text: object) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))


async def test_what_was_exported_and_comes_back_is_known_as_a_repeat(shelf: Shelf) -> None:
    timed = [(occurred_at, sent_at) for occurred_at, sent_at, _, _ in CASES.values() if occurred_at is not None]
    await shelf.load([given_id(f"{n}", occurred_at=at, sent_at=sent_at) for n, (at, sent_at) in enumerate(timed)])
    lines = await exported(shelf.store)
    again = [
        given_id(str(line["event_id"]), occurred_at=_time(line["date_created"]), received_at=NOON + 90 * DAY)
        for line in lines
    ]
    await shelf.load([*again])
    health = await shelf.store.health()
    assert (health.n_rows, health.n_duplicates) == (len(timed), len(timed))


async def test_events_that_come_late_land_in_the_visit_in_which_they_happened(shelf: Shelf) -> None:
    def seen(page: str, at: datetime, **members: object) -> Event:
        return event(page_url=page, anonymous_id="v", occurred_at=at, **members)

    await shelf.load([seen("/1", NOON - 9 * DAY), seen("/3", NOON - 9 * DAY + 40 * MINUTE), seen("/4", NOON)])
    assert await _visits(shelf) == [3, 3]
    # A week offline, by a clock that is two hours behind: it joins the two that it stands between.
    late = seen("/2", NOON - 9 * DAY + 20 * MINUTE - 2 * HOUR, sent_at=NOON - 2 * HOUR, received_at=NOON)
    await shelf.load([late])
    assert await _visits(shelf) == [2, 4]


async def _visits(shelf: Shelf) -> list[float | int | None]:
    query = MetricsQuery(
        app_code=SITE.app_code,
        from_time=NOON - 30 * DAY,
        to_time=NOON + DAY,
        metrics=("visits", "events"),
        order=None,
        descending=False,
        limit=1,
    )
    return (await shelf.store.metrics(query)).rows[0].metrics
