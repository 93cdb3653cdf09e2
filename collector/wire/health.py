"""How the daemon is, as it goes over the wire: GET /health, /ready and /version."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType


class LogHealth(msgspec.Struct, frozen=True):
    """What the log of this start says of itself; `durable_offset` is -1 while nothing is durable."""

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
    commit_p50_s: float | None
    commit_p99_s: float | None


class Ledger(msgspec.Struct, frozen=True):
    """What became of every item that was answered 2xx: answered = stored + duplicate + rejected + lost + pending."""

    answered: int
    stored: int
    duplicate: int
    rejected: int
    lost: int
    pending: int


class DiskUsage(msgspec.Struct, frozen=True):
    """What lies in the data directory; `live` segments are in the log, `backup_at` is of the last verified backup.

    `file_system` is null where the system does not say; `file_system_doubt` is why a 2xx may not be durable there.
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


class Lag(msgspec.Struct, frozen=True):
    """How far the store is behind the log: items, bytes with their frame headers, and for how long it always was.

    While the store is away `bytes` are all of the live segments, so that it is behind by no more; the rest is null.
    """

    events: int | None
    bytes: int
    seconds: float | None


class LogCounts(msgspec.Struct, frozen=True):
    """What logs hold: `lines`, of which `rejected` are rejected items, and `duplicates` that have no line."""

    lines: int
    rejected: int
    duplicates: int


class RebuildProgress(msgspec.Struct, frozen=True):
    """A store that is being filled again from `bytes_total` of log and archive; `left_s` is an estimate."""

    reason: str
    began_at: datetime
    bytes_total: int
    bytes_left: int
    left_s: float | None


class StoreHealth(msgspec.Struct, frozen=True):
    """What the store says of itself: counts since it was created, `lag_bytes` of durable log not yet loaded for `lag_s`.

    `lines` of all logs are taken: each is a row, rejected, a repeat, or lost to damage; `door_duplicates` of the
    `n_duplicates` have no line. `marked` are events of the rows: by why they are filtered, by the wish that was honoured,
    and `violation`s of definitions. `ended` is what the logs of earlier starts hold. `alarms` name damage of the logs,
    `unreadable` the logs that cannot be read now, and why.
    """

    position: int
    n_rows: int
    n_rejected: int
    n_duplicates: int
    n_lost: int
    door_duplicates: int
    lines: int
    loaded_at: datetime | None
    marked: dict[str, int]
    lag_bytes: int
    lag_s: float
    ended: LogCounts
    alarms: list[str]
    unreadable: list[str]
    last_error: str | None
    checkpoint_at: datetime | None
    erasing: int
    rebuild: RebuildProgress | None


class Health(msgspec.Struct, frozen=True):
    """GET /health: everybody is told `status`, an administrator the rest.

    `store` and `ledger` are null while nobody answers there.
    """

    status: Literal["ok", "degraded"]
    reasons: list[str] | UnsetType = UNSET
    log: LogHealth | UnsetType = UNSET
    store: StoreHealth | UnsetType | None = UNSET
    ledger: Ledger | UnsetType | None = UNSET
    lag: Lag | UnsetType = UNSET
    disk: DiskUsage | UnsetType = UNSET


class LogReport(msgspec.Struct, frozen=True):
    """GET /admin/log: the log and what became of what it took; what the store is asked is null while it is away."""

    log: LogHealth
    ledger: Ledger | None
    lag: Lag
    checkpoint_at: datetime | None
    disk: DiskUsage
    marked: dict[str, int] | None = None


class Ready(msgspec.Struct, frozen=True):
    """GET /ready: tracking is accepted; else the answer is a problem of status 503."""

    status: Literal["ready"] = "ready"


class Build(msgspec.Struct, frozen=True):
    """What a program was built from; commit and date are null in a checkout that nobody built."""

    version: str
    commit: str | None
    build_date: str | None


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """GET /version: the daemon's build, and those of the client and the tracker that came with it."""

    server: Build
    client: Build | None = None
    tracker: Build | None = None
