"""The data directory as the front takes it: private, its owner's, and held by one process."""

import os
import stat
from pathlib import Path

import structlog

from collector.errors import CommandError
from storage.errors import DirectoryBusy, DirectoryUnusable
from storage.files import make_directory
from storage.lock import Lock
from storage.mounts import doubt, file_system_of

LOCK_NAME = "LOCK"

log = structlog.get_logger()


def make_data_directory(path: Path) -> None:
    """Make the data directory, or check the one that is there.

    Raises:
        DirectoryUnusable: it cannot be made, is no directory, or is open to others.
    """
    try:
        make_directory(path)
        mode = path.stat().st_mode
    except OSError as error:
        raise DirectoryUnusable(f"{path}: cannot be made ({error.strerror}); name another one with --data") from None
    if not stat.S_ISDIR(mode):
        raise DirectoryUnusable(f"{path}: is not a directory; name another one with --data")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise DirectoryUnusable(f"{path}: others can enter it (mode {mode & 0o777:04o}); run `chmod 700 {path}`")


def held(directory: Path) -> Lock:
    """Return the lock of a data directory, held; the error names who holds it, or why it cannot be."""
    if not directory.is_dir():
        raise DirectoryUnusable(f"{directory}: no such data directory; run `footfalld init`")
    make_data_directory(directory)
    try:
        return Lock(directory / LOCK_NAME).acquire()
    except DirectoryBusy as error:
        raise DirectoryBusy(f"another daemon works on {directory}: {error}") from None
    except OSError as error:
        raise DirectoryUnusable(
            f"{directory} cannot be written: {error.strerror}; name another one with --data"
        ) from None


def warn_of_file_system(directory: Path) -> None:
    """Log why what is synced to the directory may be lost all the same, where its file system is known for that."""
    file_system = file_system_of(directory)
    reason = doubt(file_system)
    if reason is not None:
        # No refusal: a try-out in a container or in memory is nobody's mistake.
        log.warning(
            "data_directory_not_durable",
            directory=str(directory),
            file_system=file_system,
            reason=reason,
            remedy="name a directory on a local disk, ext4 or XFS, with data.dir or --data",
        )


def require_owner(directory: Path) -> None:
    """Raise CommandError unless the directory is this user's."""
    # Files that root leaves here would be unreadable to the daemon.
    owner = directory.stat().st_uid
    if owner != os.geteuid():
        raise CommandError(
            f"{directory}: belongs to user id {owner}; run this as that user, e.g. `sudo -u '#{owner}' …`"
        )
