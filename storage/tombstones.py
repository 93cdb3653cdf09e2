"""Whose account was removed: what keeps a crash, a copied directory and a restored backup from bringing it back.

A tombstone is a user_id, which is random and says nothing of the person, and a time. It stays for ever.
"""

import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from storage.errors import DirectoryUnusable
from storage.files import read_file, replace_file

FILE_NAME = "removed.json"
"""Beside the directory of the users."""

_times = msgspec.json.Decoder(dict[str, datetime])


class Tombstones:
    """When each account was removed, by user_id, in the file `path`. May be used from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._adding = threading.Lock()
        self.times: dict[str, datetime] = {}

    def open(self) -> None:
        """Read the file; none is one without anybody.

        Raises:
            DirectoryUnusable: it cannot be read: until it can, nothing is, or removed accounts would come back.
        """
        try:
            self.times = _times.decode(read_file(self._path))
        except FileNotFoundError:
            self.times = {}
        except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
            raise DirectoryUnusable(f"{self._path}: {error}; put it back from a backup") from error

    def __contains__(self, user_id: object) -> bool:
        """Return whether the account was removed."""
        return user_id in self.times

    def add(self, times: Mapping[str, datetime]) -> None:
        """Return once the tombstones are durable; OSError where they cannot be written. The first time of each stays."""
        with self._adding:
            all_times = {**times, **self.times}
            replace_file(self._path, msgspec.json.encode(all_times) + b"\n")
            self.times = all_times
