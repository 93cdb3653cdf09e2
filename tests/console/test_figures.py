"""Numbers as the screens show them."""

import pytest

from console import figures


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "-"),
        (0, "0"),
        (999, "999"),
        (1000, "1.00k"),
        (1234, "1.23k"),
        (45_600, "45.6k"),
        (999_400, "999k"),
        (12_000_000, "12.0M"),
        (5 * 10**15, "5000T"),
    ],
)
def test_a_count_takes_five_characters_at_most(number, text):
    assert figures.count(number) == text


@pytest.mark.parametrize(("per_second", "text"), [(None, "-"), (0.0, "0.0"), (12.34, "12.3"), (5000, "5.00k")])
def test_a_rate_has_one_digit_behind_the_point_while_it_is_small(per_second, text):
    assert figures.rate(per_second) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.4, "0s"), (59.4, "59s"), (59.6, "1m 00s"), (185, "3m 05s"), (7800, "2h 10m"), (270_000, "3d 03h")],
)
def test_a_duration_has_its_two_greatest_units(seconds, text):
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(("part", "text"), [(None, "-"), (0, "0%"), (0.425, "42%"), (1, "100%")])
def test_a_share_is_in_whole_per_cent(part, text):
    assert figures.share(part) == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (112, 100, "▲ 12%"),
        (97, 100, "▼ 3%"),
        (100, 100, "="),
        (1001, 1000, "="),
        (0, 7, "▼ 100%"),
        (5, 0, ""),
        (5, None, ""),
        (None, 5, ""),
        (99_999, 1, "▲ >999%"),
    ],
)
def test_a_change_is_told_by_a_sign_and_never_by_colour_alone(now, before, text):
    assert figures.change(now, before) == text
