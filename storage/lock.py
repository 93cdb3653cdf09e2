"""One holder per directory: an advisory lock on a file, freed by the kernel when its process ends, however it ends."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.errors import DirectoryBusy
from storage.files import read_file, write_all
from storage.filesystem import LOCAL, FileSystem

POLL_S = 0.02
"""How often a waiting process looks again; flock has no timeout of its own."""


class Lock:
    """An advisory lock on `path`; the file stays and holds the process id of its last holder, for people."""

    def __init__(self, path: Path, *, files: FileSystem = LOCAL) -> None:
        self._path = path
        self._files = files
        self._descriptor: int | None = None

    def acquire(self, wait_s: float | None = 0.0) -> Self:
        """Take the lock within `wait_s` (None: wait for ever).

        Raises:
            DirectoryBusy: another process (or another Lock of this one) holds it; the message names its process id.
        """
        deadline = None if wait_s is None else time.monotonic() + wait_s
        while (descriptor := self._files.try_lock(self._path)) is None:
            if deadline is not None and time.monotonic() >= deadline:
                raise DirectoryBusy(f"{self._path} is held by process {self.holder() or 'unknown'}")
            time.sleep(POLL_S)
        self._descriptor = descriptor
        self._files.truncate(descriptor, 0)
        write_all(descriptor, f"{os.getpid()}\n".encode("ascii"), 0, files=self._files)
        return self

    def release(self) -> None:
        """Give the lock back; without effect when it is not held."""
        if self._descriptor is not None:
            self._files.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> str:
        """Return the process id that the last holder wrote, or an empty text."""
        try:
            return read_file(self._path, files=self._files).decode("ascii").strip()
        except FileNotFoundError:
            return ""

    def __enter__(self) -> Self:
        """Take the lock at once, unless `acquire` has been called already."""
        return self if self._descriptor is not None else self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
