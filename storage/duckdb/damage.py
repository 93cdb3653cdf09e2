"""Which errors of DuckDB say that its files are damaged, and which that it was not let at them."""

import errno
import os

import duckdb

MARKS = (
    "Corrupt WAL",
    "Corrupt database file",
    "Corrupted ",
    "Could not read enough bytes",
    "Database file appears to be corrupted",
    "Failed to deserialize",
    "Failure while replaying WAL",
    "No more data remaining in MetadataReader",
    "Serialization Error",
    "This WAL was created for",
    "This block was written with a mode that is not recognized",
    "is not a valid DuckDB database file",
)
"""What DuckDB 2.0 says of files that were truncated, torn, bit-flipped or never synced.

Found by tests/storage/test_duckdb_heals.py and tests/crash/test_store_power.py.
"""

CIRCUMSTANCES = (
    "Could not set lock",
    "Out of Memory",
    *(
        os.strerror(number)
        for number in (
            errno.EACCES,
            errno.EDQUOT,
            errno.EFBIG,
            errno.EIO,
            errno.EMFILE,
            errno.ENFILE,
            errno.ENOMEM,
            errno.ENOSPC,
            errno.EPERM,
            errno.EROFS,
        )
    ),
)
"""What passes without a new file: whatever else the text says, these come first."""


def is_damage(error: duckdb.Error) -> bool:
    """Return whether the files have to be set aside."""
    text = str(error)
    return not any(one in text for one in CIRCUMSTANCES) and any(mark in text for mark in MARKS)


def is_fatal(error: duckdb.Error) -> bool:
    """Return whether every connection is useless from now on, until the file is opened anew."""
    return isinstance(error, duckdb.FatalException | duckdb.InternalException)
