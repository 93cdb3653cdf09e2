"""Writing an archived segment anew with other lines: offsets, counts and frames stay, bytes and CRCs change (rule R12)."""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from storage.wal.archive import Archive
from storage.wal.segment import SegmentFile, header_crc, intact_frames, pack, payload_crc, seed
from storage.wal.writer import NO_CRC

Clean = Callable[[bytes], bytes]


def rewrite(archive: Archive, log_id: str, segment: int, clean: Clean) -> bool:
    """Replace an archived segment by one whose lines went through `clean`; False, and nothing is changed, if none did.

    A damaged place of it is left out: whoever reads it meets the same gap.

    Raises:
        LogCorrupt: the archived file is not what its manifest says.
    """
    source = archive.open_whole(log_id, segment)
    if not any(clean(line) != line for line in _lines(source)):
        return False
    with archive.unnamed(log_id, segment, _rewritten(source, clean)) as copy:
        archive.put(copy, is_rewritten=True)
    return True


def _lines(source: SegmentFile) -> Iterator[bytes]:
    for at, header in intact_frames(source):
        yield from (source.payload_of(header, at) or b"").splitlines()


def _rewritten(source: SegmentFile, clean: Clean) -> Iterator[bytes]:
    segment_seed = seed(source.log_id, source.segment)
    prev_crc, payload_bytes = NO_CRC, 0
    for at, header in intact_frames(source):
        lines = (source.payload_of(header, at) or b"").splitlines()
        payload = b"".join(clean(line) + b"\n" for line in lines)
        new = replace(header, prev_crc=prev_crc)
        if header.frame == "DATA":
            payload_bytes += len(payload)
            new = replace(new, bytes=len(payload), payload_crc=payload_crc(payload, segment_seed))
        elif header.frame == "SEAL":
            new = replace(new, bytes=payload_bytes)
        packed = pack(new, segment_seed)
        prev_crc = header_crc(packed)
        yield packed + payload
