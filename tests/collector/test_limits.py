"""Limits: how often, and how long to wait after failures."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.limits import Gcra, Rate, RateExceeded, Waits


class Clock:
    def __init__(self):
        self.s = 0.0

    def __call__(self):
        return self.s


class Calendar(Clock):
    def __call__(self):
        return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=self.s)


def wait_of(call, *arguments):
    """Return the seconds that a refusal asks for, 0 where there is none."""
    try:
        call(*arguments)
    except RateExceeded as error:
        return error.retry_after_s
    return 0


def test_so_many_at_once_and_then_one_as_each_comes_due():
    clock = Clock()
    gcra = Gcra(Rate(5, 60.0), clock, keys_max=10)
    assert [wait_of(gcra.take, "a") for _ in range(7)] == [0, 0, 0, 0, 0, 12, 12]
    clock.s = 12.0
    assert [wait_of(gcra.take, "a") for _ in range(2)] == [0, 12]
    clock.s = 72.0
    assert [wait_of(gcra.take, "a") for _ in range(6)] == [0, 0, 0, 0, 0, 12]


def test_one_key_says_nothing_of_another():
    gcra = Gcra(Rate(1, 60.0), Clock(), keys_max=10)
    assert [wait_of(gcra.take, key) for key in "aabb"] == [0, 60, 0, 60]


@given(st.lists(st.floats(0, 10), max_size=60))
def test_no_window_of_a_period_takes_more_than_twice_the_count(steps):
    clock, taken = Clock(), []
    gcra = Gcra(Rate(5, 20.0), clock, keys_max=10)
    for step in steps:
        clock.s += step
        if wait_of(gcra.take, "a") == 0:
            taken.append(clock.s)
    for at in taken:
        assert sum(at <= one < at + 20.0 for one in taken) < 2 * 5


def test_the_keys_that_are_known_have_a_limit_and_the_free_ones_go_first():
    clock = Clock()
    gcra = Gcra(Rate(1, 10.0), clock, keys_max=3)
    for key in "abc":
        gcra.take(key)
        clock.s += 4.0
    gcra.take("d")
    assert [wait_of(gcra.take, key) for key in "bcd"] == [2, 6, 10]
    gcra.take("e")
    assert wait_of(gcra.take, "e") == 10


def waits(clock, **limits):
    return Waits(clock, **{"free": 5, "wait_s_max": 60.0, "forget_s": 3600.0, "keys_max": 100} | limits)


def test_waits_double_once_the_free_tries_have_failed_and_have_an_end():
    clock = Calendar()
    found = waits(clock)
    seen = []
    for _ in range(13):
        seen.append(wait_of(found.require_none, "a"))
        clock.s += seen[-1]
        assert wait_of(found.require_none, "a") == 0
        found.fail("a")
    assert seen == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_days_of_failures_make_no_wait_longer():
    clock = Calendar()
    found = waits(clock)
    for _ in range(2000):
        found.fail("a")
    assert wait_of(found.require_none, "a") == 60


def test_a_try_during_a_wait_prolongs_nothing():
    clock = Calendar()
    found = waits(clock)
    for _ in range(8):
        found.fail("a")
    for left_s in range(8, 0, -1):
        assert wait_of(found.require_none, "a") == left_s
        clock.s += 1
    assert wait_of(found.require_none, "a") == 0


def test_a_success_forgets_and_tells_how_often_it_had_failed():
    found = waits(Calendar())
    for _ in range(6):
        found.fail("a")
    assert (found.succeed("a"), found.succeed("a"), wait_of(found.require_none, "a")) == (6, 0, 0)


def test_what_has_not_failed_for_long_is_forgotten():
    clock = Calendar()
    found = waits(clock)
    for _ in range(9):
        found.fail("a")
    clock.s = 3600.0
    found.fail("a")
    assert (wait_of(found.require_none, "a"), found.failures["a"].count) == (0, 1)


def test_a_clock_that_was_set_back_prolongs_no_wait():
    clock = Calendar()
    found = waits(clock)
    for _ in range(6):
        found.fail("a")
    clock.s = -86_400.0
    assert wait_of(found.require_none, "a") == 2


def test_what_was_kept_counts_after_a_restart():
    clock = Calendar()
    found = waits(clock)
    for _ in range(8):
        found.fail("a")
    again = waits(clock, failures=dict(found.failures))
    assert wait_of(again.require_none, "a") == 8


def test_of_too_many_names_the_one_that_failed_longest_ago_is_forgotten():
    found = waits(Calendar(), keys_max=3)
    for key in "abcad":
        found.fail(key)
    assert list(found.failures) == ["c", "a", "d"]


@pytest.mark.parametrize(("wait_s", "told"), [(0.001, 1), (1.0, 1), (1.001, 2), (59.5, 60)])
def test_the_wait_is_told_in_whole_seconds_never_too_few(wait_s, told):
    assert RateExceeded(wait_s).retry_after_s == told
