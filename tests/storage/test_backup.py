"""Making a backup of a log that damage has been at, and putting one back."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.backup_verbs import run_backup
from storage.backup_note import read_note
from storage.errors import DirectoryBusy, LogCorrupt
from storage.lock import Lock
from storage.query.erasure import LogPlace
from storage.suppression import SUPPRESSION_NAME, Erased, Suppression
from storage.wal.backup import BACKUP_LOCK_NAME, Counts, make_backup, read_back, restore, verify_backup
from tests.contracts.samples import NOON
from tests.damage import LOG_ID, archive_all, frames_of, read, write_log
from tests.logs import open_log

LINES = 6
"""In the log that `write_log` writes, in two segments."""


def erased(data: Path, digest: str) -> None:
    suppression = Suppression(data / SUPPRESSION_NAME, "key")
    suppression.open()
    suppression.add([Erased(digest=digest, pseudonym="p", until=LogPlace("1", 1), erased_at=NOON, done_at=NOON)])


async def back_up(root: Path) -> Path:
    here = root / "here"
    here.mkdir()
    (root / "env").write_text("SECRET_KEY=a\n")
    async with open_log(here) as log:
        await log.append([b'{"event_id":"a"}'])
    erased(here, "in the backup")
    make_backup(here, root / "env", root / "backup", NOON)
    return root / "backup"


async def test_everybody_who_was_erased_here_or_there_is_erased_again(tmp_path: Path):
    source, there = await back_up(tmp_path), tmp_path / "there"
    there.mkdir()
    erased(there, "in the target")
    restore(source, there, tmp_path / "env")
    found = Suppression(there / SUPPRESSION_NAME, "key")
    found.open()
    assert {(entry.digest, entry.done_at) for entry in found.entries} == {
        ("in the backup", None),
        ("in the target", None),
    }


async def test_log_numbers_go_on_behind_the_greater_one(tmp_path: Path):
    source, there = await back_up(tmp_path), tmp_path / "there"
    (there / "log").mkdir(parents=True)
    (there / "log" / "log_number").write_text("41\n")
    restore(source, there, tmp_path / "env")
    async with open_log(there) as log:
        assert log.log_id.startswith("0000000042-")


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def damage_a_group(directory: Path) -> None:
    """Flip one bit in the first group, which has two lines."""
    first = next(frame for frame in frames_of(directory) if frame.offsets)
    flip(directory / "0000000000000001.ndjson", first.end - 3)


def then_archived(directory: Path) -> None:
    damage_a_group(directory)
    archive_all(directory)


def in_the_archive(directory: Path) -> None:
    """Damage an archived file as a disk does: what its manifest says of it is right."""
    path = archive_all(directory)[1]
    content = path.read_bytes()
    path.write_bytes(content[:-60])


def at_its_manifest(directory: Path) -> None:
    flip(archive_all(directory)[1], 50)


DAMAGE: dict[str, tuple[Callable[[Path], object], bool]] = {
    "a group": (damage_a_group, True),
    "a whole segment": (lambda directory: os.truncate(directory / "0000000000000001.ndjson", 0), True),
    "a group, then archived": (then_archived, True),
    "an archived file": (in_the_archive, True),
    "a manifest": (at_its_manifest, False),
}
"""Each with whether it takes lines."""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A data directory without a log, and secrets beside it."""
    (tmp_path / "env").write_text("SECRET_KEY=a\n")
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_log_is_backed_up_and_what_is_lost_there_is_counted(
    here: Path, capsys: pytest.CaptureFixture[str], case: str
):
    damage, takes_lines = DAMAGE[case]
    damage(write_log(here))
    found = read(here)
    lost, duplicates = len(found.lost), found.duplicates
    assert (lost > 0) is takes_lines
    target, there = here.with_name("backup"), here.with_name("there")
    run_backup(target, here, here.with_name("env"), NOON)
    said = f"({lost} more are lost to damage, there as here)"
    assert (said in capsys.readouterr().out) is takes_lines
    counts = Counts(lines=LINES - lost, rejected=0, duplicates=duplicates, lost=lost)
    assert verify_backup(target).logs == {LOG_ID: counts}
    note = read_note(here)
    assert note is not None
    assert note.lines == LINES - lost
    there.mkdir()
    restore(target, there, here.with_name("env"))
    assert read(there).lost == found.lost


def test_a_copy_that_is_damaged_where_its_source_is_whole_is_no_backup(here: Path, tmp_path: Path):
    archive_all(write_log(here))
    shutil.copytree(here, tmp_path / "copy")
    copied = tmp_path / "copy" / "archive" / LOG_ID / "0000000000000001.ndjson.zst"
    flip(copied, copied.stat().st_size - 30)
    with pytest.raises(LogCorrupt, match="SHA-256 is not that of its manifest"):
        read_back(tmp_path / "copy", here)


def test_a_backup_that_fails_leaves_nothing_and_the_next_one_succeeds(here: Path):
    write_log(here)
    secrets, target = here.with_name("env"), here.with_name("backup")
    secrets.rename(here.with_name("moved away"))
    with pytest.raises(FileNotFoundError):
        make_backup(here, secrets, target, NOON)
    assert sorted(one.name for one in here.parent.iterdir()) == ["here", "moved away"]
    assert make_backup(here, here.with_name("moved away"), target, NOON).logs[LOG_ID].lines == LINES


def test_the_draft_of_a_backup_that_was_killed_is_no_obstacle_and_nothing_of_it_is_in_the_next(here: Path):
    write_log(here)
    draft = here.with_name(".backup.partial")
    (draft / "archive" / "left").mkdir(parents=True)
    make_backup(here, here.with_name("env"), here.with_name("backup"), NOON)
    assert not draft.exists()
    assert not (here.with_name("backup") / "archive" / "left").exists()


def test_a_second_backup_at_the_same_time_is_refused_and_leaves_the_first_ones_draft(here: Path):
    write_log(here)
    draft = here.with_name(".backup.partial")
    draft.mkdir()
    with Lock(here / BACKUP_LOCK_NAME), pytest.raises(DirectoryBusy, match=BACKUP_LOCK_NAME):
        make_backup(here, here.with_name("env"), here.with_name("backup"), NOON)
    assert draft.exists()
