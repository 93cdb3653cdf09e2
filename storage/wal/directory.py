"""The directory of one log: born under its own number, with its lock held."""

import re
import secrets
from collections.abc import Callable
from pathlib import Path

from storage.files import read_file, replace_file
from storage.filesystem import FileSystem
from storage.lock import Lock

LOCK_NAME = "LOCK"
NUMBER_NAME = "log_number"
RANDOM_BYTES = 4
LOG_ID = re.compile(r"\d{10}-[0-9a-f]{8}")
"""Any other name beside the logs is somebody else's."""


def new_directory(
    root: Path, files: FileSystem, random_hex: Callable[[int], str] = secrets.token_hex
) -> tuple[str, Lock]:
    """Make `<root>/<log_id>/` for a log_id never used before and return that with the lock, which the caller frees."""
    number = _next_number(root, files)
    log_id = f"{number:010d}-{random_hex(RANDOM_BYTES)}"
    # The directory appears under its name with its lock held: a reader that finds it free knows its owner is dead.
    unborn = root / f".{log_id}"
    files.make_directory(unborn)
    lock = Lock(unborn / LOCK_NAME, files=files).acquire()
    files.rename(unborn, root / log_id)
    files.sync_directory(root)
    return log_id, lock


def log_ids(root: Path, files: FileSystem) -> list[str]:
    """Return the logs with a directory in `root`, oldest first; none where there is no such directory."""
    try:
        return sorted(name for name in files.names(root) if LOG_ID.fullmatch(name))
    except FileNotFoundError:
        return []


def _next_number(root: Path, files: FileSystem) -> int:
    path = root / NUMBER_NAME
    number = int(read_file(path, files=files)) + 1 if NUMBER_NAME in files.names(root) else 1
    replace_file(path, f"{number}\n".encode("ascii"), files=files)
    return number
