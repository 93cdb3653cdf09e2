"""The audit log on real files: what is on record stays there, and a change of it is named."""

import asyncio
import json
import os
import resource
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.audit import AuditEntry, AuditFilter, AuditRow
from storage.audit_file import SCAN_ENTRIES_MAX, AuditFile, audit_key
from storage.errors import AuditFailed, DirectoryUnusable

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = audit_key("a secret of the tests")
EVERYTHING = AuditFilter()


def row(number: int = 0, **members: object) -> AuditRow:
    said = {"at": NOON + timedelta(seconds=number), "event": "authn_login_success", "outcome": "success"}
    return AuditRow(**said | members)


def opened(directory: Path, **limits: int) -> AuditFile:
    return AuditFile(directory / "audit", KEY, **limits)


async def filled(directory: Path, count: int, **limits: int) -> list[Path]:
    """Write entries, and return the files that hold them."""
    async with opened(directory, **limits) as audit:
        for number in range(count):
            await audit.append(row(number, actor=f"user {number}"))
    return sorted((directory / "audit").glob("*.ndjson"))


async def test_entries_come_back_the_newest_first_after_a_restart(tmp_path: Path) -> None:
    await filled(tmp_path, 5)
    async with opened(tmp_path) as audit:
        await audit.append(row(5))
        page = await audit.page(EVERYTHING, limit=3)
        rest = await audit.page(AuditFilter(before=page.before), limit=3)
        assert [entry.number for entry in page.entries + rest.entries] == [6, 5, 4, 3, 2, 1]
        assert rest.before is None
        assert (await audit.check()).rows == 6


async def test_concurrent_rows_are_one_chain(tmp_path: Path) -> None:
    async with opened(tmp_path) as audit:
        await asyncio.gather(*(audit.append(row(number)) for number in range(200)))
        assert await audit.check() == await audit.check()
        assert ((await audit.check()).rows, (await audit.check()).damage) == (200, None)


async def test_a_check_beside_appends_is_of_what_was_there(tmp_path: Path) -> None:
    async with opened(tmp_path, file_bytes_max=4000) as audit:
        appends = [asyncio.create_task(audit.append(row(number))) for number in range(300)]
        while not all(task.done() for task in appends):
            assert (await audit.check()).damage is None


async def test_a_long_log_goes_on_in_further_files(tmp_path: Path) -> None:
    files = await filled(tmp_path, 40, file_bytes_max=2000)
    assert len(files) > 3
    async with opened(tmp_path) as audit:
        assert (await audit.check()).rows == 40
        assert [entry.number for entry in (await audit.page(EVERYTHING, limit=100)).entries] == list(range(40, 0, -1))


FILTERS = [
    (AuditFilter(event="authn_login_fail"), [2]),
    (AuditFilter(outcome="failure"), [3, 2]),
    (AuditFilter(user_id="ann"), [4, 1]),
    (AuditFilter(peer="192.0.2.1"), [1]),
    (AuditFilter(from_time=NOON + timedelta(seconds=1), to_time=NOON + timedelta(seconds=3)), [3, 2]),
    (AuditFilter(before=3), [2, 1]),
    (AuditFilter(user_id="ann", outcome="failure"), []),
]


@pytest.mark.parametrize(("wanted", "numbers"), FILTERS)
async def test_a_filter_takes_what_it_says(tmp_path: Path, wanted: AuditFilter, numbers: list[int]) -> None:
    async with opened(tmp_path) as audit:
        await audit.append(row(0, actor="ann", peer="192.0.2.1"))
        await audit.append(row(1, event="authn_login_fail", outcome="failure"))
        await audit.append(row(2, event="authz_fail", outcome="failure"))
        await audit.append(row(3, event="authz_change", actor="boss", subject="ann"))
        assert [entry.number for entry in (await audit.page(wanted, limit=10)).entries] == numbers


