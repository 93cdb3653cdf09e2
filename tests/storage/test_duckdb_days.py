from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.duckdb.days import day_ranges

D = date(2026, 11, 18)


def day(number: int) -> date:
    return D + timedelta(days=number)


@pytest.mark.parametrize(
    ("numbers", "ranges"),
    [
        ([], []),
        ([0], [(0, 0)]),
        ([0, 1, 2], [(0, 2)]),
        ([0, 2], [(0, 0), (2, 2)]),
        ([0, 1, 5, 6, 100], [(0, 1), (5, 6), (100, 100)]),
        ([0, 3, 100, 102], [(0, 0), (3, 3), (100, 102)]),
        ([0, 3, 100, 102, 200], [(0, 3), (100, 102), (200, 200)]),
    ],
)
def test_days_are_joined_where_the_gaps_are_smallest(numbers: list[int], ranges: list[tuple[int, int]]) -> None:
    found = day_ranges([day(number) for number in numbers], 3)
    assert found == [(day(first), day(last)) for first, last in ranges]


@given(st.sets(st.dates(), max_size=40), st.integers(1, 8))
def test_every_day_is_in_exactly_one_of_at_most_so_many_ranges(days: set[date], ranges_max: int) -> None:
    ranges = day_ranges(sorted(days), ranges_max)
    assert len(ranges) <= ranges_max
    assert all(sum(first <= one <= last for first, last in ranges) == 1 for one in days)
