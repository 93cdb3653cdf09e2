"""Opening the database file: every limit is set before the first statement, and locked."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from storage.duckdb.damage import is_damage
from storage.duckdb.last_position import tell_what_is_gone
from storage.duckdb.schema import SchemaOutdated, prepare
from storage.duckdb.statement import statement
from storage.errors import StorageError, StoreDamaged

TEMP_BYTES_MAX = 1 << 30
"""What a question that does not fit into memory may take of the disk; DuckDB's own limit is 90 % of what is free."""

JOIN_VALUES_MAX = 1000
"""Up to so many values of one side of a join DuckDB skips what cannot match them on the other; its own limit is 50.

So a load with events of some hundred different hours reads the row groups of these, not all between the first and the last.
"""


def connect(
    path: Path, *, memory_limit_mb: int, threads: int, temp_directory: Path, created_at: datetime
) -> DuckDBPyConnection:
    """Open or create the store's file.

    Statements reach no file outside the file's own directory, and no network; extensions are never loaded.

    Raises:
        SchemaOutdated: the file is of an earlier version, and closed again.
        StoreDamaged: the file or its write-ahead log is damaged, or rows and ledger do not agree.
        StorageError: the file cannot be opened now or is not ours; the message names it.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_limit_mb}MiB",
        "threads": threads,
        "temp_directory": str(temp_directory),
        "max_temp_directory_size": f"{TEMP_BYTES_MAX}B",
        "dynamic_or_filter_threshold": JOIN_VALUES_MAX,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }
    with contextlib.ExitStack() as undo:
        with _told(path):
            connection = undo.enter_context(duckdb.connect(str(path), config=settings))
            _confine(connection, path.parent)
            prepare(connection, created_at)
            _check_counts(connection)
            tell_what_is_gone(connection, path)
        undo.pop_all()
    return connection


def _confine(connection: DuckDBPyConnection, directory: Path) -> None:
    # DuckDB takes these three only from a running database, and in this order.
    quoted = str(directory.absolute()).replace("'", "''")
    connection.execute(f"SET allowed_directories = ['{quoted}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _check_counts(connection: DuckDBPyConnection) -> None:
    if connection.execute(statement("counts_agree")).fetchone() != (True,):
        raise StoreDamaged("rows and ledger do not agree")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (SchemaOutdated, StoreDamaged):
        raise
    except (duckdb.Error, StorageError) as error:
        damaged = isinstance(error, duckdb.Error) and is_damage(error)
        raise (StoreDamaged if damaged else StorageError)(f"{path} cannot be opened: {error}") from error
