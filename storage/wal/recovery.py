"""Ending a dead log: the torn tail of its last segment is cut, kept aside, and the segment sealed.

Rules R1, R2 and R4 of the durability design: only the last group of a log can be torn, since a group is written only
after the one before it was synced. What is damaged before an intact frame is left for the reader to name (rule R3).
Nothing is ever appended to a recovered log but its SEAL.
"""

from pathlib import Path

import msgspec
import structlog

from storage.files import make_directory, replace_file, write_all
from storage.filesystem import FileSystem
from storage.wal.segment import HEADER_BYTES, Header, SegmentFile, Totals, intact_frames, pack, seed, segment_name
from storage.wal.segments import segments_of

log = structlog.get_logger()


def recover(directory: Path, quarantine: Path, files: FileSystem) -> None:
    """Make the last segment of a dead log end in a SEAL; the caller holds the log's lock. Idempotent."""
    for segment in reversed(segments_of(directory, files)):
        path = directory / segment_name(segment)
        descriptor = files.open(path, write=True)
        try:
            if _Recovery(files, descriptor, path, quarantine).seal():
                return
        finally:
            files.close(descriptor)


class _Recovery:
    def __init__(self, files: FileSystem, descriptor: int, path: Path, quarantine: Path) -> None:
        self._files = files
        self._descriptor = descriptor
        self._path = path
        self._quarantine = quarantine
        self._file = SegmentFile(files, descriptor, path.parent.name, int(path.stem))

    def seal(self) -> bool:
        """Leave the segment sealed, or take it away and return False."""
        tail = self._file.header_at(max(0, self._file.size() - HEADER_BYTES))
        if tail is not None and tail.frame == "SEAL":
            return True  # what stands before it is verified when it is read
        last, end, totals = self._intact()
        self._cut(end)
        if last is None:
            # Its head never reached the disk, so nothing in it was ever acknowledged.
            self._files.remove(self._path)
        elif last.frame != "SEAL":
            write_all(self._descriptor, _seal_behind(last, totals), end, files=self._files)
            self._files.sync(self._descriptor)
        self._files.sync_directory(self._path.parent)
        return last is not None

    def _intact(self) -> tuple[Header | None, int, Totals]:
        """Return the last intact frame, its end, and the totals of what is intact."""
        last, end, totals = None, 0, Totals()
        for at, header in intact_frames(self._file):
            last, end = header, header.end(at)
            if header.frame == "DATA":
                totals.add(header.count, header.bytes, header.rejected, header.duplicates)
        return last, end, totals

    def _cut(self, end: int) -> None:
        size = self._file.size()
        if size == end:
            return
        torn = self._file.read(size - end, end)
        if torn.strip(b"\0"):
            aside = self._quarantine / f"{self._file.log_id}-{self._path.name}-{end}"
            make_directory(aside.parent, files=self._files)
            replace_file(aside, torn, files=self._files)
            log.warning("log_tail_cut", file=aside.name, at_byte=end, bytes=len(torn), kept_in=str(aside))
        self._files.truncate(self._descriptor, end)
        self._files.sync(self._descriptor)


def _seal_behind(last: Header, totals: Totals) -> bytes:
    header = Header(
        frame="SEAL",
        log_id=last.log_id,
        segment=last.segment,
        first_offset=last.next_offset,
        **msgspec.structs.asdict(totals),
        reason="recovered",
        prev_crc=last.header_crc,
    )
    return pack(header, seed(last.log_id, last.segment))
