"""Bit flips, cuts and lost files of a log: detected, and told to the offset."""

import os
import random
from pathlib import Path

import pytest

from tests.damage import PLAN, ROTATE, Copies, Frame, Reading, write_log

BITS_A_BYTE = int(os.environ.get("DAMAGE_BITS", "1"))
"""How many of the eight bits of every byte are flipped, one after the other; a soak says 8."""

WHOLE = list(range(6))


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    return Copies(write_log(tmp_path))


def flipped(content: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 1 << bit
    return bytes(changed)


@pytest.mark.long
def test_one_flipped_bit_costs_the_group_it_is_in_and_is_told_to_the_offset(copies: Copies):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for frame in copies.frames:
        for at in range(frame.begin, frame.end):
            for bit in dice.sample(range(8), BITS_A_BYTE):
                content = flipped(copies.segments[frame.segment], at, bit)
                found = copies.read_with(copies.segments | {frame.segment: content})
                assert_only_lost(found, frame, f"segment {frame.segment}, byte {at}, bit {bit}: {found}")


def assert_only_lost(found: Reading, frame: Frame, place: str) -> None:
    assert found.lost == list(frame.offsets), place
    assert found.offsets == [number for number in WHOLE if number not in frame.offsets], place
    assert found.duplicates == 3 - frame.header.duplicates * (frame.header.frame == "DATA"), place
    assert not found.is_silent, place


def test_a_last_segment_cut_anywhere_keeps_every_whole_group_before_the_cut(copies: Copies):
    content = copies.segments[copies.last]
    for cut in range(len(content)):
        found = copies.read_with(copies.segments | {copies.last: content[:cut]})
        assert found.offsets == copies.lines_before(copies.last, cut), cut
        assert not found.lost, cut
        assert not found.alarms, cut


@pytest.mark.long
def test_a_segment_before_the_last_cut_anywhere_is_told_to_the_offset(copies: Copies):
    content = copies.segments[1]
    behind = [number for frame in copies.frames if frame.segment != 1 for number in frame.offsets]
    for cut in range(len(content)):
        found = copies.read_with(copies.segments | {1: content[:cut]})
        assert found.offsets == copies.lines_before(1, cut) + behind, cut
        assert found.lost == [number for number in WHOLE if number not in found.offsets], cut
        assert found.alarms, cut


@pytest.fixture
def four(tmp_path: Path) -> Copies:
    """A log of four segments with two groups of two lines each: 16 lines."""
    return Copies(write_log(tmp_path, (2, 2, ROTATE) * 4))


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_a_deleted_segment_is_told_to_the_offset(four: Copies, gone: int):
    found = four.read_with({number: content for number, content in four.segments.items() if number != gone})
    assert found.lost == list(range(4 * gone - 4, 4 * gone))
    assert found.offsets == [number for number in range(16) if number not in found.lost]
    assert found.alarms


def test_two_deleted_neighbours_are_one_gap(four: Copies):
    found = four.read_with({1: four.segments[1], 4: four.segments[4]})
    assert (found.lost, found.offsets) == (list(range(4, 12)), [0, 1, 2, 3, 12, 13, 14, 15])
    assert len(found.alarms) == 1


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 3), (1, 3)])
def test_two_swapped_segments_are_both_lost_and_both_kept_as_they_are(four: Copies, one: int, other: int):
    found = four.read_with(four.segments | {one: four.segments[other], other: four.segments[one]})
    swapped = [*range(4 * one - 4, 4 * one), *range(4 * other - 4, 4 * other)]
    assert found.lost == [n for n in range(16) if n in swapped]
    assert found.offsets == [n for n in range(16) if n not in swapped]
    assert found.alarms
    assert (four.directory / f"{one:016d}.ndjson").read_bytes() == four.segments[other]


def test_a_copy_under_the_next_number_is_not_read_twice(four: Copies):
    found = four.read_with(four.segments | {5: four.segments[4]})
    assert (found.offsets, found.lost) == (list(range(16)), [])
    assert not found.is_silent


def test_a_copy_in_place_of_the_next_segment_is_that_segments_loss(four: Copies):
    found = four.read_with(four.segments | {2: four.segments[1]})
    assert (found.lost, found.offsets) == ([4, 5, 6, 7], [0, 1, 2, 3, *range(8, 16)])
    assert found.alarms


def test_an_older_shorter_copy_of_a_segment_is_told_to_the_offset(four: Copies):
    second = [frame for frame in four.frames if frame.segment == 2]
    older = four.segments[2][: second[1].end]
    found = four.read_with(four.segments | {2: older})
    assert (found.lost, found.offsets) == ([6, 7], [0, 1, 2, 3, 4, 5, *range(8, 16)])
    assert found.alarms


def test_the_plan_of_the_small_log_is_what_these_tests_think_it_is(copies: Copies):
    found = copies.read_with(copies.segments)
    assert PLAN.count(ROTATE) + 1 == len(copies.segments)
    assert (found.offsets, found.lost, found.duplicates) == (WHOLE, [], 3)
    assert found.is_silent
