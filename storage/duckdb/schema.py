"""The tables of the store, and the version that says which tables a file has."""

from datetime import datetime

from duckdb import DuckDBPyConnection

from storage.duckdb.statement import statement
from storage.errors import StorageError

VERSION = 7


class SchemaOutdated(StorageError):
    """The file was made by an earlier program; what it holds is in the log too."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the file has schema version {version}; this program reads {VERSION}")
        self.version = version


def prepare(connection: DuckDBPyConnection, created_at: datetime) -> None:
    """Create the tables in a new file; refuse one whose tables are not ours.

    Raises:
        SchemaOutdated: the tables are those of an earlier version.
        StorageError: they are those of a later version, or of somebody else.
    """
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not tables:
        _create(connection, created_at)
    elif "schema_version" not in tables:
        raise StorageError(f"the file has the tables {', '.join(sorted(tables))}: it is not a Footfall store")
    else:
        _check(connection)


def _create(connection: DuckDBPyConnection, created_at: datetime) -> None:
    connection.begin()
    connection.execute(statement("schema"))
    connection.execute("INSERT INTO schema_version VALUES ($1, $2)", [VERSION, created_at])
    connection.commit()


def _check(connection: DuckDBPyConnection) -> None:
    rows = connection.execute("SELECT version FROM schema_version").fetchall()
    if len(rows) == 1 and rows[0][0] < VERSION:
        raise SchemaOutdated(rows[0][0])
    if rows != [(VERSION,)]:
        raise StorageError(f"the file has schema version {rows}; this program reads {VERSION}")
