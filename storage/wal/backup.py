"""Copying a data directory while its daemon works, proving the copy by reading it back, and putting it back.

The log is copied before the archive: a segment that moves from one to the other meanwhile is in at least one of them. The
DuckDB file is never copied; it is filled again from what is.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from storage.account_backup import copy_accounts, require_one_audit, restore_accounts
from storage.copying import copy_file, copy_tree
from storage.errors import DirectoryUnusable, LogCorrupt, LogUnreadable
from storage.files import make_directory, read_file, replace_file
from storage.filesystem import LOCAL
from storage.lock import Lock
from storage.suppression import SUPPRESSION_NAME, Suppression
from storage.wal.archive import SUFFIX as ARCHIVE_SUFFIX
from storage.wal.archive import Archive
from storage.wal.directory import LOCK_NAME, NUMBER_NAME
from storage.wal.reader import LogReader
from storage.wal.segments import SUFFIX, Segments

MANIFEST_NAME = "backup.json"
MANIFEST_VERSION = 1
ENV_NAME = "env"
BACKUP_LOCK_NAME = "BACKUP_LOCK"
"""In the data directory: whoever holds it is the only one who writes a draft, so that one that is there is dead."""

RUN_EVENTS_MAX = 100_000
RUN_BYTES_MAX = 64 << 20


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What reading a log back found: `lines` that are whole, `rejected` of them, and what damage took."""

    lines: int
    rejected: int
    duplicates: int
    lost: int


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds: counts by log_id, and the SHA-256 of every file by its path in the backup."""

    version: int = MANIFEST_VERSION
    made_at: datetime
    logs: dict[str, Counts]
    sha256: dict[str, str]


def make_backup(data: Path, env_file: Path, target: Path, made_at: datetime) -> BackupManifest:
    """Return the manifest once `target` holds a whole copy that was read back and survives a power cut.

    What damage took is lost in the copy too, and counted there. A try that fails leaves nothing; what a killed one left
    is removed.

    Raises:
        DirectoryUnusable: `target` is there already.
        DirectoryBusy: another backup of `data` is being made.
        LogCorrupt: the copy is not what was copied.
    """
    if target.exists():
        raise DirectoryUnusable(f"{target} is there already; name another directory, or delete it")
    draft = target.with_name(f".{target.name}.partial")
    with Lock(data / BACKUP_LOCK_NAME), contextlib.ExitStack() as undo:
        if draft.exists():
            shutil.rmtree(draft)
        make_directory(draft)
        undo.callback(shutil.rmtree, draft)
        _copy_all(data, env_file, draft)
        manifest = BackupManifest(made_at=made_at, logs=read_back(draft, data), sha256=dict(_digests(draft)))
        replace_file(draft / MANIFEST_NAME, msgspec.json.encode(manifest) + b"\n")
        draft.rename(target)
        undo.pop_all()
    LOCAL.sync_directory(target.parent)
    return manifest


def read_back(copy: Path, data: Path) -> dict[str, Counts]:
    """Recover and read every log of a copy of `data` to its end, and return what it holds.

    Raises:
        LogUnreadable: one of them cannot be read.
        LogCorrupt: a copy is damaged where its source is whole.
    """
    archive = Archive(copy / "archive")
    segments, spool = Segments(copy / "log", archive), copy / "spool"
    _check_archive(archive, Archive(data / "archive", scratch=copy))
    reader = LogReader(segments, copy / "quarantine")
    found = {log_id: [0, 0, 0, 0] for log_id in segments.log_ids()}
    while run := reader.take(spool, events_max=RUN_EVENTS_MAX, bytes_max=RUN_BYTES_MAX):
        counts = found[run.log_id]
        counts[3 if run.is_lost else 0] += run.count
        counts[2] += run.duplicates
    if unreadable := reader.unreadable():
        raise LogUnreadable("; ".join(unreadable))
    archive.close()
    for log_id, counts in found.items():
        counts[1] = sum(segments.end(log_id, number).totals.rejected for number in segments.numbers(log_id))
    spool.unlink(missing_ok=True)
    for lock in copy.glob(f"log/*/{LOCK_NAME}"):
        lock.unlink()
    return {
        log_id: Counts(lines=lines, rejected=rejected, duplicates=duplicates, lost=lost)
        for log_id, (lines, rejected, duplicates, lost) in found.items()
    }


def verify_backup(source: Path) -> BackupManifest:
    """Return the manifest of a backup whose every file is as it was written.

    Raises:
        DirectoryUnusable: it is no backup, or one of a later version.
        LogCorrupt: a file is missing, changed or too many.
    """
    try:
        manifest = msgspec.json.decode(read_file(source / MANIFEST_NAME), type=BackupManifest)
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise DirectoryUnusable(f"{source}: is no backup: {error}") from None
    if manifest.version > MANIFEST_VERSION:
        raise DirectoryUnusable(f"{source}: version {manifest.version}, this program reads up to {MANIFEST_VERSION}")
    found = dict(_digests(source))
    wrong = sorted(
        name for name in found.keys() | manifest.sha256.keys() if found.get(name) != manifest.sha256.get(name)
    )
    if wrong:
        raise LogCorrupt(f"{source}: {', '.join(wrong[:3])}: not as the manifest says ({len(wrong)} files)")
    return manifest


def restore(source: Path, data: Path, env_file: Path) -> BackupManifest:
    """Return the manifest once a verified backup lies in `data`, durably; the caller holds the directory's lock.

    The log comes last, under its name at once: an interrupted restore is done again. log_ids go on behind every one that
    was ever given here or there. Who was erased or whose account was removed, here or there, stays so.

    Raises:
        DirectoryUnusable: `data` holds a log, an archive, a store or another audit log, or `env_file` other secrets.
    """
    manifest = verify_backup(source)
    _require_empty(data)
    require_one_audit(source, data)
    _restore_env(source / ENV_NAME, env_file)
    copy_tree(source / "archive", data / "archive", f"*/*{ARCHIVE_SUFFIX}")
    restore_accounts(source, data)
    _merge_erased(source, data)
    draft = data / ".log.restoring"
    shutil.rmtree(draft, ignore_errors=True)
    make_directory(draft)  # all of the log may be archived
    copy_tree(source / "log", draft, f"*/*{SUFFIX}")
    number = max(
        _number(data / "log"), _number(source / "log"), *(int(name.split("-")[0]) for name in manifest.logs), 0
    )
    replace_file(draft / NUMBER_NAME, f"{number}\n".encode("ascii"))
    shutil.rmtree(data / "log", ignore_errors=True)  # no log is in it
    draft.rename(data / "log")
    LOCAL.sync_directory(data)
    return manifest


def _copy_all(data: Path, env_file: Path, draft: Path) -> None:
    _copy_log(data / "log", draft / "log")
    copy_tree(data / "archive", draft / "archive", f"*/*{ARCHIVE_SUFFIX}")
    _drop_archived(draft)
    copy_accounts(data, draft)
    copy_file(env_file, draft / ENV_NAME)
    # Last: who was erased while the rest was copied is on it.
    if (data / SUPPRESSION_NAME).exists():
        copy_file(data / SUPPRESSION_NAME, draft / SUPPRESSION_NAME)


def _check_archive(copied: Archive, source: Archive) -> None:
    """LogCorrupt where a copy is damaged and its source is not: what damage took there is counted by reading."""
    for log_id in copied.log_ids():
        for number in copied.numbers(log_id):
            try:
                copied.open_whole(log_id, number)
            except LogCorrupt:
                if _is_whole(source, log_id, number):
                    raise
    source.close()


def _is_whole(archive: Archive, log_id: str, number: int) -> bool:
    try:
        archive.open_whole(log_id, number)
    except LogCorrupt:
        return False
    return True


def _require_empty(data: Path) -> None:
    for pattern in (f"log/*/*{SUFFIX}", "store/*.duckdb"):
        if found := next(data.glob(pattern), None):
            raise DirectoryUnusable(f"{found} is there: move {data} away, or name another directory with --data")


def _restore_env(kept: Path, env_file: Path) -> None:
    if not env_file.exists():
        copy_file(kept, env_file)
    elif read_file(kept) != read_file(env_file):
        raise DirectoryUnusable(
            f"{env_file} holds other secrets than the backup; move it away, passwords need the old ones"
        )


def _merge_erased(source: Path, data: Path) -> None:
    """List everybody who was erased here or there, as still to be erased: the copied archive may be of before."""
    here, there = (Suppression(place / SUPPRESSION_NAME, "") for place in (data, source))
    for suppression in (here, there):
        suppression.open()
    entries = (*there.entries, *here.entries)
    if entries:
        merged = Suppression(data / SUPPRESSION_NAME, "")
        merged.add(msgspec.structs.replace(entry, done_at=None) for entry in entries)


def _number(log: Path) -> int:
    try:
        return int(read_file(log / NUMBER_NAME))
    except FileNotFoundError:
        return 0


def _copy_log(source: Path, target: Path) -> None:
    make_directory(target)
    replace_file(target / NUMBER_NAME, f"{_number(source)}\n".encode("ascii"))
    copy_tree(source, target, f"[0-9]*/*{SUFFIX}")


def _drop_archived(copy: Path) -> None:
    """Drop what was copied twice: of a segment that was open when it was copied the archive has more."""
    for archived in copy.glob(f"archive/*/*{ARCHIVE_SUFFIX}"):
        live = copy / "log" / archived.parent.name / archived.name.replace(ARCHIVE_SUFFIX, SUFFIX)
        live.unlink(missing_ok=True)


def _digests(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and path != root / MANIFEST_NAME:
            with path.open("rb") as file:
                yield str(path.relative_to(root)), hashlib.file_digest(file, "sha256").hexdigest()
