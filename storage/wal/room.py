"""Whether the log may grow: the disk's watermark, and how far the store may be behind."""

import contextlib
from pathlib import Path

from storage.errors import LogFull
from storage.filesystem import LOCAL, FileSystem
from storage.wal.directory import log_ids
from storage.wal.segment import segment_name
from storage.wal.segments import segments_of


def require_room(directory: Path, free_bytes_min: int, files: FileSystem = LOCAL) -> None:
    """Raise LogFull unless the disk of `directory` has `free_bytes_min` free for those who are not root."""
    free = files.free_bytes(directory)
    if free < free_bytes_min:
        raise LogFull(
            f"{directory} has {free} bytes free, the watermark is {free_bytes_min}: "
            "make room, or lower log.disk_free_bytes_min"
        )


def require_short(root: Path, backlog_bytes_max: int, files: FileSystem = LOCAL) -> None:
    """Raise LogFull where the live segments of all logs below `root` have more than `backlog_bytes_max`."""
    backlog = _bytes_below(root, files)
    if backlog > backlog_bytes_max:
        raise LogFull(
            f"{root} holds {backlog} bytes that are not in the archive yet, log.backlog_bytes_max is {backlog_bytes_max}: "
            "/health says why the store is behind"
        )


def _bytes_below(root: Path, files: FileSystem) -> int:
    """Return the bytes of all segments that can be looked at; who loads them says what is wrong with the others."""
    with contextlib.suppress(OSError):
        return sum(
            _size(root / log_id / segment_name(segment), files)
            for log_id in log_ids(root, files)
            for segment in segments_of(root / log_id, files)
        )
    return 0


def _size(path: Path, files: FileSystem) -> int:
    with contextlib.suppress(OSError):  # archived meanwhile, or a sector that cannot be read
        descriptor = files.open(path)
        try:
            return files.size(descriptor)
        finally:
            files.close(descriptor)
    return 0
