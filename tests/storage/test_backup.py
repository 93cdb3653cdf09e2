"""Putting a backup back: who was erased stays erased, and no log_id is given twice."""

from pathlib import Path

from storage.query import LogPlace
from storage.suppression import SUPPRESSION_NAME, Erased, Suppression
from storage.wal.backup import make_backup, restore
from tests.contracts.samples import NOON
from tests.logs import open_log


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
