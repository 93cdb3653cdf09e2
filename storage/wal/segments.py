"""Where the segments of every log are: the live ones in their log's directory, the others in the archive."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from storage.errors import LogCorrupt
from storage.filesystem import LOCAL, FileSystem
from storage.lock import Lock
from storage.wal.archive import Archive
from storage.wal.directory import LOCK_NAME, log_ids
from storage.wal.manifest import Manifest
from storage.wal.segment import HEADER_BYTES, SegmentFile, Totals, intact_frames, segment_name, totals_of

SUFFIX = ".ndjson"
SEGMENT = re.compile(r"(\d{16})" + re.escape(SUFFIX))
"""Any other name in a log's directory is somebody else's."""

TOTALS_SINCE_VERSION = 2
"""Version of the format since when a SEAL has all totals."""


class SegmentEnd(NamedTuple):
    """What a closed segment holds, and the offset behind its last line."""

    next_offset: int
    totals: Totals


def segments_of(directory: Path, files: FileSystem = LOCAL) -> list[int]:
    """Return the numbers of the segments in a log's directory, in order; none where there is no directory."""
    try:
        names = files.names(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(found[1]) for name in names if (found := SEGMENT.fullmatch(name)))


class Segments:
    """Every segment below `root`, and every one that `archive` keeps."""

    def __init__(self, root: Path, archive: Archive, *, files: FileSystem = LOCAL) -> None:
        self.root = root
        self.archive = archive
        self.files = files

    def log_ids(self) -> list[str]:
        """Return every log, oldest first."""
        return sorted({*self.live_log_ids(), *self.archive.log_ids()})

    def live_log_ids(self) -> list[str]:
        """Return the logs that have a directory of their own, oldest first."""
        return log_ids(self.root, self.files)

    def numbers(self, log_id: str) -> list[int]:
        """Return the log's segments in order."""
        return sorted({*self.live(log_id), *self.archive.numbers(log_id)})

    def live(self, log_id: str) -> list[int]:
        """Return the log's segments that are not only in the archive, in order."""
        return segments_of(self.root / log_id, self.files)

    def path(self, log_id: str, segment: int) -> Path:
        """Return where a live segment is."""
        return self.root / log_id / segment_name(segment)

    def lock(self, log_id: str) -> Lock:
        """Return the lock that the log's writer holds while it lives."""
        return Lock(self.root / log_id / LOCK_NAME, files=self.files)

    def size(self, log_id: str, segment: int) -> int:
        """Return the bytes of a segment, unpacked; of an archived one whose manifest is damaged its packed bytes."""
        try:
            with self._live(log_id, segment) as file:
                return file.size()
        except FileNotFoundError:
            kept = self._kept(log_id, segment)
            return kept.bytes if kept else self.archive.packed_bytes(log_id, segment)

    def told_end(self, log_id: str, segment: int) -> int:
        """Return the offset behind an archived segment's last line as its manifest says; 0 where nothing says it."""
        kept = self._kept(log_id, segment)
        return kept.next_offset if kept else 0

    def is_rewritten(self, log_id: str, segment: int) -> bool:
        """Return whether somebody was erased from the segment, so that its frames are at other bytes than they were."""
        kept = self._kept(log_id, segment)
        return kept is not None and kept.is_rewritten

    def end(self, log_id: str, segment: int) -> SegmentEnd:
        """Return what a segment that nobody writes holds; nothing where nothing says it."""
        try:
            with self._live(log_id, segment) as file:
                return _end_of(file)
        except FileNotFoundError:
            kept = self._kept(log_id, segment)
            if kept is None:
                return SegmentEnd(0, Totals())
            return SegmentEnd(kept.next_offset, Totals(kept.count, kept.bytes, kept.rejected, kept.duplicates))

    @contextlib.contextmanager
    def open(self, log_id: str, segment: int) -> Iterator[SegmentFile]:
        """Open a segment wherever it is.

        Raises:
            FileNotFoundError: it is nowhere.
        """
        with contextlib.ExitStack() as closing:
            try:
                file = closing.enter_context(self._live(log_id, segment))
            except FileNotFoundError:
                file = self.archive.open(log_id, segment)
            yield file

    def _kept(self, log_id: str, segment: int) -> Manifest | None:
        """Return the manifest, None where it is damaged or nowhere: reading the segment tells."""
        try:
            return self.archive.manifest(log_id, segment)
        except (FileNotFoundError, LogCorrupt):
            return None

    @contextlib.contextmanager
    def _live(self, log_id: str, segment: int) -> Iterator[SegmentFile]:
        descriptor = self.files.open(self.path(log_id, segment))
        try:
            yield SegmentFile(self.files, descriptor, log_id, segment)
        finally:
            self.files.close(descriptor)


def _end_of(file: SegmentFile) -> SegmentEnd:
    seal = file.header_at(max(0, file.size() - HEADER_BYTES))
    if seal is not None and seal.frame == "SEAL" and seal.version >= TOTALS_SINCE_VERSION:
        return SegmentEnd(seal.first_offset, Totals(seal.count, seal.bytes, seal.rejected, seal.duplicates))
    return SegmentEnd(max((one.next_offset for _, one in intact_frames(file)), default=0), totals_of(file))
