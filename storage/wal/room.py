"""Whether the log may grow: the disk's watermark, and how far the store may be behind."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from storage.errors import LogFull
from storage.filesystem import LOCAL, FileSystem
from storage.wal.segment import segment_name
from storage.wal.segments import segments_of

NO_DESCRIPTORS = frozenset((errno.EMFILE, errno.ENFILE))


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
    try:
        backlog = sum(_sizes(root, files))
    except OSError as error:
        if error.errno not in NO_DESCRIPTORS:
            raise
        return  # no new segment can be opened either: the log grows by the rest of this one at most
    if backlog > backlog_bytes_max:
        raise LogFull(
            f"{root} holds {backlog} bytes that are not in the archive yet, log.backlog_bytes_max is {backlog_bytes_max}: "
            "/health says why the store is behind"
        )


def _sizes(root: Path, files: FileSystem) -> Iterator[int]:
    for log_id in files.names(root):
        for segment in segments_of(root / log_id, files) if log_id[0].isdigit() else ():
            with contextlib.suppress(FileNotFoundError):  # archived meanwhile
                descriptor = files.open(root / log_id / segment_name(segment))
                try:
                    yield files.size(descriptor)
                finally:
                    files.close(descriptor)
