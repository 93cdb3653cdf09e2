"""Lines of the log, made by template: as the door would encode pageviews that carry ids and times of their client."""

import functools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

EVENTS_PER_DAY = 1_000_000
"""So many share a day, among whose rows the store searches for repeats of each of them."""

REPEAT_EVERY, REPEAT_DISTANCE = 1000, 700
"""Each of so many lines has id and time of the one that stands so much before it."""

PERSONS, PAGES = 30_000, 1_000
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
STEP = timedelta(days=1) / EVENTS_PER_DAY

LINE = (
    b'{"event_id":"01a1fc1a-ab5f-7762-a662-%012x","app_code":"site","source_label":"pageview",'
    b'"received_at":"%b","occurred_at":"%b","anonymous_id":"6f1c5a54-3c1d-4b52-9a63-%012x",'
    b'"page_url":"https://shop.example/products/%04d","referrer":"https://www.search.example/?q=%04d",'
    b'"title":"Product %04d","id_given":true}'
)
SCATTER = 0x9E37_79B9_7F4A_7C15
LINES_PER_TIME = 100
"""So many consecutive lines share a time: a text for each would take longer than the line."""


def lines(events: int, *, at_once: int) -> Iterator[list[bytes]]:
    """Yield `events` lines in order of time, `at_once` in a list; every REPEAT_EVERY-th repeats an earlier one."""
    for first in range(0, events, at_once):
        yield [_line(number) for number in range(first, min(events, first + at_once))]


def repeats(events: int) -> int:
    """Return how many of the first `events` lines repeat another."""
    return max(0, (events - 1) // REPEAT_EVERY)


def _line(number: int) -> bytes:
    received_at = _time(number // LINES_PER_TIME)
    if number and number % REPEAT_EVERY == 0:
        number -= REPEAT_DISTANCE
    occurred_at = _time(number // LINES_PER_TIME)
    # A prime lets neighbours be different persons, and every person come back.
    person, page = number * 7919 % PERSONS, number // 7 % PAGES
    return LINE % (_scattered(number), received_at, occurred_at, _scattered(person), page, page, page)


def _scattered(number: int) -> int:
    """Return 48 bits that look random; different numbers have different ones, since the factor is odd."""
    return number * SCATTER & 0xFFFF_FFFF_FFFF


@functools.lru_cache(maxsize=64)
def _time(number: int) -> bytes:
    return f"{BEGAN + number * LINES_PER_TIME * STEP:%Y-%m-%dT%H:%M:%S.%fZ}".encode()
