"""The file-system port: every call by which log, archive and recovery touch a disk, so that a test can cut its power."""

import errno
import fcntl
import os
from pathlib import Path
from typing import Protocol

Content = bytes | bytearray | memoryview


class FileSystem(Protocol):
    """Files named by descriptors and paths, as POSIX says. Every method may block and may raise OSError.

    Durable after a power cut is what a sync has returned for: bytes and length of a file by `sync` or `sync_data`, names
    in a directory by `sync_directory`. Everything else may be there, or not, or in part, or (bytes) as garbage.
    """

    def create(self, path: Path) -> int:
        """Return a descriptor of a new private file, for reading and writing; FileExistsError when the name is taken."""

    def open(self, path: Path, *, write: bool = False) -> int:
        """Return a descriptor of a file that is there."""

    def close(self, descriptor: int) -> None:
        """Give a descriptor back; closing a locked file frees its lock."""

    def read(self, descriptor: int, count: int, at: int) -> bytes:
        """Return the bytes from `at` on, fewer than `count` only where the file ends."""

    def write(self, descriptor: int, content: Content, at: int) -> int:
        """Write at `at` and return how many bytes went; they may be fewer."""

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file."""

    def size(self, descriptor: int) -> int:
        """Return the file's length in bytes."""

    def is_named(self, descriptor: int) -> bool:
        """Return whether the file has a name left: one that has none is gone when its last descriptor is closed."""

    def sync(self, descriptor: int) -> None:
        """Make the file durable."""

    def sync_data(self, descriptor: int) -> None:
        """Make the file's bytes durable, and what is needed to read them back."""

    def sync_directory(self, path: Path) -> None:
        """Make the names in a directory durable."""

    def make_directory(self, path: Path) -> None:
        """Make a private directory; FileExistsError when the name is taken."""

    def remove_directory(self, path: Path) -> None:
        """Remove an empty directory."""

    def names(self, path: Path) -> list[str]:
        """Return the names in a directory; FileNotFoundError when there is none."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or directory another name, which replaces a file of that name at once."""

    def remove(self, path: Path) -> None:
        """Take a file's name away."""

    def try_lock(self, path: Path) -> int | None:
        """Lock a file, made where there is none, and return its descriptor; None while somebody else holds it."""

    def free_bytes(self, path: Path) -> int:
        """Return the bytes of the disk below `path` that are free for those who are not root."""


class LocalFiles:
    """The file system of this machine."""

    def create(self, path: Path) -> int:
        """Create with mode 0600."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, path: Path, *, write: bool = False) -> int:
        """Open for reading, or for both."""
        return os.open(path, (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC)

    def close(self, descriptor: int) -> None:
        """Close it."""
        os.close(descriptor)

    def read(self, descriptor: int, count: int, at: int) -> bytes:
        """pread(2)."""
        return os.pread(descriptor, count, at)

    def write(self, descriptor: int, content: Content, at: int) -> int:
        """pwrite(2)."""
        return os.pwrite(descriptor, content, at)

    def truncate(self, descriptor: int, size: int) -> None:
        """ftruncate(2)."""
        os.ftruncate(descriptor, size)

    def size(self, descriptor: int) -> int:
        """fstat(2)."""
        return os.fstat(descriptor).st_size

    def is_named(self, descriptor: int) -> bool:
        """fstat(2)."""
        return os.fstat(descriptor).st_nlink > 0

    def sync(self, descriptor: int) -> None:
        """fsync(2); on macOS the disk's own cache is flushed too, which plain fsync leaves out there (fsync(2), macOS)."""
        full = getattr(fcntl, "F_FULLFSYNC", None)
        if full is None:
            os.fsync(descriptor)
        else:
            fcntl.fcntl(descriptor, full)

    def sync_data(self, descriptor: int) -> None:
        """fdatasync(2); `sync` where the system has only that."""
        if hasattr(os, "fdatasync"):
            os.fdatasync(descriptor)
        else:
            self.sync(descriptor)

    def sync_directory(self, path: Path) -> None:
        """Open the directory and sync it."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sync(descriptor)
        finally:
            os.close(descriptor)

    def make_directory(self, path: Path) -> None:
        """mkdir(2) with mode 0700."""
        path.mkdir(mode=0o700)

    def remove_directory(self, path: Path) -> None:
        """rmdir(2)."""
        path.rmdir()

    def names(self, path: Path) -> list[str]:
        """List the directory."""
        return [entry.name for entry in path.iterdir()]

    def rename(self, old: Path, new: Path) -> None:
        """Rename it."""
        old.rename(new)

    def remove(self, path: Path) -> None:
        """unlink(2)."""
        path.unlink()

    def try_lock(self, path: Path) -> int | None:
        """flock(2): freed by the kernel when its process ends, however it ends."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno == errno.EWOULDBLOCK:
                return None
            raise
        return descriptor

    def free_bytes(self, path: Path) -> int:
        """statvfs(3)."""
        stat = os.statvfs(path)
        return stat.f_bavail * stat.f_frsize


LOCAL = LocalFiles()
"""The one that everything uses unless it is told another."""
