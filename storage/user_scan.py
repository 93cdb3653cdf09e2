"""Reading every user at the start."""

import os
import re
from collections import deque
from collections.abc import Container, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import structlog

from storage.errors import DirectoryUnusable, UserExists, UserFileCorrupt
from storage.files import make_directory
from storage.private import require_private
from storage.user_directory import SUFFIX, content_of, delete_user, is_place, set_aside, user_in
from storage.user_index import UserIndex

READERS = 8
"""Files read at once: what is in memory is read by one as quickly, what is not waits for the disk."""
READ_AHEAD = 2 * READERS
"""Directories, of 256, whose files may be in memory at a time."""
HASHED = re.compile(r"[0-9a-f]{2}")

log = structlog.get_logger()


class UserFile(NamedTuple):
    """A file where users are; `content` is empty where its name is not that of a user's file."""

    path: str
    content: bytes

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


def read_all(root: Path, index: UserIndex, removed: Container[str]) -> None:
    """Make the directory, or put every user of it into the index.

    Files that do not parse are renamed to `<name>.corrupt`, those of the `removed` deleted, each with one log line.

    Raises:
        DirectoryUnusable: the directory or a file in it cannot be read, or others can enter it.
    """
    try:
        make_directory(root)
        require_private(root)
        for file in _files(str(root)):
            _take(file, index, removed)
    except OSError as error:
        raise DirectoryUnusable(f"{root}: users cannot be read: {error}") from error


def _files(root: str) -> Iterator[UserFile]:
    ahead: deque[Future[list[UserFile]]] = deque()
    with ThreadPoolExecutor(READERS, "users") as readers:
        for directory in _hashed(root):
            ahead.append(readers.submit(_read_below, directory))
            if len(ahead) == READ_AHEAD:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()


def _read_below(directory: str) -> list[UserFile]:
    found: list[UserFile] = []
    for second in _hashed(directory):
        with os.scandir(second) as entries:
            found += [_read(entry.path) for entry in entries]
    return found


def _read(path: str) -> UserFile:
    return UserFile(path, content_of(path) if path.endswith(SUFFIX) else b"")


def _hashed(directory: str) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.path for entry in entries if HASHED.fullmatch(entry.name)]


def _take(file: UserFile, index: UserIndex, removed: Container[str]) -> None:
    name = file.name
    if name.startswith(".") and name.endswith(".tmp"):
        Path(file.path).unlink()
    elif name.removesuffix(SUFFIX) in removed:
        delete_user(Path(file.path))
        log.warning("removed_user_deleted", file=file.path)
    elif name.endswith(SUFFIX):
        try:
            _put(file, index)
        except UserFileCorrupt as error:
            set_aside(Path(file.path), str(error))


def _put(file: UserFile, index: UserIndex) -> None:
    user = user_in(file.path, file.content)
    if not is_place(file.path, user.user_id):
        raise UserFileCorrupt(f"{file.path}: holds user {user.user_id!r}, whose place is elsewhere")
    try:
        index.names.reserve(user)
    except UserExists as error:
        raise UserFileCorrupt(f"{file.path}: another file has the same {error.field}") from None
    index.put(user)
