"""The directory of one log: born under its own number, with its lock held."""

import secrets
from pathlib import Path

from storage.files import fsync_directory, replace_file
from storage.lock import Lock

LOCK_NAME = "LOCK"
NUMBER_NAME = "log_number"


def new_directory(root: Path) -> tuple[str, Lock]:
    """Make `<root>/<log_id>/` for a log_id never used before and return that with the lock, which the caller frees."""
    number = _next_number(root)
    log_id = f"{number:010d}-{secrets.token_hex(4)}"
    # The directory appears under its name with its lock held: a reader that finds it free knows its owner is dead.
    unborn = root / f".{log_id}"
    unborn.mkdir(mode=0o700)
    lock = Lock(unborn / LOCK_NAME).acquire()
    unborn.rename(root / log_id)
    fsync_directory(root)
    return log_id, lock


def _next_number(root: Path) -> int:
    path = root / NUMBER_NAME
    number = int(path.read_text(encoding="ascii")) + 1 if path.exists() else 1
    replace_file(path, f"{number}\n".encode("ascii"))
    return number
