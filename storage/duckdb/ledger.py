"""What the store has noted of itself: how far each log is loaded, and whether it is being filled again."""

from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from storage.duckdb.statement import statement
from storage.health import RebuildBegun
from storage.ports import LogPosition


def positions(connection: DuckDBPyConnection) -> dict[str, LogPosition]:
    """Return how far each log is loaded, by log_id."""
    rows = connection.execute(statement("positions")).fetchall()
    fields = ("log_id", "next_offset", "segment", "byte_end")
    return {row[0]: LogPosition(**dict(zip(fields, row, strict=True))) for row in rows}


def rebuild_begun(connection: DuckDBPyConnection) -> RebuildBegun | None:
    """Return the rebuild that has begun and not ended."""
    row = connection.execute(statement("rebuild")).fetchone()
    if row is None or row[1] is None:
        return None
    return RebuildBegun(row[0].replace(tzinfo=UTC), row[1], row[2])


def note_rebuild(connection: DuckDBPyConnection, at: datetime, reason: str | None, bytes_total: int) -> None:
    """Note that a rebuild has begun for `reason`, or without one that it has ended."""
    noted_at = at.astimezone(UTC).replace(tzinfo=None)
    connection.execute("INSERT INTO rebuild VALUES ($1, $2, $3)", [noted_at, reason, bytes_total])
