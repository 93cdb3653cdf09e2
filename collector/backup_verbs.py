"""`footfalld backup DIR` and `footfalld restore DIR`."""

import argparse
from datetime import datetime
from pathlib import Path

from collector.errors import CommandError
from storage.backup_note import BackupNote, write_note
from storage.wal.backup import BackupManifest, make_backup, restore


def add_verbs(root: "argparse._SubParsersAction[argparse.ArgumentParser]", flags: argparse.ArgumentParser) -> None:
    """Add the verbs to the parser of `footfalld`."""
    backup = root.add_parser(
        "backup", parents=[flags], help="copy log, archive, users, audit log and secrets, and read them back"
    )
    backup.add_argument("directory", metavar="DIR", type=Path, help="made by this; it must not be there")
    backup.set_defaults(verb="backup")
    back = root.add_parser("restore", parents=[flags], help="put a backup into a data directory without a log")
    back.add_argument("directory", metavar="DIR", type=Path)
    back.set_defaults(verb="restore")


def run_backup(target: Path, data: Path, env_file: Path, now: datetime) -> None:
    """Make a backup, also while a daemon works on `data`, and note it there; CommandError where there is no log."""
    if not (data / "log").is_dir():
        raise CommandError(f"{data}: holds no log; name another one with --data")
    manifest = make_backup(data, env_file, target.absolute(), now)
    write_note(data, BackupNote(made_at=now, directory=str(target.absolute()), lines=_lines(manifest)))
    print(f"{target} holds {_said(manifest)}, read back; it holds the secrets too: keep it private")


def run_restore(source: Path, data: Path, env_file: Path) -> None:
    """Put a backup back; the caller holds the lock of `data`."""
    manifest = restore(source.absolute(), data, env_file)
    print(f"{data} holds {_said(manifest)} of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC; the next start loads them")


def _lines(manifest: BackupManifest) -> int:
    return sum(counts.lines for counts in manifest.logs.values())


def _said(manifest: BackupManifest) -> str:
    lost = sum(counts.lost for counts in manifest.logs.values())
    said = f"{_lines(manifest)} lines of {len(manifest.logs)} logs"
    return f"{said} ({lost} more are lost to damage, there as here)" if lost else said
