"""Periods of the command line."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from console.period import period

NOW = datetime(2026, 11, 20, 12, 0, 0, 900_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", {"from": "2026-11-19T12:00:00Z"}),
        ("7d", {"from": "2026-11-13T12:00:00Z"}),
        ("30d", {"from": "2026-10-21T12:00:00Z"}),
        ("2026-11-01..2026-11-08", {"from": "2026-11-01", "to": "2026-11-08"}),
    ],
)
def test_a_period_becomes_from_and_to(text, expected):
    assert period(text).parameters(NOW) == expected


def test_the_zone_of_the_clock_does_not_matter():
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-9)))
    assert period("24h").parameters(elsewhere) == period("24h").parameters(NOW)


UNREADABLE = [
    "7",
    "d",
    "0d",
    "-1d",
    "7w",
    "99999d",
    "\u0667d",
    "2026-11-01",
    "2026-11-01..",
    "2026-11-01...2026-11-08",
    "2026-13-01..2026-13-02",
    "2026-11-08..2026-11-01",
    "2026-11-01..2026-11-01",
    "2026-02-30..2026-03-01",
]


@pytest.mark.parametrize("text", ["", " 7d", "7d\n", *UNREADABLE])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"should be|month must be|day is out of range|day must be"):
        period(text)
