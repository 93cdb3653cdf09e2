"""The last position that was loaded, kept beside the database: an operator is told when the ledger ends before it.

DuckDB opens without a word where its write-ahead log is gone or cut; what it held is loaded again. The note is written
after the commit and not synced: after a crash it may be too small or empty, and nothing is told then, never too much.
"""

from pathlib import Path

import structlog
from duckdb import DuckDBPyConnection

from storage.files import write_all
from storage.filesystem import LOCAL

NAME = "last_position"
DIGITS = 20

log = structlog.get_logger()


def note_position(path: Path, position: int) -> None:
    """Keep the position of the last load into the database `path`."""
    name = path.with_name(NAME)
    try:
        descriptor = LOCAL.open(name, write=True)
    except FileNotFoundError:
        descriptor = LOCAL.create(name)
    try:
        # Over the old one, all of it: ext4 writes a file that was emptied first to the disk when it is closed.
        write_all(descriptor, f"{position:0{DIGITS}d}\n".encode("ascii"), 0)
    finally:
        LOCAL.close(descriptor)


def forget_position(path: Path) -> None:
    """Forget it: the next database at `path` is a new one."""
    path.with_name(NAME).unlink(missing_ok=True)


def tell_what_is_gone(connection: DuckDBPyConnection, path: Path) -> None:
    """Log how many loads the ledger does not have any more, and go on from where it ends."""
    row = connection.execute("SELECT coalesce(max(position), 0) FROM ledger").fetchone()
    assert row is not None
    noted = _noted(path)
    if row[0] < noted:
        log.warning(
            "store_rows_gone", loads=noted - row[0], position=row[0], reason="DuckDB's files were cut or deleted"
        )
    if row[0] != noted:
        note_position(path, row[0])


def _noted(path: Path) -> int:
    try:
        text = path.with_name(NAME).read_bytes().strip()
    except FileNotFoundError:
        return 0
    return int(text) if text.isdigit() else 0
