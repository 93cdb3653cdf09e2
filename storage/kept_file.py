"""A small state that outlives its process, in one file that is replaced whole."""

from pathlib import Path

from storage.files import read_file, replace_file


class KeptFile:
    """The bytes last written to `path`, which a crash leaves as they were before or after a write."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | None:
        """Return what was written last, None where nothing was; OSError where it cannot be read."""
        try:
            return read_file(self._path)
        except FileNotFoundError:
            return None

    def write(self, content: bytes) -> None:
        """Return once the content survives a power cut; OSError where it cannot be written."""
        replace_file(self._path, content)
