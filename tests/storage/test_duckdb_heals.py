"""Damage of DuckDB's files: found, set aside whole, and told from what a new file would not help against."""

import contextlib
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from storage.duckdb.damage import is_damage
from storage.duckdb.last_position import NAME, note_position
from storage.duckdb.store import DuckDBStore
from storage.errors import StorageError, StoreDamaged
from storage.event import Event
from storage.query.events import EventFilter
from storage.query.visits import SummaryQuery
from tests.contracts.samples import event, given_id, rejected
from tests.contracts.shelf import InThreads, SinkShelf, open_store

SUMMARY = SummaryQuery(where=EventFilter(app_code="site"), pages=1)
BLOCK_BYTES = 256 * 1024
FLIPS = int(os.environ.get("SOAK_FLIPS", "12"))
NAMES = ("events.duckdb", "events.duckdb.wal")


def shelf_of(store: DuckDBStore, directory: Path) -> SinkShelf:
    return SinkShelf(directory, store, InThreads(store))


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both files as a killed process leaves them: some loads are in the database, some in its write-ahead log."""
    made, copy = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("left")
    with open_store(made) as store:
        shelf = shelf_of(store, made)
        shelf.apply([event(page_url=f"/{n}", title="x" * (n % 50)) for n in range(9000)])
        shelf.apply([given_id("a"), given_id("a"), rejected()])
        store.checkpoint()
        shelf.apply([event(page_url=f"/{n}") for n in range(1000)])
        for name in NAMES:
            shutil.copy(made / name, copy)
    return copy


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def flip(path: Path, bit: int) -> None:
    at = bit // 8
    byte = path.read_bytes()[at]
    overwrite(path, at, bytes([byte ^ (1 << bit % 8)]))


def garbage(count: int) -> bytes:
    return random.Random(7).randbytes(count)


DAMAGE: dict[str, Callable[[Path, Path], object]] = {
    "the database is empty": lambda file, _: os.truncate(file, 0),
    "the database is cut in its header": lambda file, _: os.truncate(file, 4096),
    "the database is cut at its first block": lambda file, _: os.truncate(file, 12288),
    "the database is cut in a block": lambda file, _: os.truncate(file, 12288 + 100),
    "the database is cut in the middle": lambda file, _: os.truncate(file, file.stat().st_size // 2),
    "the main header is torn": lambda file, _: overwrite(file, 0, garbage(4096)),
    "a header is torn": lambda file, _: overwrite(file, 4096, garbage(4096)),
    "the first block is torn": lambda file, _: overwrite(file, 12288, garbage(BLOCK_BYTES)),
    "the database is something else": lambda file, _: file.write_bytes(b"not a database" * 1000),
    "the log is torn at its beginning": lambda _, log: overwrite(log, 100, garbage(1000)),
    "the log is torn in the middle": lambda _, log: overwrite(log, log.stat().st_size // 2, garbage(1000)),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_files_are_set_aside_together_and_a_new_one_begun(left: Path, tmp_path: Path, case: str) -> None:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    DAMAGE[case](*(tmp_path / name for name in NAMES))
    with open_store(tmp_path) as store:
        assert store.aside_reason
        assert store.positions() == {}
        shelf_of(store, tmp_path).apply([event()])
    kept = sorted(one.name for one in (tmp_path / "quarantine").iterdir())
    # Where only a question met the damage, DuckDB has taken its log into the file before.
    assert kept in ([kept[0], f"{kept[0]}.wal"], [kept[0]])
    assert not (tmp_path / "condemned").exists()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(FLIPS))
def test_a_flipped_bit_is_found_or_changes_no_answer(left: Path, tmp_path: Path, name: str, seed: int) -> None:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    path = tmp_path / name
    flip(path, random.Random(seed).randrange(8 * path.stat().st_size))
    try:
        with open_store(tmp_path) as store:
            lines = sum(at.next_offset for at in store.positions().values())
            with store.reader() as reader:
                visits = reader.summary(SUMMARY).total_visits
    except StorageError:
        with open_store(tmp_path) as store:  # what a question met is found by the start behind it, or was set aside
            return
    assert (lines, visits) in {(0, 0), (9003, 9000), (10003, 10000)}


def test_a_log_of_the_database_that_is_gone_takes_its_rows_along(left: Path, tmp_path: Path) -> None:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    (tmp_path / "events.duckdb.wal").unlink()
    with open_store(tmp_path) as store:
        (at,) = store.positions().values()
        assert at.next_offset == 9003


def gone(lines: list[EventDict]) -> list[int]:
    """Return how many loads each line says to be gone."""
    return [line["loads"] for line in lines if line["event"] == "store_rows_gone"]


@pytest.mark.parametrize("name", NAMES)
def test_loads_that_went_with_a_file_are_told_once(tmp_path: Path, name: str) -> None:
    with open_store(tmp_path) as store:
        shelf_of(store, tmp_path).apply([event()])
        store.checkpoint()
        shelf_of(store, tmp_path).apply([event()])
        shelf_of(store, tmp_path).apply([event()])
        shutil.copytree(tmp_path, tmp_path / "left")
    (tmp_path / "left" / name).unlink()
    with capture_logs() as lines:
        for _ in range(2):
            with open_store(tmp_path / "left"):
                pass
    assert gone(lines) == [{"events.duckdb": 3, "events.duckdb.wal": 2}[name]]


def test_nothing_is_told_of_files_as_a_killed_process_leaves_them(left: Path, tmp_path: Path) -> None:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    note_position(tmp_path / NAMES[0], 3)
    with capture_logs() as lines, open_store(tmp_path):
        pass
    assert not lines


@pytest.mark.parametrize("noted", ["", "\0\0", "1\n"])
def test_a_note_that_a_power_cut_left_behind_is_no_alarm(left: Path, tmp_path: Path, noted: str) -> None:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    (tmp_path / NAME).write_text(noted)
    with capture_logs() as lines, open_store(tmp_path):
        pass
    assert not lines
    assert int((tmp_path / NAME).read_text()) == 3


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM events WHERE page_url = '/1'",
        "UPDATE ledger SET byte_end = -1 WHERE position = 1",
        "UPDATE ledger SET segment = 0 WHERE position = 1",
        "UPDATE ledger SET to_offset = to_offset + 1 WHERE position = 2",
        "UPDATE ledger SET n_lost = 9223372036854775807 WHERE position = 2",
    ],
)
def test_rows_that_are_not_those_of_the_ledger_are_damage(left: Path, tmp_path: Path, change: str) -> None:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    with duckdb.connect(str(tmp_path / NAMES[0])) as file:
        file.execute(change)
    with open_store(tmp_path) as store:
        assert store.aside_reason == "rows and ledger do not agree"


def test_only_the_newest_two_of_the_files_that_were_set_aside_are_kept(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / NAMES[0]).write_bytes(b"%d" % number * 5000)
        with open_store(tmp_path):
            pass
    kept = sorted(one.read_bytes()[:1] for one in (tmp_path / "quarantine").iterdir())
    assert kept == [b"2", b"3"]


def test_files_that_are_condemned_are_set_aside_though_they_open(left: Path, tmp_path: Path) -> None:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    open_store(tmp_path).condemn("a question met a checksum")
    with open_store(tmp_path) as store:
        assert store.aside_reason == "a question met a checksum"
        assert store.positions() == {}


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_not_there_any_more_is_noticed_before_the_next_load(tmp_path: Path, *, replaced: bool) -> None:
    with open_store(tmp_path) as store:
        store.check()
        (tmp_path / NAMES[0]).rename(tmp_path / "elsewhere")
        if replaced:
            (tmp_path / NAMES[0]).write_bytes(b"another")
        with pytest.raises(StoreDamaged, match="gone, or another file"):
            store.check()


def tear_every_block(path: Path) -> None:
    for at in range(12288, path.stat().st_size, BLOCK_BYTES):
        overwrite(path, at, garbage(BLOCK_BYTES))


def test_damage_that_a_load_meets_ends_the_loading_until_the_files_are_set_aside(left: Path, tmp_path: Path) -> None:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    with open_store(tmp_path) as store:
        tear_every_block(tmp_path / NAMES[0])
        with pytest.raises(StoreDamaged, match=r"offsets 0 to 0 were not loaded: .*Corrupt database file"):
            shelf_of(store, tmp_path).apply([given_id("a")], log_id="0000000002-abcdef")
        with pytest.raises(StoreDamaged, match="Corrupt database file"):
            store.check()


def test_damage_that_a_question_meets_is_noticed_before_the_next_load(left: Path, tmp_path: Path) -> None:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    with open_store(tmp_path) as store:
        tear_every_block(tmp_path / NAMES[0])
        with store.reader() as reader, pytest.raises(StorageError, match="Corrupt database file"):
            reader.summary(SUMMARY)
        with pytest.raises(StoreDamaged, match="Corrupt database file"):
            store.check()


FOUND = (
    "Corrupted bitpacking segment: array offset is misaligned",
    "FATAL Error: This block was written with a mode that is not recognized by this version, highest available mode 3",
    "IO Error: Failed to scan DICT_FSST string segment: invalid FSST symbol table. Database file appears to be corrupted.",
    "IO Error: No more data remaining in MetadataReader",
    "IO Error: This WAL was created for this database file, but the WAL checkpoint iteration does not match the database",
)
"""What DuckDB said of files that lack a part of what it synced (tests/crash/test_store_power.py)."""


@pytest.mark.parametrize("text", FOUND)
def test_an_error_that_only_new_files_help_against_is_damage(text: str) -> None:
    assert is_damage(duckdb.Error(text))


OPENING = """
import sys
from pathlib import Path
from tests.contracts.shelf import open_store
from storage.errors import StoreDamaged, StorageError
try:
    with open_store(Path(sys.argv[1])) as store:
        print("set aside" if store.aside_reason else "opened")
