"""Where the file of each user is, and reading all of them at the start."""

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Container, Iterator
from pathlib import Path

import msgspec
import structlog

from storage.errors import DirectoryUnusable, UserExists, UserFileCorrupt
from storage.files import make_directory, replace_file
from storage.filesystem import LOCAL
from storage.user import User, decode, encode
from storage.user_index import UserIndex

SUFFIX = ".json"
USER_ID = re.compile(r"[0-9a-f]{32}")
"""What may become part of a path: only ids that we made."""
HASHED = re.compile(r"[0-9a-f]{2}")
READ_BYTES = 1 << 16
"""More than a user's file has as a rule: it is read at once."""

log = structlog.get_logger()


def place(root: Path, user_id: str) -> Path:
    """Return the path of a user's file; ValueError when the user_id is not 32 hexadecimal digits."""
    if not USER_ID.fullmatch(user_id):
        raise ValueError(f"{user_id!r} is not a user_id of ours")
    return root / _place(user_id)


def read_user(path: str | Path) -> User:
    """Return the user of a file; UserFileCorrupt where it holds none, OSError where it cannot be read."""
    try:
        return decode(_content(path))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserFileCorrupt(f"{path}: is no user: {error}") from None


def write_first(path: Path, user: User) -> None:
    """Write a new user's file and make its directories; OSError where it cannot be, and then it is not there."""
    for directory in (path.parent.parent, path.parent):
        directory.mkdir(mode=0o700, exist_ok=True)
        # Also where it was there: whoever made it may not have synced its name yet.
        LOCAL.sync_directory(directory.parent)
    try:
        replace_file(path, encode(user))
    except OSError:
        # A sign-up that failed must not come back with the next start, when its name may be another's.
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def delete_user(path: Path) -> None:
    """Delete a user's file, durably, with what was set aside of it.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be deleted.
    """
    found = [one for one in path.parent.iterdir() if path.stem in one.name]
    if not found:
        raise FileNotFoundError(path)
    for one in found:
        one.unlink()
    LOCAL.sync_directory(path.parent)


def read_all(root: Path, index: UserIndex, removed: Container[str]) -> None:
    """Make the directory, or put every user of it into the index.

    Files that do not parse are renamed to `<name>.corrupt`, those of the `removed` deleted, each with one log line.

    Raises:
        DirectoryUnusable: the directory or a file in it cannot be read, or others can enter it.
    """
    try:
        make_directory(root)
        _require_private(root)
        for path in _files(root):
            _take(path, index, removed)
    except OSError as error:
        raise DirectoryUnusable(f"{root}: users cannot be read: {error}") from error


def _place(user_id: str) -> str:
    digest = hashlib.sha256(user_id.encode("ascii")).hexdigest()
    return f"{digest[:2]}/{digest[2:4]}/{user_id}{SUFFIX}"


def _content(path: str | Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = read = os.read(descriptor, READ_BYTES)
        while len(read) == READ_BYTES:
            read = os.read(descriptor, READ_BYTES)
            content += read
        return content
    finally:
        os.close(descriptor)


def _require_private(root: Path) -> None:
    mode = stat.S_IMODE(root.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise DirectoryUnusable(f"{root}: others can enter it (mode {mode:04o}); run `chmod 700 {root}`")


def _files(root: Path) -> Iterator[str]:
    # Texts, as pathlib would take most of the time of a start with many users.
    for first in _hashed(str(root)):
        for second in _hashed(first):
            with os.scandir(second) as entries:
                yield from [entry.path for entry in entries]


def _hashed(directory: str) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.path for entry in entries if HASHED.fullmatch(entry.name)]


def _take(path: str, index: UserIndex, removed: Container[str]) -> None:
    name = path.rpartition("/")[2]
    if name.startswith(".") and name.endswith(".tmp"):
        Path(path).unlink()
    elif name.removesuffix(SUFFIX) in removed:
        delete_user(Path(path))
        log.warning("removed_user_deleted", file=path)
    elif name.endswith(SUFFIX):
        try:
            _put(path, index)
        except UserFileCorrupt as error:
            _set_aside(Path(path), str(error))


def _put(path: str, index: UserIndex) -> None:
    user = read_user(path)
    if not USER_ID.fullmatch(user.user_id) or not path.endswith(_place(user.user_id)):
        raise UserFileCorrupt(f"{path}: holds user {user.user_id!r}, whose place is elsewhere")
    try:
        index.names.reserve(user)
    except UserExists as error:
        raise UserFileCorrupt(f"{path}: another file has the same {error.field}") from None
    index.put(user)


def _set_aside(path: Path, reason: str) -> None:
    aside = path.with_name(f"{path.name}.corrupt")
    path.rename(aside)
    LOCAL.sync_directory(path.parent)
    log.warning("user_file_corrupt", file=str(path), set_aside_as=str(aside), reason=reason)
