"""How log, disk, loading and the store are; what is the store's crosses the store link."""

from datetime import datetime

import msgspec


class StoreHealthQuery(msgspec.Struct, frozen=True, tag="health"):
    """How the store is."""


class LogCounts(msgspec.Struct, frozen=True):
    """What logs hold: `lines` is every offset that was given, damaged ones too; `rejected` of them are rejected items.

    `duplicates` were answered at the door and have no line.
    """

    lines: int = 0
    rejected: int = 0
    duplicates: int = 0


class RebuildBegun(msgspec.Struct, frozen=True):
    """Since when and why the store is filled again, with `bytes_total` of the logs."""

    began_at: datetime
    reason: str
    bytes_total: int


class RebuildProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a rebuild is; `left_s` is an estimate from the speed so far, None before there is one."""

    reason: str
    began_at: datetime
    bytes_total: int
    bytes_left: int
    left_s: float | None

    def __str__(self) -> str:
        """Return share and time left, for people."""
        done = 100 * (1 - self.bytes_left / self.bytes_total) if self.bytes_total else 100
        return f"{done:.0f} %" if self.left_s is None else f"{done:.0f} %, about {self.left_s:.0f} s left"


class LoadProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far loading is.

    `lag_bytes` of the logs are not loaded yet, and have not all been for `lag_s`. `ended` counts the logs whose writer
    is dead. `alarms` name damage of the logs, `unreadable` the logs that cannot be read now, and why; `last_error` is what
    keeps all events from being loaded, if anything does.
    `checkpoint_at` is when the store was last known to need none of the log's older segments. `erasing` identifiers of
    people are being erased. While there is a `rebuild` nothing else is answered.
    """

    lag_bytes: int
    lag_s: float
    ended: LogCounts
    alarms: tuple[str, ...]
    unreadable: tuple[str, ...]
    last_error: str | None
    checkpoint_at: datetime | None
    erasing: int
    rebuild: RebuildProgress | None


class StoreHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What the store took of the logs, and how far it is behind.

    `lines` of all logs are taken: the offsets up to the last one of each. Each is a row, rejected, a repeat or lost:
    lines = n_rows + n_rejected + (n_duplicates - door_duplicates) + n_lost, where `door_duplicates` are the repeats that
    were answered at the door and have no line. `loaded_at` is the time of the last load. `marked` are events of the rows by
    why they are filtered, by the browser's wish, and of `violation`s. The rest is LoadProgress.
    """

    position: int
    n_rows: int
    n_rejected: int
    n_duplicates: int
    n_lost: int
    door_duplicates: int
    lines: int
    loaded_at: datetime | None
    marked: dict[str, int] = {}
    lag_bytes: int = 0
    lag_s: float = 0.0
    ended: LogCounts = LogCounts()
    alarms: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    last_error: str | None = None
    checkpoint_at: datetime | None = None
    erasing: int = 0
    rebuild: RebuildProgress | None = None


class LogHealth(msgspec.Struct, frozen=True):
    """What a log says of itself; offsets count from 0, so `durable_offset` is -1 while nothing is durable.

    `commit_p50_s` and `commit_p99_s` are of the last groups: from the hand-over to the disk's thread until durable.
    """

    log_id: str
    accepting: bool
    reason: str | None
    durable_offset: int
    segment: int
    segment_bytes: int
    unflushed_bytes: int
    groups: int
    duplicates: int
    rejected: int
    commit_p50_s: float | None = None
    commit_p99_s: float | None = None


class DiskUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a data directory, in bytes as the files have them, and what its disk still takes.

    `live` segments are in the log, loaded or not; `backup_at` is when the last verified backup was made. `file_system` is
    None where the system does not say; `file_system_doubt` is why what was synced there may be lost all the same.
    """

    live_segments: int
    live_bytes: int
    archive_segments: int
    archive_bytes: int
    quarantine_bytes: int
    disk_free_bytes: int
    file_system: str | None
    file_system_doubt: str | None
    backup_at: datetime | None
