"""The bytes of a frame."""

import json

import pytest

from storage.wal.segment import HEADER_BYTES, Header, pack, parse, seed

LOG_ID = "0000000007-9f3a2c1b"
HEADER = Header(
    frame="DATA", log_id=LOG_ID, segment=3, first_offset=12, count=2, bytes=44, payload_crc="0a0b0c0d", prev_crc="1" * 8
)


def packed(header: Header = HEADER) -> bytes:
    return pack(header, seed(header.log_id, header.segment))


def test_a_header_is_one_line_of_json_of_fixed_width():
    line = packed()
    assert len(line) == HEADER_BYTES
    assert line.count(b"\n") == 1
    assert json.loads(line)["first_offset"] == 12


def test_a_header_is_read_back():
    found = parse(packed(), LOG_ID, 3, seed(LOG_ID, 3))
    assert found is not None
    assert (found.first_offset, found.count, found.bytes, found.prev_crc) == (12, 2, 44, "11111111")


def test_the_widest_values_fit():
    widest = Header(
        frame="SEGMENT",
        log_id="9999999999-ffffffff",
        segment=10**16 - 1,
        first_offset=2**63 - 1,
        count=10**9,
        bytes=10**12,
        duplicates=10**10,
        rejected=10**10,
        reason="recovered",
        prev_crc="ffffffff",
    )
    assert len(packed(widest)) == HEADER_BYTES


def test_every_flipped_bit_is_noticed():
    line = packed()
    for place in range(len(line)):
        for bit in range(8):
            damaged = bytearray(line)
            damaged[place] ^= 1 << bit
            assert parse(bytes(damaged), LOG_ID, 3, seed(LOG_ID, 3)) is None, (place, bit)


@pytest.mark.parametrize(("log_id", "segment"), [("0000000008-9f3a2c1b", 3), (LOG_ID, 4)])
def test_a_frame_of_another_place_never_validates(log_id: str, segment: int):
    assert parse(packed(), log_id, segment, seed(log_id, segment)) is None


@pytest.mark.parametrize("length", [0, 1, HEADER_BYTES - 1])
def test_a_short_header_is_none(length: int):
    assert parse(packed()[:length], LOG_ID, 3, seed(LOG_ID, 3)) is None
