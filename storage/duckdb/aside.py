"""Setting DuckDB's files aside: what is damaged is kept for a while, and never opened again."""

import contextlib
from datetime import datetime
from pathlib import Path

import structlog

from storage.crashpoint import reached
from storage.files import make_directory, replace_file
from storage.filesystem import LOCAL

QUARANTINED_STORES_MAX = 2
"""How many databases are kept aside: they are views of the log, which has everything."""

CONDEMNED_NAME = "condemned"
"""A file beside the database with the reason why both its files are to be set aside before anything opens them."""

log = structlog.get_logger()


def condemn(path: Path, reason: str) -> None:
    """Have the files of the database `path` set aside at the next start, also after a crash."""
    make_directory(path.parent)
    replace_file(path.with_name(CONDEMNED_NAME), reason.encode())


def condemned(path: Path) -> str | None:
    """Return why the files of the database are to be set aside, None where they are not."""
    try:
        return path.with_name(CONDEMNED_NAME).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def identity(path: Path) -> tuple[int, int] | None:
    """Return by what the database is told from another of its name, without opening it; None where it is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def set_aside(path: Path, quarantine: Path, reason: str, now: datetime) -> None:
    """Move the database and its write-ahead log into `quarantine` under one name; a crash on the way changes nothing."""
    condemn(path, reason)
    make_directory(quarantine)
    aside = quarantine / f"{path.name}.{now:%Y%m%dT%H%M%S%f}"
    # The log first: without its database it says nothing, and it must never be replayed on a new one.
    for suffix in (".wal", ""):
        with contextlib.suppress(FileNotFoundError):
            LOCAL.rename(path.with_name(path.name + suffix), aside.with_name(aside.name + suffix))
    LOCAL.sync_directory(quarantine)
    LOCAL.sync_directory(path.parent)
    reached("store_set_aside")
    path.with_name(CONDEMNED_NAME).unlink()
    LOCAL.sync_directory(path.parent)
    log.warning("store_set_aside", reason=reason, aside=str(aside))
    _forget(path.name, quarantine)


def _forget(name: str, quarantine: Path) -> None:
    """Remove all but the newest of the databases that are kept aside."""
    kept = [one for one in quarantine.iterdir() if one.name.startswith(f"{name}.")]
    newest = sorted({one.name.removesuffix(".wal") for one in kept})[-QUARANTINED_STORES_MAX:]
    for one in kept:
        if one.name.removesuffix(".wal") not in newest:
            one.unlink()
            log.warning("set_aside_store_removed", file=one.name)
    LOCAL.sync_directory(quarantine)