except StorageError as error:
    print(type(error).__name__, error)
"""

REFUSALS = {
    "Permission denied": ("openat", "EACCES"),
    "Input/output error": ("pread64", "EIO"),
    "Too many open files": ("openat", "EMFILE"),
    "Read-only file system": ("openat", "EROFS"),
}


@pytest.mark.parametrize("text", REFUSALS)
def test_files_that_the_machine_does_not_let_us_at_are_left_where_they_are(
    left: Path, tmp_path: Path, text: str
) -> None:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    call, error = REFUSALS[text]
    traced = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(tmp_path / NAMES[0])]
    traced += ["-e", f"trace={call}", "-e", f"inject={call}:error={error}"]
    found = subprocess.run(
        [*traced, sys.executable, "-c", OPENING, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stdout.startswith("StorageError")
    assert text in found.stdout
    assert not (tmp_path / "quarantine").exists()


def test_a_file_that_another_process_has_open_is_left_where_it_is(left: Path, tmp_path: Path) -> None:
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    with open_store(tmp_path):
        found = subprocess.run(
            [sys.executable, "-c", OPENING, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
        )
    assert "Could not set lock" in found.stdout
    assert not (tmp_path / "quarantine").exists()


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """Let no file of this process grow past 1 MiB: what a full disk is to a checkpoint."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def large_events(count: int) -> list[Event]:
    return [event(title=os.urandom(2000).hex()) for _ in range(count)]


