"""The chart as text: scale, columns, time axis, the fallback without braille."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.plot import DAY, HOUR, MINUTE, SECOND, Series, plot, scale

START = datetime(2026, 11, 21, 6, tzinfo=UTC)


def drawn(values, width=20, height=6, step=HOUR, **options):
    found = plot(Series(START, step, values), width, height, **options)
    return [left + right for left, right in zip(found.axis, found.area, strict=True)] + found.foot


@pytest.mark.parametrize(
    ("most", "ticks_max", "expected"),
    [
        (0, 3, (1, 1)),
        (1, 3, (1, 1)),
        (3, 3, (3, 1)),
        (4, 3, (4, 2)),
        (7, 3, (10, 5)),
        (99, 3, (100, 50)),
        (101, 3, (150, 50)),
        (1234, 3, (1500, 500)),
        (0.2, 2, (1, 1)),
        (10**15, 1, (10**15, 10**15)),
    ],
)
def test_the_axis_ends_at_a_round_number(most, ticks_max, expected):
    assert scale(most, ticks_max) == expected


def test_a_series_is_filled_from_below():
    assert drawn([0, 1, 2, 4], width=10, height=6) == [
        "4┤      ⣿⣿",
        " │      ⣿⣿",
        "2┤    ⣿⣿⣿⣿",
        " │  ⣿⣿⣿⣿⣿⣿",
        " └┬───────",
        "  06:00   ",
    ]


def test_without_braille_it_is_drawn_in_ascii():
    lines = drawn([0, 1, 2, 4], width=10, height=6, ascii_only=True)
    assert lines == ["4+      ##", " |      ##", "2+    ####", " |  ######", " ++-------", "  06:00   "]
    assert "".join(lines).isascii()


def test_what_is_more_than_nothing_shows_and_nothing_does_not():
    assert drawn([0, 1, 10_000, 0], width=25, height=6)[3] == "     │     ⣀⣀⣀⣀⣸⣿⣿⣿⣿⡇    "
    assert drawn([0, 0], width=10, height=4)[1].strip() == "│"


@pytest.mark.parametrize(
    ("step", "periods", "expected"),
    [
        (SECOND, 120, "06:00:00"),
        (MINUTE, 30, "06:10"),
        (HOUR, 24, "12:00"),
        (HOUR, 168, "Nov 22"),
        (DAY, 90, "Dec 17"),
        (DAY, 365, "Apr  1"),
    ],
)
def test_the_time_axis_has_round_times(step, periods, expected):
    assert expected in drawn([1] * periods, width=76, step=step)[-1]


@pytest.mark.parametrize("step", [SECOND, MINUTE, HOUR, DAY])
@pytest.mark.parametrize("periods", [2, 7, 30, 168, 1000])
def test_every_tick_has_its_whole_time_below(step, periods):
    ruler, labels = drawn([1] * periods, width=80, step=step)[-2:]
    times = re.findall(r"\d\d:\d\d:\d\d|\d\d:\d\d|[A-Z][a-z]{2} [ 1-3]\d", labels)
    assert len(times) == ruler.count("┬") > 0
    assert re.sub(r"\d\d:\d\d:\d\d|\d\d:\d\d|[A-Z][a-z]{2} [ 1-3]\d", "", labels).strip() == ""


def test_peaks_stay_where_many_periods_share_a_column():
    values = [0] * 1000
    values[517] = 9
    assert any("⣿" in line or "⡇" in line or "⢸" in line for line in drawn(values, width=40)[:4])


@given(st.lists(st.integers(0, 10**12), max_size=400), st.integers(0, 200), st.integers(0, 60), st.booleans())
def test_every_drawing_has_its_size(values, width, height, ascii_only):
    found = plot(Series(START, MINUTE, values), width, height, ascii_only=ascii_only)
    lines = [left + right for left, right in zip(found.axis, found.area, strict=True)] + found.foot
    assert len(lines) == max(height, 3)
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) == max(width, len(found.axis[0]) + 1)
