"""What is DuckDB's alone: the file, its versions, its limits, and readers beside the load."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from storage.duckdb.reader import Reader
from storage.duckdb.store import DuckDBStore
from storage.errors import QueryTimeout, StorageError, StoreDown
from storage.event import Event
from storage.query.erasure import LogPlace
from storage.query.events import EventFilter, ExportQuery
from storage.query.visits import SummaryQuery, VisitsQuery
from storage.suppression import Erased
from tests.contracts.shelf import InThreads, SinkShelf, log_range, open_store

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
SITE = EventFilter(app_code="site")
SUMMARY = SummaryQuery(where=SITE, pages=1)
DEADLINE_S = 20.0


def shelf_of(store: DuckDBStore, directory: Path) -> SinkShelf:
    return SinkShelf(directory, store, InThreads(store))


def events(count: int, start: int = 0, **members: str) -> list[Event]:
    return [
        Event(f"id {start + n}", "site", "pageview", NOON, page_url=f"/{n}", anonymous_id=f"v{n}", **members)
        for n in range(count)
    ]


def test_what_was_loaded_is_there_after_the_file_was_opened_anew(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        shelf_of(store, tmp_path).apply([*events(3)])
        positions = store.positions()
    with open_store(tmp_path) as store:
        assert store.positions() == positions
        shelf_of(store, tmp_path).apply([*events(2, start=3)])
        with store.reader() as reader:
            assert reader.summary(SUMMARY).total_visits == 5


def test_an_id_that_is_a_uuid_is_kept_once_and_another_beside_its_hash(tmp_path: Path) -> None:
    uuid = "0190abcd-0000-7000-8000-000000000001"
    with open_store(tmp_path) as store:
        plain = Event("Order 7", "site", "x", NOON)
        shelf_of(store, tmp_path).apply([Event(uuid, "site", "x", NOON), plain, Event(uuid.upper(), "site", "x", NOON)])
    with duckdb.connect(str(tmp_path / "events.duckdb")) as file:
        rows = file.execute('SELECT event_key::VARCHAR, event_id FROM events ORDER BY position, "offset"').fetchall()
    assert rows[0] == (uuid, None)
    assert [event_id for _, event_id in rows[1:]] == ["Order 7", uuid.upper()]


def test_rejected_items_are_kept_with_their_reason(tmp_path: Path) -> None:
    line = (
        b'{"offset":0,"rejected_code":"attrs_too_many","rejected_raw":"{\\"x\\":","app_code":"site",'
        b'"received_at":"2026-11-18T12:00:00Z"}\n'
    )
    with open_store(tmp_path) as store:
        shelf_of(store, tmp_path).apply_lines(log_range(0, 0, byte_end=1), line)
    with duckdb.connect(str(tmp_path / "events.duckdb")) as file:
        rows = file.execute('SELECT "offset", code, raw, app_code FROM rejected').fetchall()
    assert rows == [(0, "attrs_too_many", b'{"x":', "site")]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("UPDATE schema_version SET version = 99", "schema version"),
        ("DROP TABLE schema_version", "not a Footfall store"),
    ],
)
def test_a_file_of_a_later_version_or_of_somebody_else_is_refused(tmp_path: Path, sql: str, message: str) -> None:
    with open_store(tmp_path):
        pass
    with duckdb.connect(str(tmp_path / "events.duckdb")) as file:
        file.execute(sql)
    with pytest.raises(StorageError, match=message) as refusal, open_store(tmp_path):
        pass
    assert str(tmp_path / "events.duckdb") in str(refusal.value)


def test_a_file_of_an_earlier_version_is_set_aside_whole_and_a_new_one_begun(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        shelf_of(store, tmp_path).apply([*events(3)])
    path = tmp_path / "events.duckdb"
    with duckdb.connect(str(path)) as file:
        file.execute("UPDATE schema_version SET version = 1")
    before = path.read_bytes()
    with open_store(tmp_path) as store:
        assert store.positions() == {}
        shelf_of(store, tmp_path).apply([*events(1)])
    assert [aside.read_bytes() for aside in (tmp_path / "quarantine").iterdir()] == [before]
    with open_store(tmp_path) as store:
        assert len(store.positions()) == 1


def test_a_repeat_of_a_late_event_is_known_after_an_erasure_and_in_the_file_opened_anew(tmp_path: Path) -> None:
    late = Event("a", "site", "x", NOON, occurred_at=NOON - timedelta(days=400), id_given=True)
    somebody = Erased(digest="d", pseudonym="erased-1", until=LogPlace("0000000001-a", 0), erased_at=NOON)
    with open_store(tmp_path) as store:
        shelf_of(store, tmp_path).apply([late])
        store.erase([somebody])
        shelf_of(store, tmp_path).apply([late])
    with open_store(tmp_path) as store:
        shelf_of(store, tmp_path).apply([late])
        with store.reader() as reader:
            assert (reader.health().n_rows, reader.health().n_duplicates) == (1, 2)


def test_a_directory_with_a_quote_in_its_name_is_opened(tmp_path: Path) -> None:
    directory = tmp_path / "it's"
    directory.mkdir()
    with open_store(directory) as store:
        shelf_of(store, directory).apply([*events(1)])
        assert len(store.positions()) == 1


def test_lines_outside_the_directory_of_the_file_are_not_read(tmp_path: Path) -> None:
    inside = tmp_path / "store"
    inside.mkdir()
    lines = tmp_path / "lines.ndjson"
    lines.write_bytes(b"")
    with open_store(inside) as store, pytest.raises(StorageError, match="Permission"):
        store.apply(log_range(0, -1, byte_end=1), lines)


def test_a_store_that_is_not_open_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(StoreDown):
        store.positions()
    with pytest.raises(StoreDown), store.reader():
        pass


def test_after_an_error_of_the_database_every_connection_is_new_and_the_load_goes_on(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        shelf = shelf_of(store, tmp_path)
        shelf.apply([*events(2)])
        with store.reader() as before:
            with pytest.raises(StorageError, match="offsets 2 to 2 were not loaded"):
                store.apply(log_range(2, 2, byte_end=2), tmp_path / "gone.ndjson")
            with pytest.raises(StoreDown):
                before.summary(SUMMARY)
        shelf.apply([*events(1, start=2)])
        with store.reader() as reader:
            assert reader.summary(SUMMARY).total_visits == 3


def test_a_range_that_does_not_follow_leaves_readers_alone(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        shelf = shelf_of(store, tmp_path)
        with store.reader() as reader:
            with pytest.raises(StorageError):
                shelf.apply([*events(1)], start=7)
            assert reader.summary(SUMMARY).total_visits == 0


def test_an_export_gives_what_was_stored_when_it_began(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        shelf = shelf_of(store, tmp_path)
        shelf.apply([*events(1000, title="x" * 1000)])
        with store.reader() as reader:
            chunks = reader.export(ExportQuery(where=SITE))
            first = next(chunks)
            shelf.apply([*events(10, start=1000)])
            assert (first + b"".join(chunks)).count(b"\n") == 1000


def test_readers_in_other_threads_see_whole_batches_while_the_load_goes_on(tmp_path: Path) -> None:
    seen: set[int] = set()
    done = threading.Event()

    def ask(store: DuckDBStore) -> None:
        with store.reader() as reader:
            while not done.is_set():
                seen.add(reader.summary(SUMMARY).total_visits)

    with open_store(tmp_path) as store:
        asking = [threading.Thread(target=ask, args=(store,)) for _ in range(2)]
        for thread in asking:
            thread.start()
        for batch in range(20):
            shelf_of(store, tmp_path).apply([*events(50, start=50 * batch)])
        done.set()
        for thread in asking:
            thread.join(DEADLINE_S)
        assert not any(thread.is_alive() for thread in asking)
    assert all(count % 50 == 0 for count in seen)


def test_an_interrupted_question_ends_with_a_timeout_and_the_next_one_is_answered(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        _fill(store, tmp_path)
        with store.reader() as reader:
            failures: list[Exception] = []
            asking = threading.Thread(target=_ask_until_interrupted, args=(reader, failures))
            asking.start()
            deadline = time.monotonic() + DEADLINE_S
            while asking.is_alive() and time.monotonic() < deadline:
                reader.interrupt()
                asking.join(0.005)
            assert [type(failure) for failure in failures] == [QueryTimeout]
            assert len(reader.visits(VisitsQuery(where=SITE, limit=3)).rows) == 3


def test_closing_the_store_ends_questions_under_way(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.open()
    _fill(store, tmp_path)
    failures: list[Exception] = []
    with store.reader() as reader:
        asking = threading.Thread(target=_ask_until_interrupted, args=(reader, failures))
        asking.start()
        store.close()
        asking.join(DEADLINE_S)
    assert not asking.is_alive()
    assert isinstance(failures[0], QueryTimeout | StoreDown)


def _fill(store: DuckDBStore, directory: Path) -> None:
    shelf_of(store, directory).apply([*events(20_000)])


def _ask_until_interrupted(reader: Reader, failures: list[Exception]) -> None:
    try:
        while True:
            reader.summary(SUMMARY)
    except StorageError as error:
        failures.append(error)


def test_a_question_that_does_not_fit_into_memory_has_a_limit_on_the_disk_too(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, store.reader() as reader:
        limits = reader.rows("SELECT current_setting('memory_limit'), current_setting('max_temp_directory_size')", {})
    assert limits == [("128.0 MiB", "1.0 GiB")]


def test_visitors_are_looked_up_while_the_file_is_replaced(tmp_path: Path) -> None:
    someone = Erased(digest="d", pseudonym="erased-1", until=LogPlace("0000000001-a", 0), erased_at=NOON)
    with open_store(tmp_path) as store, ThreadPoolExecutor(1) as pool:
        shelf_of(store, tmp_path).apply([*events(1000)])
        stop = threading.Event()

        def look_up() -> int:
            count = 0
            while not stop.is_set():
                assert store.visitors_of([someone] * 20) == []
                count += 1
            return count

        looking = pool.submit(look_up)
        try:
            for _ in range(10):
                store.erase([someone])
        finally:
            stop.set()
        assert looking.result(DEADLINE_S) > 0
