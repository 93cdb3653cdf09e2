"""Files that survive a power cut: replaced whole, directories synced."""

import contextlib
import secrets
from pathlib import Path

from storage.filesystem import LOCAL, Content, FileSystem


def replace_file(path: Path, content: bytes, *, files: FileSystem = LOCAL) -> None:
    """Put `content` under `path`: after a crash the file is wholly the old one or wholly the new one, mode 0600.

    After an OSError it is the old one, or, when syncing its name was what failed, perhaps the new one.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = files.create(temporary)
    try:
        try:
            write_all(descriptor, content, 0, files=files)
            files.sync(descriptor)
        finally:
            files.close(descriptor)
        files.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            files.remove(temporary)
        raise
    files.sync_directory(path.parent)


def read_file(path: Path, *, files: FileSystem = LOCAL) -> bytes:
    """Return a file's bytes."""
    descriptor = files.open(path)
    try:
        return files.read(descriptor, files.size(descriptor), 0)
    finally:
        files.close(descriptor)


def write_all(descriptor: int, content: Content, at: int, *, files: FileSystem = LOCAL) -> None:
    """Write until every byte is out: one write may take fewer (write(2))."""
    done = 0
    with memoryview(content) as view:
        while done < len(view):
            done += files.write(descriptor, view[done:], at + done)


def make_directory(path: Path, *, files: FileSystem = LOCAL) -> None:
    """Make one directory, mode 0700, and its name durable; without effect when it exists."""
    try:
        files.make_directory(path)
    except FileExistsError:
        return
    files.sync_directory(path.parent)