def test_a_checkpoint_that_finds_no_room_is_no_damage_and_the_store_goes_on(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        shelf = shelf_of(store, tmp_path)
        shelf.apply(large_events(1000))
        with no_room(), pytest.raises(StorageError, match="File too large") as refusal:
            store.checkpoint()
        assert not isinstance(refusal.value, StoreDamaged)
        store.check()
        store.checkpoint()
        shelf.apply([event()])


def test_a_store_that_opens_anew_without_its_log_is_loaded_again_from_where_its_ledger_ends(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        shelf = shelf_of(store, tmp_path)
        shelf.apply([event() for _ in range(100)])
        store.checkpoint()
        shelf.apply(large_events(1000))
        (tmp_path / "events.duckdb.wal").unlink()
        with capture_logs() as lines, no_room(), pytest.raises(StorageError, match="File too large"):
            store.checkpoint()
        assert gone(lines) == [1]
        (at,) = store.positions().values()
        assert at.next_offset == 100
        shelf.apply([event() for _ in range(10)])
        (at,) = store.positions().values()
        assert at.next_offset == 110


def test_memory_that_is_used_up_is_no_damage() -> None:
    with duckdb.connect(config={"memory_limit": "10MB"}) as database:
        with pytest.raises(duckdb.Error) as refusal:
            database.execute("SELECT list(a) FROM (SELECT random()::VARCHAR AS a FROM range(10000000))")
        assert not is_damage(refusal.value)
