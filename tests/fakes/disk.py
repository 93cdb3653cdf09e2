"""A data directory without a disk."""

from storage.health import DiskUsage


class MemoryDisk:
    """A DiskSurvey of fixed figures; `lines` are those of dead logs."""

    def __init__(self, lines: dict[str, int] | None = None) -> None:
        self.lines = lines or {}

    def usage(self) -> DiskUsage:
        return DiskUsage(
            live_segments=2,
            live_bytes=300,
            archive_segments=1,
            archive_bytes=50,
            quarantine_bytes=7,
            disk_free_bytes=1 << 30,
            file_system="ext4",
            file_system_doubt=None,
            backup_at=None,
        )

    def lines_of(self, log_id: str) -> int:
        return self.lines.get(log_id, 0)
