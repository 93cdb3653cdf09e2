"""Ending a dead log: the torn tail of its last segment is cut, kept aside, and the segment sealed.

Rules R1, R2 and R4 of the durability design: only the last group of a log can be torn, since a group is written only
after the one before it was synced. Nothing is ever appended to a recovered log.
"""

import os
from pathlib import Path
from typing import Literal

import structlog

from storage.errors import LogCorrupt
from storage.files import fsync_directory, make_directory, replace_file
from storage.wal.segment import HEADER_BYTES, Header, SegmentFile, header_crc, pack, seed, segment_name

log = structlog.get_logger()


def segments_of(directory: Path) -> list[int]:
    """Return the numbers of a log's segments in order."""
    return sorted(int(path.stem) for path in directory.glob("*.ndjson"))


def recover(directory: Path, quarantine: Path) -> None:
    """Make the last segment of a dead log end in a SEAL; the caller holds the log's lock. Idempotent.

    Raises:
        LogCorrupt: an intact group stands behind a bad one, so bytes that were durable are damaged; nothing was cut.
    """
    segments = segments_of(directory)
    if not segments:
        return
    path = directory / segment_name(segments[-1])
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        _recover_segment(descriptor, path, segments[-1], quarantine)
    finally:
        os.close(descriptor)


def _recover_segment(descriptor: int, path: Path, segment: int, quarantine: Path) -> None:
    log_id = path.parent.name
    file = SegmentFile(descriptor, log_id, segment)
    tail = file.header_at(max(0, file.size() - HEADER_BYTES))
    if tail is not None and tail.frame == "SEAL":
        return  # what stands before it is verified when it is read
    last, end, count, payload_bytes = _intact_prefix(file)
    if last is not None and last.frame == "SEAL":
        return
    if last is not None and _mend_fence(descriptor, file, last, end):
        _recover_segment(descriptor, path, segment, quarantine)
        return
    if behind := file.frame_begins(end + 1):
        raise LogCorrupt(f"{path}: no intact frame at byte {end}, but one at byte {behind[0]}")
    _cut(descriptor, end, quarantine / f"{log_id}-{path.name}-{end}")
    if last is None:
        # Its head never reached the disk, so nothing in it was ever acknowledged.
        path.unlink()
    else:
        seal = _following("SEAL", last, count=count, payload_bytes=payload_bytes, reason="recovered")
        os.pwrite(descriptor, seal, end)
        os.fsync(descriptor)
    fsync_directory(path.parent)


def _mend_fence(descriptor: int, file: SegmentFile, last: Header, end: int) -> bool:
    """Write the FENCE again that a power cut took while it left the frame behind it (rule R3); False where none is missing.

    Fences are not synced, so this loses nothing; and a fence is known to its last byte: the frame behind links to it.
    """
    fence = _following("FENCE", last)
    behind = file.header_at(end + HEADER_BYTES)
    if behind is None or behind.prev_crc != header_crc(fence):
        return False
    log.warning("log_fence_mended", log_id=last.log_id, segment=last.segment, at_byte=end)
    os.pwrite(descriptor, fence, end)
    os.fsync(descriptor)
    return True


def _following(
    frame: Literal["FENCE", "SEAL"], last: Header, *, count: int = 0, payload_bytes: int = 0, reason: str = ""
) -> bytes:
    header = Header(
        frame=frame,
        log_id=last.log_id,
        segment=last.segment,
        first_offset=last.next_offset,
        count=count,
        bytes=payload_bytes,
        reason=reason,
        prev_crc=last.header_crc,
    )
    return pack(header, seed(last.log_id, last.segment))


def _intact_prefix(file: SegmentFile) -> tuple[Header | None, int, int, int]:
    """Return the last intact frame of the unbroken run from byte 0, its end, and the run's lines and payload bytes."""
    last, at, count, payload_bytes = None, 0, 0, 0
    while (header := file.header_at(at)) is not None and file.payload_of(header, at) is not None:
        if header.frame == "DATA":
            count, payload_bytes = count + header.count, payload_bytes + header.bytes
        last, at = header, header.end(at)
        if header.frame == "SEAL":
            break
    return last, at, count, payload_bytes


def _cut(descriptor: int, end: int, aside: Path) -> None:
    size = os.fstat(descriptor).st_size
    if size == end:
        return
    torn = os.pread(descriptor, size - end, end)
    if torn.strip(b"\0"):
        make_directory(aside.parent)
        replace_file(aside, torn)
        log.warning("log_tail_cut", file=aside.name, at_byte=end, bytes=len(torn), kept_in=str(aside))
    os.ftruncate(descriptor, end)
    os.fsync(descriptor)