async def test_a_page_that_looks_far_back_ends_early_and_can_be_gone_on_with(tmp_path: Path) -> None:
    (path,) = await filled(tmp_path, 1)
    first = path.read_bytes()
    count = 2 * SCAN_ENTRIES_MAX + 10
    path.write_bytes(
        b"".join(first.replace(b'"number":1,', b'"number":%d,' % number) for number in range(1, count + 1))
    )
    async with opened(tmp_path) as audit:
        page = await audit.page(AuditFilter(user_id="nobody"), limit=1)
        befores = [page.before]
        while page.before is not None:
            page = await audit.page(AuditFilter(user_id="nobody", before=page.before), limit=1)
            assert page.entries == []
            befores.append(page.before)
    assert befores == [count + 1 - SCAN_ENTRIES_MAX, count + 1 - 2 * SCAN_ENTRIES_MAX, None]


@pytest.mark.parametrize("damaged", [None, 0, 7, 19])
async def test_paging_meets_every_entry_once_wherever_it_goes_on(tmp_path: Path, damaged: int | None) -> None:
    files = await filled(tmp_path, 40, file_bytes_max=2000)
    whole = set(range(40, 0, -1))
    if damaged is not None:
        lines = files[1].read_bytes().splitlines(keepends=True)
        at = min(damaged, len(lines) - 1)
        whole -= {json.loads(lines[at])["number"]}
        lines[at] = b"no entry, and of another length than one\n"
        files[1].write_bytes(b"".join(lines))
    async with opened(tmp_path) as audit:
        for before in range(1, 43):
            page = await audit.page(AuditFilter(before=before), limit=100)
            assert [entry.number for entry in page.entries] == sorted(
                (one for one in whole if one < before), reverse=True
            )


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


async def damage(directory: Path) -> str:
    async with opened(directory) as audit:
        return (await audit.check()).damage or ""


@pytest.mark.parametrize("at", [0, 4, 9])
async def test_f7_an_edited_row_is_named(tmp_path: Path, at: int) -> None:
    (path,) = await filled(tmp_path, 10)
    lines = lines_of(path)
    lines[at] = lines[at].replace(b"user", b"boss")
    path.write_bytes(b"".join(lines))
    assert f"entry {at + 1} ({path}:{at + 1}) is not what was written" in await damage(tmp_path)


@pytest.mark.parametrize("at", [0, 4])
async def test_f7_a_deleted_row_is_named(tmp_path: Path, at: int) -> None:
    (path,) = await filled(tmp_path, 10)
    lines = lines_of(path)
    path.write_bytes(b"".join(lines[:at] + lines[at + 1 :]))
    assert f"entry {at + 1} ({path}:{at + 1}) is missing" in await damage(tmp_path)


@pytest.mark.parametrize("left", [0, 1, 7])
async def test_f7_a_cut_end_is_named_also_after_more_was_written(tmp_path: Path, left: int) -> None:
    (path,) = await filled(tmp_path, 10)
    path.write_bytes(b"".join(lines_of(path)[:left]))
    assert await damage(tmp_path) == f"entries {left + 1} to 10 are missing at the end"
    async with opened(tmp_path) as audit:
        await audit.append(row())
    assert f"entry {left + 1} " in await damage(tmp_path)


async def test_f7_a_row_that_was_put_in_or_moved_is_named(tmp_path: Path) -> None:
    (path,) = await filled(tmp_path, 10)
    lines = lines_of(path)
    path.write_bytes(b"".join(lines[:5] + lines[4:]))
    assert "entry 6 " in await damage(tmp_path)
    path.write_bytes(b"".join([*lines[:3], lines[4], lines[3], *lines[5:]]))
    assert "entry 4 " in await damage(tmp_path)


async def test_f7_without_the_key_no_chain_can_be_made_anew(tmp_path: Path) -> None:
    async with AuditFile(tmp_path / "audit", audit_key("another secret")) as audit:
        await audit.append(row())
    assert "entry 1 " in await damage(tmp_path)


