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

POISON = (duckdb.ConstraintException, duckdb.DataError, duckdb.InvalidInputException)
"""What DuckDB raises for the lines of a batch: a missing or ill-typed member, bytes that are no JSON or no UTF-8.

Its text quotes what a client sent: to look for `MARKS` there would let any line set the files aside.
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
    is_told = any(mark in text for mark in MARKS) and not any(one in text for one in CIRCUMSTANCES)
    return is_told and not isinstance(error, POISON)


def is_fatal(error: duckdb.Error) -> bool:
    """Return whether every connection is useless from now on, until the file is opened anew."""
    return isinstance(error, duckdb.FatalException | duckdb.InternalException)
