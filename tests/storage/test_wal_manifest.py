"""Manifests of a later version, and damaged ones."""

import json
import zlib

import pytest

from storage.errors import LogCorrupt, LogVersionUnknown
from storage.wal.manifest import MANIFEST_VERSION, Manifest, manifest_of, text_of

MANIFEST = Manifest(
    log_id="0000000001-0badcafe",
    segment=1,
    first_offset=0,
    next_offset=7,
    count=7,
    rejected=1,
    duplicates=2,
    bytes=4711,
    sha256="ab" * 32,
)


def line_of(**changed: object) -> bytes:
    return json.dumps(json.loads(text_of(MANIFEST).splitlines()[0]) | changed).encode("ascii") + b"\n"


def with_crc(line: bytes) -> bytes:
    return line + b"%08x\n" % zlib.crc32(line.removesuffix(b"\n"))


def test_what_is_written_is_read():
    assert manifest_of(text_of(MANIFEST), "here") == MANIFEST


def test_a_later_version_is_refused_whatever_members_it_has():
    with pytest.raises(LogVersionUnknown, match="here: version 2, this program reads up to 1"):
        manifest_of(with_crc(line_of(version=MANIFEST_VERSION + 1, codec="brotli")), "here")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"{}\n",
        text_of(MANIFEST)[:-1],
        line_of(),
        line_of(version=9),
        line_of(version=1, unknown=1),
        line_of(version="1"),
        with_crc(line_of(segment="one")),
        with_crc(b"[]\n"),
        with_crc(b"\xff\n"),
        text_of(MANIFEST).replace(b"4711", b"4712"),
        text_of(MANIFEST) + b"more",
    ],
)
def test_a_damaged_manifest_is_damage_and_never_a_later_version(text: bytes):
    with pytest.raises(LogCorrupt, match="here: manifest: "):
        manifest_of(text, "here")
