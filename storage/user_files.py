"""Users as JSON files, one each; who has which name is kept in memory."""

import asyncio
import contextlib
import hashlib
import re
import stat
import weakref
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec
import structlog

from storage.errors import DirectoryUnusable, UserExists, UserFileCorrupt
from storage.files import make_directory, replace_file
from storage.filesystem import LOCAL
from storage.last_seen import FILE_NAME as LAST_SEEN_NAME
from storage.last_seen import KEEP_S, LastSeen
from storage.user import User, decode, email_key, encode, nickname_key
from storage.user_index import UserIndex
from storage.user_list import UsersPage, UsersQuery
from storage.user_names import Name, names_of

THREADS = 4
"""Files read or written at once."""

SUFFIX = ".json"
USER_ID = re.compile(r"[0-9a-f]{32}")
"""What may become part of a path: only ids that we made."""
HASHED = re.compile(r"[0-9a-f]{2}")

Result = TypeVar("Result")

log = structlog.get_logger()


class UserFiles:
    """A UserStore on `<root>/<2 hex>/<2 hex>/<user_id>.json`; the caller holds the lock of the directory above.

    The directories come from SHA-256 of the user_id, so that none grows long. What the list of users shows is kept in
    memory for all, whole users for the `cached_users_max` used last. `run` writes every `keep_s` who was last seen.
    """

    def __init__(self, root: Path, *, cached_users_max: int, keep_s: float = KEEP_S) -> None:
        self._root = root
        self._cached_users_max = cached_users_max
        self._seen = LastSeen(root / LAST_SEEN_NAME, keep_s=keep_s)
        self._index = UserIndex(self._seen)
        self._cached: OrderedDict[str, User] = OrderedDict()
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._writes: set[asyncio.Task[object]] = set()

    async def __aenter__(self) -> Self:
        """Make the directory, or read every user in it; files that do not parse are renamed to `<name>.corrupt`.

        Raises:
            DirectoryUnusable: the directory or a file in it cannot be read, or others can enter it.
        """
        self._threads = ThreadPoolExecutor(THREADS, "users")
        try:
            await self._in_thread(lambda: _scan(self._root, self._index))
        except BaseException:
            self._threads.shutdown()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the writes that are under way, and write who was last seen."""
        await asyncio.gather(*self._writes, return_exceptions=True)
        await self._seen.keep()
        self._threads.shutdown()

    async def run(self) -> None:
        """Write now and then who was last seen, until cancelled."""
        await self._seen.run()

    async def add(self, user: User) -> None:
        """Add as the port says; ValueError when the user_id is not 32 hexadecimal digits."""
        path = _path(self._root, user.user_id)
        # No await before this: of two sign-ups for one name the second already finds it taken.
        reserved = self._index.names.reserve(user)
        await self._finish(self._write(user, reserved, lambda: _write_first(path, user)))

    async def update(self, user_id: str, change: Callable[[User], User]) -> User:
        """Update as the port says."""
        return await self._finish(self._update(user_id, change))

    async def by_id(self, user_id: str) -> User | None:
        """Return the user as the port says; an id that cannot be ours is nobody's."""
        if user_id in self._cached:
            self._cached.move_to_end(user_id)
            return self._cached[user_id]
        async with self._lock(user_id):
            return await self._load(user_id)

    async def by_nickname(self, nickname: str) -> User | None:
        """Return the user as the port says."""
        user_id = self._index.names.owner("nickname", nickname_key(nickname))
        return None if user_id is None else await self.by_id(user_id)

    async def by_email(self, email: str) -> User | None:
        """Return the user as the port says."""
        user_id = self._index.names.owner("email", email_key(email))
        return None if user_id is None else await self.by_id(user_id)

    async def page(self, query: UsersQuery) -> UsersPage:
        """Return a page as the port says, from memory alone."""
        return await self._index.page(query)

    def administrators(self) -> int:
        """Return how many there are, as the port says."""
        return self._index.administrators()

    def saw(self, user_id: str, at: datetime) -> None:
        """Note it as the port says."""
        if user_id in self._index:
            self._seen.saw(user_id, at)

    def last_seen(self, user_id: str) -> datetime | None:
        """Return when, as the port says."""
        return self._seen.of(user_id)

    async def _update(self, user_id: str, change: Callable[[User], User]) -> User:
        async with self._lock(user_id):
            user = await self._load(user_id)
            if user is None:
                raise KeyError(user_id)
            changed = change(user)
            if changed is user:
                return user
            assert changed.user_id == user_id
            path = _path(self._root, user_id)
            reserved = self._index.names.reserve(changed)
            self._index.expect(changed)
            await self._write(changed, reserved, lambda: replace_file(path, encode(changed)))
            self._index.names.release(names_of(user) - names_of(changed))
            return changed

    async def _write(self, user: User, reserved: set[Name], write: Callable[[], None]) -> None:
        try:
            await self._in_thread(write)
        except BaseException as error:
            self._index.names.release(reserved)
            # What is on the disk now is not known: the next look-up reads it.
            self._index.doubt(user.user_id)
            self._cached.pop(user.user_id, None)
            if isinstance(error, OSError):
                raise DirectoryUnusable(f"{self._root}: user {user.user_id} cannot be written: {error}") from error
            raise
        self._index.put(user)
        self._remember(user)

    async def _load(self, user_id: str) -> User | None:
        """Return the user under its lock: a stale reading would otherwise follow a newer write into the cache."""
        if user_id in self._cached:
            return self._cached[user_id]
        if not USER_ID.fullmatch(user_id):
            return None
        path = _path(self._root, user_id)
        try:
            user = await self._in_thread(lambda: _read(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DirectoryUnusable(f"{path}: cannot be read: {error}") from error
        self._index.was_read(user)
        self._remember(user)
        return user

    def _remember(self, user: User) -> None:
        self._cached[user.user_id] = user
        self._cached.move_to_end(user.user_id)
        if len(self._cached) > self._cached_users_max:
            self._cached.popitem(last=False)

    def _lock(self, user_id: str) -> asyncio.Lock:
        return self._locks.setdefault(user_id, asyncio.Lock())

    async def _finish(self, write: Coroutine[object, object, Result]) -> Result:
        """Run to the end whatever becomes of the caller: names, cache and file must not part."""
        task = asyncio.create_task(write)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _scan(root: Path, index: UserIndex) -> None:
    try:
        make_directory(root)
        _require_private(root)
        for path in _files(root):
            _take(path, root, index)
        index.seen.read(index)
    except OSError as error:
        raise DirectoryUnusable(f"{root}: users cannot be read: {error}") from error


def _require_private(root: Path) -> None:
    mode = stat.S_IMODE(root.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise DirectoryUnusable(f"{root}: others can enter it (mode {mode:04o}); run `chmod 700 {root}`")


def _files(root: Path) -> Iterator[Path]:
    for first in _hashed(root):
        for second in _hashed(first):
            yield from list(second.iterdir())


def _hashed(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if HASHED.fullmatch(path.name)]


def _take(path: Path, root: Path, index: UserIndex) -> None:
    if path.name.startswith(".") and path.suffix == ".tmp":
        path.unlink()
    elif path.suffix == SUFFIX:
        try:
            _put(path, root, index)
        except UserFileCorrupt as error:
            _set_aside(path, str(error))


def _put(path: Path, root: Path, index: UserIndex) -> None:
    user = _read(path)
    if not USER_ID.fullmatch(user.user_id) or path != _path(root, user.user_id):
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


def _path(root: Path, user_id: str) -> Path:
    if not USER_ID.fullmatch(user_id):
        raise ValueError(f"{user_id!r} is not a user_id of ours")
    digest = hashlib.sha256(user_id.encode("ascii")).hexdigest()
    return root / digest[:2] / digest[2:4] / f"{user_id}{SUFFIX}"


def _read(path: Path) -> User:
    try:
        return decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserFileCorrupt(f"{path}: is no user: {error}") from None


def _write_first(path: Path, user: User) -> None:
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
