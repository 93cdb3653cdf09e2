"""Users as JSON files, one each; who has which name is kept in memory."""

import asyncio
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from storage.errors import DirectoryUnusable
from storage.files import replace_file
from storage.last_seen import FILE_NAME as LAST_SEEN_NAME
from storage.last_seen import KEEP_S, LastSeen
from storage.tombstones import FILE_NAME as REMOVED_NAME
from storage.tombstones import Tombstones
from storage.user import User, email_key, encode, nickname_key
from storage.user_directory import USER_ID, delete_user, files_of, place, read_user, write_first
from storage.user_index import UserIndex
from storage.user_list import UsersPage, UsersQuery
from storage.user_names import Name, names_of
from storage.user_scan import read_all

THREADS = 4
"""Files read or written at once."""

Result = TypeVar("Result")


class UserFiles:
    """A UserStore on `<root>/<2 hex>/<2 hex>/<user_id>.json`; the caller holds the lock of the directory above.

    The directories come from SHA-256 of the user_id, so that none grows long. What the list of users shows is kept in
    memory for all, whole users for the `cached_users_max` used last. `run` writes every `keep_s` who was last seen. That
    stands beside `root` in last_seen.json, and whose account was removed in removed.json.
    """

    def __init__(self, root: Path, *, cached_users_max: int, keep_s: float = KEEP_S) -> None:
        self._root = root
        self._cached_users_max = cached_users_max
        self._seen = LastSeen(root.with_name(LAST_SEEN_NAME), keep_s=keep_s)
        self._removed = Tombstones(root.with_name(REMOVED_NAME))
        self._index = UserIndex(self._seen)
        self._cached: OrderedDict[str, User] = OrderedDict()
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._writes: set[asyncio.Task[object]] = set()

    async def __aenter__(self) -> Self:
        """Make the directory, or read every user in it; files that do not parse are renamed to `<name>.corrupt`.

        Raises:
            DirectoryUnusable: the directory or a file in or beside it cannot be read, or others can enter it.
        """
        self._threads = ThreadPoolExecutor(THREADS, "users")
        try:
            await self._in_thread(self._open)
        except BaseException:  # no thread is left behind whatever it is; it goes on
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
        """Add as the port says; a user_id of ours is 32 hexadecimal digits."""
        path = place(self._root, user.user_id)
        if user.user_id in self._removed:
            raise ValueError(f"user_id {user.user_id} was that of a removed account")
        # No await before this: of two sign-ups for one name the second already finds it taken.
        reserved = self._index.names.reserve(user)
        await self._finish(self._write(user, reserved, lambda: write_first(path, user)))

    async def update(self, user_id: str, change: Callable[[User], User]) -> User:
        """Update as the port says."""
        return await self._finish(self._update(user_id, change))

    async def remove(self, user_id: str, at: datetime, allow: Callable[[User], None] = lambda _: None) -> None:
        """Remove as the port says."""
        await self._finish(self._remove(user_id, at, allow))

    async def by_id(self, user_id: str) -> User | None:
        """Return the user as the port says; an id that cannot be ours is nobody's."""
        if user_id in self._cached:
            self._cached.move_to_end(user_id)
            return self._cached[user_id]
        async with self._lock(user_id):
            return await self._load(user_id)

    async def by_nickname(self, nickname: str) -> User | None:
        """Return the user as the port says."""
        return await self._named(Name("nickname", nickname_key(nickname)))

    async def by_email(self, email: str) -> User | None:
        """Return the user as the port says."""
        return await self._named(Name("email", email_key(email)))

    async def holds(self, user_id: str) -> bool:
        """Return whether there is anything, as the port says."""
        return user_id in self._index or await self._has_files(user_id)

    def removed(self) -> Collection[str]:
        """Return the user_ids, as the port says."""
        return self._removed.times.keys()

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

    def _open(self) -> None:
        self._removed.open()
        read_all(self._root, self._index, self._removed)
        self._seen.read(self._index)

    async def _update(self, user_id: str, change: Callable[[User], User]) -> User:
        async with self._lock(user_id):
            user = await self._load(user_id)
            if user is None:
                raise KeyError(user_id)
            changed = change(user)
            if changed is user:
                return user
            assert changed.user_id == user_id
            path = place(self._root, user_id)
            reserved = self._index.names.reserve(changed)
            self._index.expect(changed)
            await self._write(changed, reserved, lambda: replace_file(path, encode(changed)))
            self._index.names.release(names_of(user) - names_of(changed))
            return changed

    async def _remove(self, user_id: str, at: datetime, allow: Callable[[User], None]) -> None:
        async with self._lock(user_id):
            if user_id not in self._removed:
                user = await self._load(user_id)
                if user is not None:
                    allow(user)
                elif not await self._has_files(user_id):
                    raise KeyError(user_id)
                await self._bury(user_id, user, at)
            # Also of an account whose file was left by a failure: the tombstone counts, not the file.
            path = place(self._root, user_id)
            try:
                await self._in_thread(lambda: delete_user(path))
            except FileNotFoundError:
                raise KeyError(user_id) from None
            except OSError as error:
                raise DirectoryUnusable(f"{path}: is of a removed account and cannot be deleted: {error}") from error

    async def _bury(self, user_id: str, user: User | None, at: datetime) -> None:
        """Make the tombstone; `user` is None where its file was set aside and nobody could look it up."""
        self._index.expect_none(user_id)
        try:
            await self._in_thread(lambda: self._removed.add({user_id: at}))
        except OSError as error:
            if user is not None:
                self._index.put(user)
            raise DirectoryUnusable(f"{self._root}: user {user_id} cannot be removed: {error}") from error
        if user is not None:
            self._index.drop(user)
        self._cached.pop(user_id, None)

    async def _has_files(self, user_id: str) -> bool:
        if not USER_ID.fullmatch(user_id):
            return False
        path = place(self._root, user_id)
        try:
            return bool(await self._in_thread(lambda: files_of(path)))
        except OSError as error:
            raise DirectoryUnusable(f"{path.parent}: cannot be read: {error}") from error

    async def _write(self, user: User, reserved: set[Name], write: Callable[[], None]) -> None:
        try:
            await self._in_thread(write)
        except BaseException as error:  # whatever it is, it goes on
            # What is on the disk now is not known: the next look-up reads it.
            self._index.doubt(user.user_id, reserved)
            self._cached.pop(user.user_id, None)
            if isinstance(error, OSError):
                raise DirectoryUnusable(f"{self._root}: user {user.user_id} cannot be written: {error}") from error
            raise
        self._index.put(user)
        self._remember(user)

    async def _named(self, name: Name) -> User | None:
        user_id = self._index.names.owner(*name)
        user = None if user_id is None else await self.by_id(user_id)
        # A name may be reserved for a change that is not written yet.
        return user if user is not None and name in names_of(user) else None

    async def _load(self, user_id: str) -> User | None:
        """Return the user under its lock: a stale reading would otherwise follow a newer write into the cache."""
        if user_id in self._cached:
            return self._cached[user_id]
        if not USER_ID.fullmatch(user_id) or user_id in self._removed:
            return None
        path = place(self._root, user_id)
        try:
            user = await self._in_thread(lambda: read_user(path))
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
