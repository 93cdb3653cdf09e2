"""Ending a dead log: the torn tail of its last segment is cut, kept aside, and the segment sealed.

Rules R1, R2 and R4 of the durability design: only the last group of a log can be torn, since a group is written only
after the one before it was synced. Nothing is ever appended to a recovered log.
"""

import os
from pathlib import Path

import structlog

from storage.errors import LogCorrupt
from storage.files import fsync_directory, make_directory
from storage.wal.segment import Header, SegmentFile, pack, seed, segment_name

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
    last, end, count, payload_bytes = _intact_prefix(file)
    if last is not None and last.frame == "SEAL":
        return
    if behind := file.frame_begins(end + 1):
        raise LogCorrupt(f"{path}: no intact frame at byte {end}, but one at byte {behind[0]}")
    _cut(descriptor, end, quarantine / f"{log_id}-{path.name}-{end}")
    if last is None:
        # Its head never reached the disk, so nothing in it was ever acknowledged.
        path.unlink()
    else:
        seal = Header(
            frame="SEAL",
            log_id=log_id,
            segment=segment,
            first_offset=last.next_offset,
            count=count,
            bytes=payload_bytes,
            reason="recovered",
            prev_crc=last.header_crc,
        )
        os.pwrite(descriptor, pack(seal, seed(log_id, segment)), end)
        os.fsync(descriptor)
    fsync_directory(path.parent)


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
        aside.write_bytes(torn)
        log.warning("log_tail_cut", file=aside.name, at_byte=end, bytes=len(torn), kept_in=str(aside))
    os.ftruncate(descriptor, end)
    os.fsync(descriptor)
