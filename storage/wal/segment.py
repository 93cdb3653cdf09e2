"""The bytes of a segment: framing groups of lines and reading them back; pure but for positioned reads.

A segment is valid NDJSON. A group is one header line of HEADER_BYTES and `count` event lines. Every header carries the
CRC of its payload, of the header before it, and of itself; both CRCs start from a seed made of log_id and segment, so
that a frame of another place never validates (docs/log-format.md).
"""

import zlib
from collections.abc import Iterator
from typing import Literal

import msgspec

from storage.errors import LogVersionUnknown
from storage.filesystem import FileSystem

FORMAT_VERSION = 2
"""Version 1 had no totals of rejected items and duplicates in its SEALs."""

HEADER_BYTES = 320
"""Width of every header line, its line end included: the widest values of every member fit."""

Kind = Literal["SEGMENT", "DATA", "FENCE", "SEAL"]

RESYNC_BYTES = 1 << 20
"""How much of a damaged segment is searched at once."""

_BEGIN = b'{"frame":'
_TAIL = b'"header_crc":"%08x"}\n'
_TAIL_BYTES = len(_TAIL % 0)
_CRC_AT = HEADER_BYTES - len(b'00000000"}\n')
_encoder = msgspec.json.Encoder()


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """A frame header.

    `first_offset` is the offset of the first line, or of the next one where there is none. `count` and `bytes` are of
    the payload, `duplicates` counts repeats answered at the door that have no line, `rejected` the lines that are
    rejected items; in a SEAL all four total the segment. CRCs are 8 hexadecimal digits.
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


class Totals(msgspec.Struct):
    """What the SEAL of a segment says of the groups before it: the members of Header of the same names."""

    count: int = 0
    bytes: int = 0
    rejected: int = 0
    duplicates: int = 0

    def add(self, count: int, payload_bytes: int, rejected: int, duplicates: int) -> None:
        """Count one group."""
        self.count += count
        self.bytes += payload_bytes
        self.rejected += rejected
        self.duplicates += duplicates


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
    """Return the header, or None where these bytes are not an intact header of this very segment.

    Raises:
        LogVersionUnknown: they are one, of a later version.
    """
    if len(line) != HEADER_BYTES or line[_CRC_AT + 8 :] != b'"}\n':
        return None
    if b"%08x" % zlib.crc32(line[:_CRC_AT], segment_seed) != line[_CRC_AT : _CRC_AT + 8]:
        return None
    try:
        header = _decoder.decode(line)
    except msgspec.DecodeError:
        return None
    if (header.log_id, header.segment) != (log_id, segment):
        return None
    if header.version > FORMAT_VERSION:
        raise LogVersionUnknown(
            f"log {log_id}, segment {segment}: format version {header.version}, this program reads up to "
            f"{FORMAT_VERSION}; use the version that wrote it, or a later one"
        )
    return header


class SegmentFile:
    """Positioned reads of frames in one segment file; the file may still be growing."""

    def __init__(self, files: FileSystem, descriptor: int, log_id: str, segment: int) -> None:
        self.log_id = log_id
        self.segment = segment
        self._files = files
        self._descriptor = descriptor
        self._seed = seed(log_id, segment)

    def header_at(self, at: int) -> Header | None:
        """Return the intact header that begins at byte `at`, or None.

        Raises:
            LogVersionUnknown: an intact header of a later version.
        """
        line = self._files.read(self._descriptor, HEADER_BYTES, at)
        return parse(line, self.log_id, self.segment, self._seed)

    def payload_of(self, header: Header, at: int) -> bytes | None:
        """Return the lines of the group whose header begins at `at`, or None where they are short or damaged."""
        if header.frame != "DATA":
            return b""
        payload = self.read(header.payload_bytes, at + HEADER_BYTES)
        if len(payload) != header.payload_bytes or payload_crc(payload, self._seed) != header.payload_crc:
            return None
        return payload

    def read(self, count: int, at: int) -> bytes:
        """Return the bytes as they are."""
        return self._files.read(self._descriptor, count, at)

    def size(self) -> int:
        """Return the file's length in bytes."""
        return self._files.size(self._descriptor)

    def frame_behind(self, at: int) -> int | None:
        """Return the first byte behind `at` on which an intact header begins (resynchronisation, rule R3)."""
        at += 1
        while chunk := self.read(RESYNC_BYTES + HEADER_BYTES, at):
            # Not only where a line begins: the line end before it may be what is damaged.
            found = chunk.find(_BEGIN)
            while 0 <= found < RESYNC_BYTES:
                if parse(chunk[found : found + HEADER_BYTES], self.log_id, self.segment, self._seed):
                    return at + found
                found = chunk.find(_BEGIN, found + 1)
            at += RESYNC_BYTES
        return None


def intact_frames(file: SegmentFile) -> Iterator[tuple[int, Header]]:
    """Yield every intact frame of a segment with the byte it begins at; damage between them is passed over."""
    at: int | None = 0
    while at is not None:
        header = file.header_at(at)
        if header is None or file.payload_of(header, at) is None:
            at = file.frame_behind(at)
            continue
        yield at, header
        at = header.end(at)


def totals_of(file: SegmentFile) -> Totals:
    """Return the totals of a segment's intact groups."""
    totals = Totals()
    for _, header in intact_frames(file):
        if header.frame == "DATA":
            totals.add(header.count, header.bytes, header.rejected, header.duplicates)
    return totals
