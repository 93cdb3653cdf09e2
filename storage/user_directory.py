"""Where the file of each user is, and how it is read, written and deleted."""

import contextlib
import hashlib
import os
import re
from pathlib import Path

import msgspec
import structlog

from storage.errors import UserFileCorrupt
from storage.files import replace_file
from storage.filesystem import LOCAL
from storage.user import User, decode, encode

SUFFIX = ".json"
USER_ID = re.compile(r"[0-9a-f]{32}")
"""What may become part of a path: only ids that we made."""
READ_BYTES = 1 << 16
"""More than a user's file has as a rule: it is read at once."""

log = structlog.get_logger()


def place(root: Path, user_id: str) -> Path:
    """Return the path of a user's file; ValueError when the user_id is not 32 hexadecimal digits."""
    if not USER_ID.fullmatch(user_id):
        raise ValueError(f"{user_id!r} is not a user_id of ours")
    return root / _place(user_id)


def is_place(path: str, user_id: str) -> bool:
    """Return whether `path` is where the file of that user belongs."""
    return bool(USER_ID.fullmatch(user_id)) and path.endswith(f"/{_place(user_id)}")


def read_user(path: Path) -> User:
    """Return the user of a file; UserFileCorrupt where it holds none, OSError where it cannot be read."""
    return user_in(str(path), content_of(str(path)))


def content_of(path: str) -> bytes:
    """Return the bytes of a user's file; OSError where it cannot be read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = read = os.read(descriptor, READ_BYTES)
        while len(read) == READ_BYTES:
            read = os.read(descriptor, READ_BYTES)
            content += read
        return content
    finally:
        os.close(descriptor)


def user_in(path: str, content: bytes) -> User:
    """Return the user that the file of that path and content holds; UserFileCorrupt where it holds none."""
    try:
        return decode(content)
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


def files_of(path: Path) -> list[Path]:
    """Return a user's file and what was set aside of it; OSError where that cannot be read."""
    try:
        return [one for one in path.parent.iterdir() if path.stem in one.name]
    except FileNotFoundError:
        return []


def delete_user(path: Path) -> None:
    """Delete a user's file, durably, with what was set aside of it.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be deleted.
    """
    found = files_of(path)
    if not found:
        raise FileNotFoundError(path)
    for one in found:
        one.unlink()
    LOCAL.sync_directory(path.parent)


def set_aside(path: Path, reason: str) -> None:
    """Rename a file that holds no user to `<name>.corrupt`, with one log line."""
    aside = path.with_name(f"{path.name}.corrupt")
    path.rename(aside)
    LOCAL.sync_directory(path.parent)
    log.warning("user_file_corrupt", file=str(path), set_aside_as=str(aside), reason=reason)


def _place(user_id: str) -> str:
    digest = hashlib.sha256(user_id.encode("ascii")).hexdigest()
    return f"{digest[:2]}/{digest[2:4]}/{user_id}{SUFFIX}"
