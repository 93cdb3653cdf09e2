"""Copying files as they are now, durably."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from storage.files import make_directory, write_all
from storage.filesystem import LOCAL

CHUNK_BYTES = 1 << 20
SYNCERS = 32
PORTION = 1000
"""Files and directories that are waiting to be synced at a time."""

Takes = Callable[[Path], bool]


def copy_file(source: Path, target: Path) -> None:
    """Copy what a file holds now; replaces `target`, durably."""
    _copy(source, target, sync=LOCAL.sync)
    LOCAL.sync_directory(target.parent)


def copy_tree(source: Path, target: Path, pattern: str, *, takes: Takes = lambda _: True) -> None:
    """Copy the files of a pattern that `takes` takes in order, durably; one that is gone by its turn is left out."""
    for path, copied in _pairs(source, target, pattern, takes):
        _make_directories(copied.parent)
        try:
            copy_file(path, copied)
        except FileNotFoundError:
            continue


def copy_many(source: Path, target: Path, pattern: str, *, takes: Takes = lambda _: True) -> None:
    """Do as `copy_tree`, for very many small files: a crash on the way may leave empty ones under their names."""
    for path, copied in _pairs(source, target, pattern, takes):
        _make_directories(copied.parent, lambda missing: missing.mkdir(mode=0o700))
        try:
            _copy(path, copied, sync=lambda _: None)
        except FileNotFoundError:
            continue
    _sync_below(target)


def _pairs(source: Path, target: Path, pattern: str, takes: Takes) -> Iterator[tuple[Path, Path]]:
    for path in sorted(source.glob(pattern)):
        if not path.name.startswith(".") and takes(path):
            yield path, target / path.relative_to(source)


def _copy(source: Path, target: Path, *, sync: Callable[[int], None]) -> None:
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
            sync(descriptor)
        finally:
            LOCAL.close(descriptor)
    finally:
        LOCAL.close(opened)
    draft.rename(target)


def _sync_below(root: Path) -> None:
    # What promises are the single syncs. All at once first, so that none of them has anything left to write; and many
    # at a time, so that the disk is asked to flush once for all of them.
    os.sync()
    paths = _all_below(root)
    with ThreadPoolExecutor(SYNCERS, "sync") as threads:
        while portion := list(islice(paths, PORTION)):
            for done in [threads.submit(_sync, path) for path in portion]:
                done.result()


def _all_below(root: Path) -> Iterator[str]:
    yield str(root.parent)
    for directory, _, names in os.walk(root):
        yield directory
        yield from (f"{directory}/{name}" for name in names)


def _sync(path: str) -> None:
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        LOCAL.sync(opened)
    finally:
        LOCAL.close(opened)


def _make_directories(directory: Path, make: Callable[[Path], None] = make_directory) -> None:
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    for one in reversed(missing):
        make(one)
