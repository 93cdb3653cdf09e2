"""Accounts and applications in a backup: whose account was removed, the audit log, and what else outlives a restart."""

from pathlib import Path

from storage.app_files import LAST_USED_NAME
from storage.audit_file import HEAD_NAME
from storage.copying import CHUNK_BYTES, copy_many, copy_tree
from storage.errors import DirectoryUnusable
from storage.last_seen import FILE_NAME as LAST_SEEN_NAME
from storage.tombstones import FILE_NAME as REMOVED_NAME
from storage.tombstones import Tombstones

USER_FILES = "[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*.json"
APP_FILES = "*.json"
AUDIT_FILES = "*.ndjson"
THROTTLE_NAME = "throttle.json"


def copy_accounts(data: Path, copy: Path) -> None:
    """Copy all of it from a data directory, also while a daemon works on it."""
    copy_many(data / "users", copy / "users", USER_FILES)
    _copy_apps(data, copy)
    # The head first: it must not be ahead of the entries, or the end would look cut off.
    copy_tree(data / "audit", copy / "audit", HEAD_NAME)
    copy_tree(data / "audit", copy / "audit", AUDIT_FILES)
    copy_tree(data, copy, THROTTLE_NAME)
    copy_tree(data, copy, LAST_SEEN_NAME)
    # Last: whoever was removed while the rest was copied is on it.
    copy_tree(data, copy, REMOVED_NAME)


def require_one_audit(source: Path, data: Path) -> None:
    """Raise DirectoryUnusable where `data` has an audit log of its own: what it says must not be lost to a backup."""
    for kept in sorted((source / "audit").glob(AUDIT_FILES)):
        here = data / "audit" / kept.name
        if here.exists() and not _begin_alike(kept, here):
            raise DirectoryUnusable(f"{here} is another audit log than the backup's: move {here.parent} away")


def restore_accounts(source: Path, data: Path) -> None:
    """Put the accounts of a backup into `data`, durably; who was removed, here or there, stays so.

    Of an audit log that goes on here behind the backup's nothing is taken back.
    """
    removed = _merge_removed(source, data)
    copy_many(source / "users", data / "users", USER_FILES, takes=lambda path: path.stem not in removed)
    _copy_apps(source, data)
    for name in (AUDIT_FILES, HEAD_NAME):
        copy_tree(
            source / "audit", data / "audit", name, takes=lambda path: _is_longer(path, data / "audit" / path.name)
        )
    copy_tree(source, data, THROTTLE_NAME)
    copy_tree(source, data, LAST_SEEN_NAME)


def _copy_apps(source: Path, target: Path) -> None:
    copy_tree(source / "apps", target / "apps", APP_FILES)
    copy_tree(source, target, LAST_USED_NAME)


def _merge_removed(source: Path, data: Path) -> Tombstones:
    here, there = (Tombstones(place / REMOVED_NAME) for place in (data, source))
    here.open()
    there.open()
    if there.times.keys() - here.times.keys():
        here.add(there.times)
    return here


def _is_longer(path: Path, here: Path) -> bool:
    return not here.exists() or path.stat().st_size > here.stat().st_size


def _begin_alike(one: Path, other: Path) -> bool:
    with one.open("rb") as first, other.open("rb") as second:
        left = min(one.stat().st_size, other.stat().st_size)
        while left > 0:
            count = min(left, CHUNK_BYTES)
            if first.read(count) != second.read(count):
                return False
            left -= count
    return True
