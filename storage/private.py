"""Directories that hold secrets belong to the daemon alone."""

import stat
from pathlib import Path

from storage.errors import DirectoryUnusable


def require_private(root: Path) -> None:
    """Raise DirectoryUnusable where others than its owner can enter the directory; OSError where it cannot be said."""
    mode = stat.S_IMODE(root.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise DirectoryUnusable(f"{root}: others can enter it (mode {mode:04o}); run `chmod 700 {root}`")
