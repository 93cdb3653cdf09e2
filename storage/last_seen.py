"""When each user was last seen: kept in memory, written to a file now and then."""

import asyncio
from collections.abc import Container
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from storage.errors import DirectoryUnusable
from storage.filesystem import LOCAL
from storage.kept_file import KeptFile

FILE_NAME = "last_seen.json"
KEEP_S = 60.0
"""Between two writes of the file: what a crash loses at most."""

_NEVER = datetime.min.replace(tzinfo=UTC)

log = structlog.get_logger()

_times = msgspec.json.Decoder(dict[str, datetime])


class LastSeen:
    """Times by user_id, each the latest that was told, and the file `path` in which they outlive a restart."""

    def __init__(self, path: Path, *, keep_s: float = KEEP_S) -> None:
        self._path = path
        self._file = KeptFile(path)
        self._keep_s = keep_s
        self._at: dict[str, datetime] = {}
        self._changes = self._kept_changes = 0

    def saw(self, user_id: str, at: datetime) -> None:
        """Note that the user was there."""
        if at > self._at.get(user_id, _NEVER):
            self._at[user_id] = at
            self._changes += 1

    def of(self, user_id: str) -> datetime | None:
        """Return when the user was last seen."""
        return self._at.get(user_id)

    def forget(self, user_id: str) -> None:
        """Keep nothing of the user; the file forgets it with the next write."""
        if self._at.pop(user_id, None) is not None:
            self._changes += 1

    def read(self, users: Container[str]) -> None:
        """Take what the file says of `users`; one that is damaged is renamed to `<name>.corrupt`, with one log line.

        Raises:
            DirectoryUnusable: it cannot be read.
        """
        try:
            content = self._file.read()
            kept = {} if content is None else _times.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            _set_aside(self._path, str(error))
            return
        except OSError as error:
            raise DirectoryUnusable(f"{self._path}: cannot be read: {error}") from error
        for user_id, at in kept.items():
            if user_id in users:
                self.saw(user_id, at)
        if kept == self._at:
            self._kept_changes = self._changes

    async def run(self) -> None:
        """Write what is new, every `keep_s` until cancelled."""
        while True:
            await asyncio.sleep(self._keep_s)
            await self.keep()

    async def keep(self) -> None:
        """Write what is new; one log line where it cannot be written, and the next call tries again."""
        if self._kept_changes == self._changes:
            return
        try:
            await asyncio.to_thread(self._write)
        except OSError as error:
            log.warning("last_seen_not_kept", file=str(self._path), reason=str(error))

    def _write(self) -> None:
        changes = self._changes
        self._file.write(lambda: msgspec.json.encode(self._at.copy()) + b"\n")
        self._kept_changes = max(self._kept_changes, changes)


def _set_aside(path: Path, reason: str) -> None:
    aside = path.with_name(f"{path.name}.corrupt")
    path.rename(aside)
    LOCAL.sync_directory(path.parent)
    log.warning("last_seen_corrupt", file=str(path), set_aside_as=str(aside), reason=reason)
