"""The manifest of an archived segment: a line of JSON, and a line with the CRC-32 of the first."""

import zlib

import msgspec

from storage.errors import LogCorrupt, LogVersionUnknown

MANIFEST_VERSION = 1


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an archived segment holds.

    `first_offset` is its first line's, `next_offset` the one behind its last; `count`, `rejected` and `duplicates` are
    of its intact groups, as in a SEAL. `bytes` and `sha256` are of the segment, unpacked. `is_rewritten`: somebody was erased
    from it, and its bytes are not those that the log had.
    """

    version: int = MANIFEST_VERSION
    log_id: str
    segment: int
    first_offset: int
    next_offset: int
    count: int
    rejected: int
    duplicates: int
    bytes: int
    sha256: str
    is_rewritten: bool = False


_decoder = msgspec.json.Decoder(Manifest)


def text_of(manifest: Manifest) -> bytes:
    """Return the two lines."""
    line = msgspec.json.encode(manifest)
    return line + b"\n" + _crc_line(line)


def manifest_of(text: bytes, place: str) -> Manifest:
    """Return what `text_of` was given; errors name `place`.

    Raises:
        LogCorrupt: the text is damaged.
        LogVersionUnknown: it is not, and a later version wrote it.
    """
    line, _, crc = text.partition(b"\n")
    # A line whose CRC is right says its version truly: without that, one flipped bit would look like a later version.
    if crc != _crc_line(line):
        raise LogCorrupt(f"{place}: manifest: CRC is not that of its line")
    version = _version_of(line, place)
    if version > MANIFEST_VERSION:
        raise LogVersionUnknown(f"{place}: version {version}, this program reads up to {MANIFEST_VERSION}")
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LogCorrupt(f"{place}: manifest: {error}") from None


class _Versioned(msgspec.Struct):
    version: int


_versions = msgspec.json.Decoder(_Versioned)


def _version_of(line: bytes, place: str) -> int:
    """Return the version alone: a later one may have members that this program does not know."""
    try:
        return _versions.decode(line).version
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LogCorrupt(f"{place}: manifest: {error}") from None


def _crc_line(line: bytes) -> bytes:
    return b"%08x\n" % zlib.crc32(line)
