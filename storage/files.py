"""Files that survive a power cut: replaced whole, directories synced."""

import contextlib
import fcntl
import os
import secrets
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put `content` under `path`: after a crash the file is wholly the old one or wholly the new one.

    After an OSError it is the old one, or, when syncing its name was what failed, perhaps the new one.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            sync(file.fileno())
        temporary.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    fsync_directory(path.parent)


def fsync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path, mode: int = 0o700) -> None:
    """Make one directory and its name durable; without effect when it exists."""
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        return
    fsync_directory(path.parent)


def sync(descriptor: int) -> None:
    """fsync(2); on macOS the disk's own cache is flushed too, which plain fsync leaves out there (fsync(2), macOS)."""
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is None:
        os.fsync(descriptor)
    else:
        fcntl.fcntl(descriptor, full)


def sync_data(descriptor: int) -> None:
    """fdatasync(2): the bytes and what is needed to read them back; `sync` where the system has only that."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        sync(descriptor)
