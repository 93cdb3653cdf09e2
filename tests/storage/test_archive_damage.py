"""Damage of archived segments: loading goes on, and what is lost is told as exactly as anything that is left can tell."""

import os
import random
from pathlib import Path

import pytest

from tests.damage import DOOR, FENCE, ROTATE, Reading, archive_all, read, write_log

BITS_A_BYTE = int(os.environ.get("DAMAGE_BITS", "1"))
"""As in test_wal_damage."""

PLAN = (2, FENCE, DOOR, 1, ROTATE, 1, 2, ROTATE, 2, 1)
WHOLE = list(range(9))
SPANS = {1: range(3), 2: range(3, 6), 3: range(6, 9)}
LAST = 3


class Shelf:
    """An archived log of three segments, of which one at a time is damaged."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.paths = archive_all(write_log(data, PLAN))
        self.whole = {number: path.read_bytes() for number, path in self.paths.items()}

    def manifest_end(self, segment: int) -> int:
        return 8 + int.from_bytes(self.whole[segment][4:8], "little")

    def read_with(self, segment: int, content: bytes | None) -> Reading:
        """Read the log with one archived file changed, or gone."""
        path = self.paths[segment]
        for aside in self.data.glob("quarantine/*"):
            aside.unlink()
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        try:
            return read(self.data)
        finally:
            path.write_bytes(self.whole[segment])


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def assert_told(found: Reading, segment: int, place: str) -> None:
    """The lines of other segments are read, and what is not read of this one is lost, line for line, and named."""
    assert sorted(found.offsets + found.lost) == WHOLE, place
    assert set(found.lost) <= set(SPANS[segment]), place
    assert found.alarms or not found.lost, place


def flips(content: bytes, begin: int, end: int, dice: random.Random):
    for at in range(begin, end):
        for bit in dice.sample(range(8), BITS_A_BYTE):
            changed = bytearray(content)
            changed[at] ^= 1 << bit
            yield at, bit, bytes(changed)


def dice_with_seed() -> random.Random:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.mark.long
@pytest.mark.parametrize("segment", SPANS)
def test_a_flipped_bit_in_the_content_is_told_to_the_offset(shelf: Shelf, segment: int):
    begin, content = shelf.manifest_end(segment), shelf.whole[segment]
    for at, bit, changed in flips(content, begin, len(content), dice_with_seed()):
        found = shelf.read_with(segment, changed)
        assert_told(found, segment, f"byte {at}, bit {bit}: {found}")


@pytest.mark.long
@pytest.mark.parametrize("segment", SPANS)
def test_a_flipped_bit_in_the_manifest_takes_no_line_and_is_named(shelf: Shelf, segment: int):
    content = shelf.whole[segment]
    for at, bit, changed in flips(content, 0, shelf.manifest_end(segment), dice_with_seed()):
        found = shelf.read_with(segment, changed)
        assert (found.offsets, found.lost) == (WHOLE, []), f"byte {at}, bit {bit}: {found}"
        assert found.alarms, f"byte {at}, bit {bit}"


@pytest.mark.parametrize("segment", SPANS)
def test_a_file_cut_anywhere_behind_its_manifest_is_told_to_the_offset(shelf: Shelf, segment: int):
    content = shelf.whole[segment]
    for cut in range(shelf.manifest_end(segment), len(content)):
        found = shelf.read_with(segment, content[:cut])
        assert_told(found, segment, f"cut at {cut}: {found}")
        assert found.alarms, cut


def test_a_file_cut_in_its_manifest_is_told_by_the_segment_behind_it(shelf: Shelf):
    for cut in range(shelf.manifest_end(1)):
        found = shelf.read_with(1, shelf.whole[1][:cut])
        assert (found.lost, found.offsets) == ([0, 1, 2], WHOLE[3:]), cut
        assert found.alarms, cut


def test_a_last_file_cut_in_its_manifest_is_named(shelf: Shelf):
    for cut in range(shelf.manifest_end(LAST)):
        found = shelf.read_with(LAST, shelf.whole[LAST][:cut])
        assert (found.lost, found.offsets) == ([], WHOLE[:6]), cut
        assert found.alarms, cut


@pytest.mark.parametrize("segment", [1, 2])
def test_a_deleted_file_is_told_by_the_segment_behind_it(shelf: Shelf, segment: int):
    found = shelf.read_with(segment, None)
    assert found.lost == list(SPANS[segment])
    assert found.offsets == [number for number in WHOLE if number not in found.lost]
    assert found.alarms


def test_a_file_of_another_segment_is_told_to_the_offset(shelf: Shelf):
    found = shelf.read_with(2, shelf.whole[1])
    assert found.lost == [3, 4, 5]
    assert found.offsets == [0, 1, 2, 6, 7, 8]
    assert found.alarms
