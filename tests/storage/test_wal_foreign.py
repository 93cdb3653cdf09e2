"""Bytes that look like frames and are none: behind the end of a log, and inside of events (after PostgreSQL's 039_end_of_wal.pl)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.wal.segment import HEADER_BYTES, Header, pack, seed
from storage.wal.writer import NO_CRC
from tests.damage import FENCE, LOG_ID, ROTATE, Copies, read, write_log

OTHER_LOG = "0000000001-5eed5eed"


def forged(**changed: object) -> bytes:
    """Return a header line that would go on behind the last of eight lines, but for `changed` and its CRC."""
    members = {"frame": "DATA", "log_id": LOG_ID, "segment": 2, "first_offset": 8, "count": 1, "bytes": 9}
    return pack(Header(**members | {"prev_crc": NO_CRC} | changed), seed("forged", 2))


def unsealed(copies: Copies) -> bytes:
    """Return the last segment as a crash leaves it, without a SEAL."""
    return copies.segments[copies.last][:-HEADER_BYTES]


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    return Copies(write_log(tmp_path, (2, 2, ROTATE, 2, FENCE, 2)))


def old_frame(copies: Copies) -> bytes:
    frame = next(one for one in copies.frames if one.header.frame == "DATA")
    return copies.segments[frame.segment][frame.begin : frame.end]


def frame_of_another_log(copies: Copies) -> bytes:
    other = Copies(write_log(copies.data / "other", (2, 2, ROTATE, 2, 2, 2), log_id=OTHER_LOG))
    frame = other.frames[-2]
    return other.segments[frame.segment][frame.begin : frame.end]


TAILS: dict[str, Callable[[Copies], bytes]] = {
    "garbage": lambda _: bytes(range(256)) * 3,
    "line ends": lambda _: b"\n" * 700,
    "garbage, then zeros": lambda _: b"garbage" + bytes(5000),
    "zeros, then garbage": lambda _: bytes(5000) + b"garbage",
    "the magic alone": lambda _: b'{"frame":',
    "the magic again and again": lambda _: b'{"frame":' * 200,
    "a header without its end": lambda _: forged()[:-1],
    "a header with a CRC of another seed": lambda _: forged() + b'{"n":1}\n\n',
    "a SEAL with a CRC of another seed": lambda _: forged(frame="SEAL", count=8),
    "a header without its lines": lambda copies: old_frame(copies)[:HEADER_BYTES],
    "a frame of the segment before": old_frame,
    "the whole segment before": lambda copies: copies.segments[1],
    "a frame of another log": frame_of_another_log,
    "half of the group that stands before": lambda copies: unsealed(copies)[copies.frames[-2].begin :][:-3],
}


@pytest.mark.parametrize("zeros", [1, HEADER_BYTES, 4096, 70_000])
def test_zeros_behind_the_last_frame_are_a_clean_end(copies: Copies, zeros: int):
    found = copies.read_with(copies.segments | {copies.last: unsealed(copies) + bytes(zeros)})
    assert (found.offsets, found.lost) == (list(range(8)), [])
    assert found.is_silent


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
def test_a_tail_that_is_no_frame_of_this_segment_is_kept_aside_and_takes_nothing(copies: Copies, tail):
    added = tail(copies)
    found = copies.read_with(copies.segments | {copies.last: unsealed(copies) + added})
    assert (found.offsets, found.lost, found.alarms) == (list(range(8)), [], [])
    assert found.kept_aside == [added]


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
def test_bytes_behind_a_seal_take_nothing(copies: Copies, tail):
    found = copies.read_with(copies.segments | {copies.last: copies.segments[copies.last] + tail(copies)})
    assert (found.offsets, found.lost, found.alarms) == (list(range(8)), [], [])


def true_header() -> str:
    """Return a header line of this very segment, as whoever has a receipt can make one, without a space to lose."""
    members = {"frame": "DATA", "log_id": LOG_ID, "segment": 1, "first_offset": 9, "prev_crc": NO_CRC}
    width = len(pack(Header(**members), seed(LOG_ID, 1)).replace(b" ", b""))
    line = pack(Header(**members, reason="x" * (HEADER_BYTES - width)), seed(LOG_ID, 1)).decode("ascii")
    assert " " not in line
    return line.strip()


HEADER_LINE = true_header()
EVENTS = {
    "the magic in a string": {"title": '{"frame":"DATA","version":2}'},
    "a header line in a string": {"title": HEADER_LINE},
    "a header line with its line end in a string": {"title": HEADER_LINE + "\n"},
    "a header's members in attrs": {"attrs": json.loads(HEADER_LINE)},
    "an object in attrs that begins as a header does": {"attrs": {"nested": {"frame": "SEAL", "version": 2}}},
    "a later version in attrs": {"attrs": json.loads(HEADER_LINE) | {"version": 99}},
}


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_an_event_that_holds_a_header_is_an_event(tmp_path: Path, event: dict[str, object]):
    line = json.dumps({"event_id": "a"} | event, separators=(",", ":")).encode("utf-8")
    write_log(tmp_path, (2, ROTATE, 1), line=line)
    found = read(tmp_path)
    assert (found.offsets, found.lost) == ([0, 1, 2], [])
    assert found.is_silent


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_an_event_that_holds_a_header_is_not_found_where_its_group_is_damaged(tmp_path: Path, event: dict[str, object]):
    line = json.dumps({"event_id": "a"} | event, separators=(",", ":")).encode("utf-8")
    copies = Copies(write_log(tmp_path, (2, 1), line=line))
    _, first, *_ = copies.frames
    content = bytearray(copies.segments[1])
    content[first.begin] ^= 1
    found = copies.read_with({1: bytes(content)})
    assert (found.offsets, found.lost) == ([2], [0, 1])
    assert found.kept_aside == [bytes(content[first.begin : first.end])]


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_an_event_that_holds_a_header_is_not_found_in_a_torn_tail(tmp_path: Path, event: dict[str, object]):
    line = json.dumps({"event_id": "a"} | event, separators=(",", ":")).encode("utf-8")
    copies = Copies(write_log(tmp_path, (2, 2), line=line))
    last = copies.frames[-2]
    torn = copies.segments[1][: last.end - 1]
    found = copies.read_with({1: torn})
    assert (found.offsets, found.lost, found.alarms) == ([0, 1], [], [])
    assert found.kept_aside == [torn[last.begin :]]
