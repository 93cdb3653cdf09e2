"""What a data directory remembers of its last verified backup."""

from datetime import datetime
from pathlib import Path

import msgspec

from storage.errors import DirectoryUnusable
from storage.files import read_file, replace_file

NOTE_NAME = "backup.json"


class BackupNote(msgspec.Struct, frozen=True, kw_only=True):
    """The last backup that was read back whole: when it began, where it lies, and how many lines of logs it has."""

    made_at: datetime
    directory: str
    lines: int


def read_note(data: Path) -> BackupNote | None:
    """Return the note, None where there never was a backup; DirectoryUnusable where it does not parse."""
    path = data / NOTE_NAME
    try:
        return msgspec.json.decode(read_file(path), type=BackupNote)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise DirectoryUnusable(f"{path}: {error}; delete it, and make a backup") from None


def write_note(data: Path, note: BackupNote) -> None:
    """Keep the note, durably."""
    replace_file(data / NOTE_NAME, msgspec.json.encode(note) + b"\n")
