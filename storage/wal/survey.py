"""How much lies in a data directory: the log, the archive, what was set aside; and what room is left."""

from collections.abc import Iterator
from pathlib import Path

from storage.backup_note import read_note
from storage.filesystem import LOCAL
from storage.health import DiskUsage
from storage.mounts import doubt, file_system_of
from storage.wal.archive import SUFFIX as ARCHIVE_SUFFIX
from storage.wal.archive import Archive
from storage.wal.segments import SUFFIX, Segments


class Survey:
    """A DiskSurvey of the directory `data`."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._segments = Segments(data / "log", Archive(data / "archive"))

    def usage(self) -> DiskUsage:
        """Return what lies there as the port says; a segment that moves to the archive meanwhile may count twice."""
        live = list(_sizes(self._data / "log", f"*/*{SUFFIX}"))
        archived = list(_sizes(self._data / "archive", f"*/*{ARCHIVE_SUFFIX}"))
        note = read_note(self._data)
        file_system = file_system_of(self._data)
        return DiskUsage(
            live_segments=len(live),
            live_bytes=sum(live),
            archive_segments=len(archived),
            archive_bytes=sum(archived),
            quarantine_bytes=sum(_sizes(self._data / "quarantine", "*")),
            disk_free_bytes=LOCAL.free_bytes(self._data),
            file_system=file_system,
            file_system_doubt=doubt(file_system),
            backup_at=None if note is None else note.made_at,
        )

    def lines_of(self, log_id: str) -> int:
        """Return how many offsets a log has given, as the port says."""
        numbers = self._segments.numbers(log_id)
        return self._segments.end(log_id, numbers[-1]).next_offset if numbers else 0


def _sizes(directory: Path, pattern: str) -> Iterator[int]:
    for path in directory.glob(pattern):
        try:
            yield path.stat().st_size
        except FileNotFoundError:
            continue  # archived, or erased, meanwhile
