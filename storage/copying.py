"""Copying files as they are now, durably."""

import os
from collections.abc import Callable
from pathlib import Path

from storage.files import make_directory, write_all
from storage.filesystem import LOCAL

CHUNK_BYTES = 1 << 20


def copy_file(source: Path, target: Path) -> None:
    """Copy what a file holds now; replaces `target`, durably."""
    opened = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        draft = target.with_name(f".{target.name}.tmp")
        draft.unlink(missing_ok=True)
        descriptor = LOCAL.create(draft)
        try:
            at, size = 0, LOCAL.size(opened)
            while at < size and (chunk := LOCAL.read(opened, min(CHUNK_BYTES, size - at), at)):
                write_all(descriptor, chunk, at)
                at += len(chunk)
            LOCAL.sync(descriptor)
        finally:
            LOCAL.close(descriptor)
    finally:
        LOCAL.close(opened)
    draft.rename(target)
    LOCAL.sync_directory(target.parent)


def copy_tree(source: Path, target: Path, pattern: str, *, takes: Callable[[Path], bool] = lambda _: True) -> None:
    """Copy the files of a pattern that `takes` takes in order, durably; one that is gone by its turn is left out."""
    for path in sorted(source.glob(pattern)):
        if path.name.startswith(".") or not takes(path):
            continue
        copied = target / path.relative_to(source)
        _make_directories(copied.parent)
        try:
            copy_file(path, copied)
        except FileNotFoundError:
            continue


def _make_directories(directory: Path) -> None:
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    for one in reversed(missing):
        make_directory(one)
