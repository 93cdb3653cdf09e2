"""A small state that outlives its process, in one file that is replaced whole."""

import threading
from collections.abc import Callable
from pathlib import Path

from storage.files import read_file, replace_file


class KeptFile:
    """The bytes last written to `path`, which a crash leaves as they were before or after a write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()

    def read(self) -> bytes | None:
        """Return what was written last, None where nothing was; OSError where it cannot be read."""
        try:
            return read_file(self._path)
        except FileNotFoundError:
            return None

    def write(self, content: Callable[[], bytes]) -> None:
        """Return once what `content` gives survives a power cut; OSError where it cannot be written.

        It is asked when its turn has come: of writes in several threads the last one has the newest state.
        """
        # The write of a caller that was cancelled may be under way still.
        with self._writing:
            replace_file(self._path, content())
