"""Applications as JSON files, one each, and all of them in memory."""

import asyncio
import contextlib
import weakref
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from storage.app import App
from storage.app_directory import delete, place, read_all, read_app, write, write_first
from storage.app_index import AppIndex
from storage.errors import AppExists, AppFileCorrupt, DirectoryUnusable
from storage.last_seen import KEEP_S, LastSeen

LAST_USED_NAME = "last_used.json"

Result = TypeVar("Result")


class AppFiles:
    """An AppStore on `<root>/<app_code>.json`; the caller holds the lock of the directory above.

    When read tokens were last used stands beside `root` in last_used.json, which `run` writes every `keep_s`.
    """

    def __init__(self, root: Path, *, keep_s: float = KEEP_S) -> None:
        self._root = root
        self._index = AppIndex()
        self._used = LastSeen(root.parent / LAST_USED_NAME, keep_s=keep_s)
        self._reserved: set[tuple[str | None, str]] = set()
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._writes: set[asyncio.Task[object]] = set()

    async def __aenter__(self) -> Self:
        """Make the directory, or read every application in it.

        Raises:
            DirectoryUnusable: the directory or a file in it cannot be read, or others can enter it.
            AppFileCorrupt: a file is no application: its events would be refused, so nothing starts.
        """
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the writes that are under way, and write when tokens were last used."""
        await asyncio.gather(*self._writes, return_exceptions=True)
        await self._used.keep()

    async def run(self) -> None:
        """Write now and then when tokens were last used, until cancelled."""
        await self._used.run()

    def by_code(self, app_code: str) -> App | None:
        """Return the application as the port says."""
        return self._index.by_code(app_code)

    def by_write_token(self, token: str) -> App | None:
        """Return the application as the port says."""
        return self._index.by_write_token(token)

    def by_read_token(self, digest: str) -> App | None:
        """Return the application as the port says."""
        return self._index.by_read_token(digest)

    def by_hostname(self, hostname: str) -> App | None:
        """Return the application as the port says."""
        return self._index.by_hostname(hostname)

    def lists_origin(self, origin: str) -> bool:
        """Return whether one does, as the port says."""
        return self._index.lists_origin(origin)

    def of_owner(self, owner_id: str) -> Sequence[App]:
        """Return the applications as the port says."""
        return [app for app in self.every() if app.owner_id == owner_id]

    def every(self) -> Sequence[App]:
        """Return the applications as the port says."""
        return sorted(self._index.apps(), key=lambda app: (app.created_at, app.app_code))

    def used(self, token_id: str, at: datetime) -> None:
        """Note it as the port says."""
        self._used.saw(token_id, at)

    def last_used(self, token_id: str) -> datetime | None:
        """Return when, as the port says."""
        return self._used.of(token_id)

    async def add(self, app: App) -> None:
        """Add as the port says; an app_code is lower-case letters, digits and hyphens, and not the built-in one."""
        path = place(self._root, app.app_code)
        # No await before this: of two applications of one name the second already finds it taken.
        name = self._reserve(app)
        await self._finish(self._add(app, path, name))

    async def update(self, app_code: str, change: Callable[[App], App]) -> App:
        """Update as the port says."""
        return await self._finish(self._update(app_code, change))

    async def remove(self, app_code: str) -> None:
        """Remove as the port says."""
        await self._finish(self._remove(app_code))

    async def _add(self, app: App, path: Path, name: tuple[str | None, str]) -> None:
        try:
            await _in_thread(lambda: write_first(path, app))
            self._index.put(app)
        finally:
            self._reserved.discard(name)

    async def _update(self, app_code: str, change: Callable[[App], App]) -> App:
        async with self._lock(app_code):
            old = self._index[app_code]
            new = change(old)
            if new is old:
                return old
            assert (new.app_code, new.owner_id) == (app_code, old.owner_id)
            with self._renaming(old, new):
                await self._replace(new)
            for gone in {one.token_id for one in old.read_tokens} - {one.token_id for one in new.read_tokens}:
                self._used.forget(gone)
            return new

    async def _replace(self, app: App) -> None:
        path = place(self._root, app.app_code)
        try:
            await _in_thread(lambda: write(path, app))
        except DirectoryUnusable:
            # What is on the disk now is not known: what counts is what the next start would find.
            with contextlib.suppress(OSError, AppFileCorrupt):
                self._index.put(await asyncio.to_thread(read_app, path))
            raise
        self._index.put(app)

    async def _remove(self, app_code: str) -> None:
        async with self._lock(app_code):
            app = self._index[app_code]
            path = place(self._root, app_code)
            await _in_thread(lambda: delete(path))
            self._index.drop(app)
            for token in app.read_tokens:
                self._used.forget(token.token_id)

    @contextlib.contextmanager
    def _renaming(self, old: App, new: App) -> Iterator[None]:
        if new.app_name == old.app_name:
            yield
            return
        name = self._reserve(new)
        try:
            yield
        finally:
            self._reserved.discard(name)

    def _reserve(self, app: App) -> tuple[str | None, str]:
        name = (app.owner_id, app.app_name)
        if name in self._reserved or any((one.owner_id, one.app_name) == name for one in self._index.apps()):
            raise AppExists(f"this user has an application of the name {app.app_name!r} already")
        self._reserved.add(name)
        return name

    def _open(self) -> None:
        try:
            for app in read_all(self._root):
                self._index.put(app)
        except OSError as error:
            raise DirectoryUnusable(f"{self._root}: applications cannot be read: {error}") from error
        self._used.read({one.token_id for app in self._index.apps() for one in app.read_tokens})

    def _lock(self, app_code: str) -> asyncio.Lock:
        return self._locks.setdefault(app_code, asyncio.Lock())

    async def _finish(self, write: Coroutine[object, object, Result]) -> Result:
        """Run to the end whatever becomes of the caller: names, memory and file must not part."""
        task = asyncio.create_task(write)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)


async def _in_thread(write: Callable[[], None]) -> None:
    try:
        await asyncio.to_thread(write)
    except OSError as error:
        raise DirectoryUnusable(f"an application cannot be written: {error}") from error
