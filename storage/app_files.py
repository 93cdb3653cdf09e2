"""Applications as JSON files, one each, and all of them in memory."""

import asyncio
import re
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from storage.app import App
from storage.errors import AppExists, AppFileCorrupt, DirectoryUnusable
from storage.files import make_directory, read_file, replace_file
from storage.filesystem import LOCAL

APP_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""What may become part of a path."""

_app = msgspec.json.Decoder(App)


class AppFiles:
    """An AppStore on `<root>/<app_code>.json`; the caller holds the lock of the directory above."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._apps: dict[str, App] = {}
        self._reserved: set[tuple[str | None, str]] = set()
        self._by_write_token: dict[str, str] = {}
        self._by_read_token: dict[str, str] = {}
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def __aenter__(self) -> Self:
        """Make the directory, or read every application in it.

        Raises:
            DirectoryUnusable: the directory or a file in it cannot be read.
            AppFileCorrupt: a file is no application: its events would be refused, so nothing starts.
        """
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to do: every change was waited for."""

    def by_code(self, app_code: str) -> App | None:
        """Return the application as the port says."""
        return self._apps.get(app_code)

    def by_write_token(self, token: str) -> App | None:
        """Return the application as the port says."""
        return self._apps.get(self._by_write_token.get(token, ""))

    def by_read_token(self, digest: str) -> App | None:
        """Return the application as the port says."""
        return self._apps.get(self._by_read_token.get(digest, ""))

    def of_owner(self, owner_id: str) -> Sequence[App]:
        """Return the applications as the port says."""
        return [app for app in self.every() if app.owner_id == owner_id]

    def every(self) -> Sequence[App]:
        """Return the applications as the port says."""
        return sorted(self._apps.values(), key=lambda app: (app.created_at, app.app_code))

    async def add(self, app: App) -> None:
        """Add as the port says."""
        name = self._reserve(app)
        try:
            await self._write(app)
        finally:
            self._reserved.discard(name)
        self._know(app)

    async def update(self, app_code: str, change: Callable[[App], App]) -> App:
        """Update as the port says."""
        async with self._locks.setdefault(app_code, asyncio.Lock()):
            old = self._apps[app_code]
            new = change(old)
            if new is old:
                return old
            name = None if new.app_name == old.app_name else self._reserve(new)
            try:
                await self._write(new)
            finally:
                self._reserved.discard(name or (None, ""))
            self._forget(old)
            self._know(new)
            return new

    async def remove(self, app_code: str) -> None:
        """Remove as the port says."""
        async with self._locks.setdefault(app_code, asyncio.Lock()):
            app = self._apps[app_code]
            await asyncio.to_thread(self._unlink, self._place(app_code))
            self._forget(app)

    def _reserve(self, app: App) -> tuple[str | None, str]:
        name = (app.owner_id, app.app_name)
        if name in self._reserved or any((one.owner_id, one.app_name) == name for one in self._apps.values()):
            raise AppExists(f"this user has an application of the name {app.app_name!r} already")
        self._reserved.add(name)
        return name

    def _know(self, app: App) -> None:
        self._apps[app.app_code] = app
        self._by_write_token |= {one.token: app.app_code for one in app.write_tokens}
        self._by_read_token |= {one.digest: app.app_code for one in app.read_tokens}

    def _forget(self, app: App) -> None:
        del self._apps[app.app_code]
        for token in app.write_tokens:
            del self._by_write_token[token.token]
        for reading in app.read_tokens:
            del self._by_read_token[reading.digest]

    def _open(self) -> None:
        try:
            make_directory(self._root)
            for path in self._root.glob("*.json"):
                self._know(_read(path))
        except OSError as error:
            raise DirectoryUnusable(f"{self._root}: {error}") from error

    async def _write(self, app: App) -> None:
        path = self._place(app.app_code)
        try:
            # A change that has begun goes on when its caller is cancelled: the file and the memory stay one.
            await asyncio.shield(asyncio.to_thread(replace_file, path, msgspec.json.encode(app)))
        except OSError as error:
            raise DirectoryUnusable(f"{path}: {error}") from error

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink()
            LOCAL.sync_directory(path.parent)
        except OSError as error:
            raise DirectoryUnusable(f"{path}: {error}") from error

    def _place(self, app_code: str) -> Path:
        if not APP_CODE.fullmatch(app_code):
            raise ValueError(f"{app_code!r} is not an app_code of ours")
        return self._root / f"{app_code}.json"


def _read(path: Path) -> App:
    try:
        return _app.decode(read_file(path))
    except msgspec.DecodeError as error:
        raise AppFileCorrupt(f"{path}: is no application: {error}; put it back from a backup") from None
