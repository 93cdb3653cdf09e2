"""The bytes of a segment: framing groups of lines and reading them back; pure but for positioned reads.

A segment is valid NDJSON. A group is one header line of HEADER_BYTES and `count` event lines. Every header carries the
CRC of its payload, of the header before it, and of itself; both CRCs start from a seed made of log_id and segment, so
that a frame of another place never validates (docs/log-format.md).
"""

import os
import zlib
from typing import Literal

import msgspec

FORMAT_VERSION = 1

HEADER_BYTES = 320
"""Width of every header line, its line end included: the widest values of every member fit."""

Kind = Literal["SEGMENT", "DATA", "FENCE", "SEAL"]

_TAIL = b'"header_crc":"%08x"}\n'
_TAIL_BYTES = len(_TAIL % 0)
_CRC_AT = HEADER_BYTES - len(b'00000000"}\n')
_encoder = msgspec.json.Encoder()


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """A frame header.

    `first_offset` is the offset of the first line, or of the next one where there is none. `count` and `bytes` are of
    the payload; in a SEAL they total the segment. `duplicates` counts repeats answered at the door that have no line,
    `rejected` the lines that are rejected items. CRCs are 8 hexadecimal digits.
    """

    frame: Kind
    version: int = FORMAT_VERSION
    log_id: str
    segment: int
    first_offset: int
    count: int = 0
    bytes: int = 0
    duplicates: int = 0
    rejected: int = 0
    reason: str = ""
    payload_crc: str = "00000000"
    prev_crc: str
    header_crc: str = ""

    @property
    def payload_bytes(self) -> int:
        """Bytes that follow this header before the next one."""
        return self.bytes if self.frame == "DATA" else 0

    @property
    def next_offset(self) -> int:
        """The offset after the last line of this group."""
        return self.first_offset + (self.count if self.frame == "DATA" else 0)

    def end(self, at: int) -> int:
        """Return the byte after this frame, when it begins at byte `at`."""
        return at + HEADER_BYTES + self.payload_bytes


_decoder = msgspec.json.Decoder(Header)


def segment_name(segment: int) -> str:
    """Return the file name of a segment; names sort as segments do."""
    return f"{segment:016d}.ndjson"


def seed(log_id: str, segment: int) -> int:
    """Return what both CRCs of a segment start from."""
    return zlib.crc32(f"{log_id}/{segment}".encode("ascii"))


def payload_crc(payload: bytes | bytearray | memoryview, segment_seed: int) -> str:
    """Return the CRC of a group's lines."""
    return f"{zlib.crc32(payload, segment_seed):08x}"


def pack(header: Header, segment_seed: int) -> bytes:
    """Return the header line; its own CRC is computed here and stands at its end."""
    text = _encoder.encode(header)
    body = text[: text.rindex(b'"header_crc"')]
    line = body.ljust(HEADER_BYTES - _TAIL_BYTES)
    assert len(line) == HEADER_BYTES - _TAIL_BYTES, f"header too wide: {text!r}"
    crc = zlib.crc32(line + b'"header_crc":"', segment_seed)
    return line + _TAIL % crc


def header_crc(line: bytes) -> str:
    """Return the CRC that a packed header carries of itself."""
    return line[_CRC_AT : _CRC_AT + 8].decode("ascii")


def parse(line: bytes, log_id: str, segment: int, segment_seed: int) -> Header | None:
    """Return the header, or None where these bytes are not an intact header of this very segment."""
    if len(line) != HEADER_BYTES or line[_CRC_AT + 8 :] != b'"}\n':
        return None
    if b"%08x" % zlib.crc32(line[:_CRC_AT], segment_seed) != line[_CRC_AT : _CRC_AT + 8]:
        return None
    try:
        header = _decoder.decode(line)
    except msgspec.DecodeError:
        return None
    return header if (header.log_id, header.segment) == (log_id, segment) else None


class SegmentFile:
    """Positioned reads of frames in one segment file; the file may still be growing."""

    def __init__(self, descriptor: int, log_id: str, segment: int) -> None:
        self.segment = segment
        self._descriptor = descriptor
        self._log_id = log_id
        self._seed = seed(log_id, segment)

    def header_at(self, at: int) -> Header | None:
        """Return the intact header that begins at byte `at`, or None."""
        line = os.pread(self._descriptor, HEADER_BYTES, at)
        return parse(line, self._log_id, self.segment, self._seed)

    def payload_of(self, header: Header, at: int) -> bytes | None:
        """Return the lines of the group whose header begins at `at`, or None where they are short or damaged."""
        if header.frame != "DATA":
            return b""
        payload = os.pread(self._descriptor, header.payload_bytes, at + HEADER_BYTES)
        if len(payload) != header.payload_bytes or payload_crc(payload, self._seed) != header.payload_crc:
            return None
        return payload

    def size(self) -> int:
        """Return the file's length in bytes."""
        return os.fstat(self._descriptor).st_size

    def frame_begins(self, at: int) -> list[int]:
        """Return every byte from `at` on where a line begins that an intact header stands on (resynchronisation)."""
        rest = os.pread(self._descriptor, max(0, self.size() - at), at)
        begins, found = [], rest.find(b'{"frame":')
        while found >= 0:
            if parse(rest[found : found + HEADER_BYTES], self._log_id, self.segment, self._seed):
                begins.append(at + found)
            found = rest.find(b'{"frame":', found + 1)
        return begins