async def test_a_line_that_a_crash_tore_is_cut_and_the_chain_goes_on(tmp_path: Path) -> None:
    (path,) = await filled(tmp_path, 3)
    whole = path.read_bytes()
    for cut in range(1, len(lines_of(path)[-1])):
        path.write_bytes(whole + lines_of(path)[0][:cut])
        async with opened(tmp_path) as audit:
            assert (await audit.check()).damage is None
        assert path.read_bytes() == whole


async def test_after_a_power_cut_that_the_head_did_not_survive_the_chain_goes_on(tmp_path: Path) -> None:
    await filled(tmp_path, 3)
    (tmp_path / "audit" / "head").write_bytes(b"")
    async with opened(tmp_path) as audit:
        await audit.append(row())
        assert (await audit.check()).rows == 4


async def test_f7_hostile_text_is_one_line_of_json(tmp_path: Path) -> None:
    async with opened(tmp_path) as audit:
        await audit.append(row(user_agent='a\r\n\x1b[31m{"event":1}', note="\u2028"))
    (path,) = (tmp_path / "audit").glob("*.ndjson")
    (line,) = path.read_bytes().splitlines()
    assert b"\x1b" not in line
    assert json.loads(line)["row"]["user_agent"] == 'a\r\n\x1b[31m{"event":1}'


async def test_h11_files_are_private(tmp_path: Path) -> None:
    await filled(tmp_path, 1)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "audit").iterdir()}
    assert modes == {"00000001.ndjson": 0o600, "head": 0o600}
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700


async def test_a_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "audit").write_bytes(b"")
    with pytest.raises(DirectoryUnusable, match="audit"):
        async with opened(tmp_path):
            pass


async def test_f8_what_finds_no_room_is_refused_whole_and_the_chain_goes_on(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with opened(tmp_path) as audit:
        await audit.append(row())
        (path,) = (tmp_path / "audit").glob("*.ndjson")
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, hard))
        try:
            with pytest.raises(AuditFailed, match="cannot be written"):
                await audit.append(row())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert len(lines_of(path)) == 1
        await audit.append(row())
        assert ((await audit.check()).rows, (await audit.check()).damage) == (2, None)


async def test_f8_a_row_whose_file_cannot_be_begun_is_refused_and_a_later_one_is_not(tmp_path: Path) -> None:
    async with opened(tmp_path, file_bytes_max=1) as audit:
        await audit.append(row(1))
        in_the_way = tmp_path / "audit" / "00000002.ndjson"
        in_the_way.mkdir()
        for number in (2, 3):
            with pytest.raises(AuditFailed, match=r"00000002\.ndjson: cannot be begun"):
                await audit.append(row(number))
        in_the_way.rmdir()
        await audit.append(row(4))
        assert [entry.row for entry in (await audit.page(EVERYTHING, limit=9)).entries] == [row(4), row(1)]
        assert ((await audit.check()).rows, (await audit.check()).damage) == (2, None)


async def test_f8_a_row_that_the_head_finds_no_room_for_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as audit:
        with Path("/dev/full").open("wb") as full:
            os.dup2(full.fileno(), audit._head_file)
        with pytest.raises(AuditFailed, match="head: cannot be written"):
            await audit.append(row(1))


class Watching(AuditFilter, frozen=True):
    """Takes all, and notes which threads ask at a time."""

    asking: set[int]
    at_once: list[int]

    def takes(self, entry: AuditEntry) -> bool:
        self.asking.add(threading.get_ident())
        self.at_once.append(len(self.asking))
        time.sleep(0)  # another thread's turn
        if entry.number == 1:
            self.asking.remove(threading.get_ident())
        return True


async def test_of_those_who_read_at_once_one_reads_at_a_time(tmp_path: Path) -> None:
    await filled(tmp_path, 50)
    asking: set[int] = set()
    at_once: list[int] = []
    async with opened(tmp_path) as audit:
        pages = (audit.page(Watching(asking=asking, at_once=at_once), limit=100) for _ in range(8))
        assert [len(page.entries) for page in await asyncio.gather(*pages)] == [50] * 8
    assert set(at_once) == {1}
