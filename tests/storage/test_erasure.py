"""Erasing a person from log, archive, store and what is kept aside (rule R12), with the real parts of the store process."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import zstandard

from storage.archiver import Archiver
from storage.batcher import Batcher
from storage.duckdb.store import DuckDBStore
from storage.eraser import Eraser
from storage.errors import QueryTimeout, StoreDown
from storage.event import Event, RejectedItem, encode
from storage.query.erasure import EraseQuery, LogPlace, Person
from storage.query.events import EventFilter
from storage.query.visits import SummaryQuery
from storage.suppression import SUPPRESSION_NAME, Suppression
from storage.wal.archive import Archive
from storage.wal.log import WriteAheadLog
from storage.wal.segments import Segments
from tests.contracts.samples import NOON, event, exported, visitor_id
from tests.contracts.shelf import InThreads
from tests.logs import open_log, reader_of

WITHIN_S = 20.0
EVERYONE = EventFilter(app_code="site")
ADAS_PHONE = visitor_id("ada's phone")
SECRETS = (b"ada-the-user", ADAS_PHONE.encode(), b"/private", b"secret")


def person(**members: object) -> Event:
    told = {
        "referrer": "https://secret.example/",
        "user_agent": "secret browser/1",
        "country": "XS",
        "violation": "secret",
    }
    return event(
        page_url="/private?utm_campaign=secret",
        title="secret title",
        attrs={"note": "ada-the-user was here"},
        **told,
        **members,
    )


ITEMS: list[Event | RejectedItem] = [
    event(page_url="/public", user_id="bob", user_agent="everybody's/1", referrer="https://everybody.example/"),
    person(anonymous_id=ADAS_PHONE),
    person(anonymous_id=ADAS_PHONE, user_id="ada-the-user"),
    person(anonymous_id=ADAS_PHONE, filtered="address"),
    event(page_url="/public", anonymous_id=ADAS_PHONE, user_id="bob", attrs={"claimed_id_user": "ada-the-user"}),
    person(user_id="ada-the-user"),
    event(page_url="/private", user_id="ada-the-user", user_agent="secret Googlebot/2.1"),
    event(page_url="/private", anonymous_id="ada-the-user", referrer="https://semalt.com/secret"),
    person(anonymous_id="ada-the-user"),
    event(page_url="/public", user_id="bob", anonymous_id="ada-the-user"),
    event(page_url="/public", attrs={"claimed_id_user": "ada-the-user", "kept": 1}),
    RejectedItem("wrong_type", '{"source_label": 7, "id_user": "ada-the-user"}', "site", NOON),
    RejectedItem("wrong_type", '{"source_label": 7, "id_user": "bob"}', "site", NOON),
    RejectedItem(
        "violation",
        encode(person(user_id="ada-the-user")).decode(),
        "site",
        NOON,
        rejected_reason="$.attrs.secret",
    ),
    RejectedItem("wrong_type", '{"secret": "of a user"}', "site", NOON, user_id="ada-the-user"),
    RejectedItem("wrong_type", '{"secret": "of a visitor"}', "site", NOON, anonymous_id=ADAS_PHONE),
    RejectedItem("wrong_type", "", "site", NOON, user_id="ada-the-user", anonymous_id=ADAS_PHONE),
    RejectedItem("wrong_type", '{"kept": "of another"}', "site", NOON, user_id="bob", anonymous_id=visitor_id("bob")),
]

MARKS = {"address": 1, "bot": 1, "referrer_spam": 1}
"""What ITEMS has that counts in no statistics."""

PAGES_AFTER = {"/public": 4, "(erased)": 4}
"""The pageviews of ITEMS, once the person is erased."""


class House:
    """The store's parts on one data directory, in this process."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.suppression = Suppression(data / SUPPRESSION_NAME, "key")
        self.suppression.open()
        (data / "store").mkdir(exist_ok=True)
        self.store = DuckDBStore(
            data / "store" / "events.duckdb",
            memory_limit_mb=128,
            threads=1,
            temp_directory=data / "store" / "tmp",
            quarantine=data / "quarantine",
            rejected_bytes_max=1 << 26,
            suppression=self.suppression,
        )
        segments = Segments(data / "log", Archive(data / "archive"))
        self.eraser = Eraser(
            self.suppression, segments, self.store, data / "quarantine", clock=lambda: datetime.now(UTC)
        )
        self.archiver = Archiver(Segments(data / "log", Archive(data / "archive")), self.eraser)
        self.batcher = Batcher(
            reader_of(data),
            self.store,
            data / "store" / "spool.ndjson",
            batch_age_s=0.01,
            batch_events=1000,
            batch_bytes_max=1 << 20,
            checkpoint_s=0.05,
            checkpointed=self.archiver.settle,
            eraser=self.eraser,
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with self.store:
            threads = [threading.Thread(target=worker.run) for worker in (self.batcher, self.archiver)]
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                self.batcher.stop()
                self.archiver.stop()
                for thread in threads:
                    thread.join()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            await asyncio.sleep(0.01)


async def erased(house: House, log: WriteAheadLog) -> None:
    house.eraser.begin(EraseQuery(Person("site", "ada-the-user"), LogPlace(log.log_id, await log.seal())))
    await until(lambda: house.eraser.count() == 0)


def traces(data: Path) -> dict[str, list[bytes]]:
    return traces_of(data, SECRETS)


def traces_of(data: Path, secrets: Sequence[bytes]) -> dict[str, list[bytes]]:
    """Return what of `secrets` stands in any file below the directory, compressed ones unpacked."""
    found = {}
    for path in data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".zst":
                with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as unpacked:
                    content += unpacked.read()
            if inside := [secret for secret in secrets if secret in content]:
                found[str(path.relative_to(data))] = inside
    return found


async def appended(log: WriteAheadLog, items: list[Event | RejectedItem]) -> None:
    for item in items:
        await log.append([encode(item)], rejected=isinstance(item, RejectedItem))


async def loaded(house: House, lines: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while await lines_of(house) < lines:
            await asyncio.sleep(0.01)


async def lines_of(house: House) -> int:
    with contextlib.suppress(StoreDown, QueryTimeout):  # behind a batch that was poisoned it is opened anew
        return (await InThreads(house.store).health()).lines
    return 0


async def marks(house: House) -> dict[str, int]:
    with house.store:
        return (await InThreads(house.store).health()).marked


async def everything(house: House) -> list[dict[str, object]]:
    return sorted(await exported(InThreads(house.store)), key=lambda row: str(row["receipt"]))


async def test_nothing_of_an_erased_person_is_left_in_any_file_and_totals_stay(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with open_log(tmp_path) as log:
        with house.running():
            await appended(log, ITEMS)
            await loaded(house, len(ITEMS))
            before = await InThreads(house.store).summary(SummaryQuery(where=EVERYONE, pages=9))
            assert traces(tmp_path)
            await erased(house, log)
            after = await InThreads(house.store).summary(SummaryQuery(where=EVERYONE, pages=9))
    assert traces(tmp_path) == {}
    assert (after.total_visits, after.unique_users) == (before.total_visits, before.unique_users)
    assert await marks(house) == MARKS
    assert {page.page_url: page.visits for page in after.popular_pages} == PAGES_AFTER
    assert set(traces_of(tmp_path, (b"of another",))) == set(traces_of(tmp_path, (b"bob",)))


UNREADABLE = [
    b'{"app_code":"site","user_id":"ada-the-user","received_at":',
    b'{"app_code":"site","rejected_raw":7,"user_id":"ada-the-user"}',
    b'{"app_code":"site","title":"secret \\ud800","user_id":"ada-the-user"}',
]


async def test_a_line_that_is_no_item_and_names_the_person_loses_what_it_says(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with open_log(tmp_path) as log:
        with house.running():
            for line in UNREADABLE:
                await log.append([line])
            await log.append([b'{"app_code":"site","user_id":"bob-the-user"'])
            await loaded(house, len(UNREADABLE) + 1)
            await erased(house, log)
    assert traces(tmp_path) == {}
    assert any("archive" in place for place in traces_of(tmp_path, (b"bob-the-user",)))


async def test_an_item_that_no_text_can_be_made_of_does_not_stop_an_erasure(tmp_path: Path) -> None:
    house = House(tmp_path)
    hostile = ['{"id_user": "\\ud800", "x": "%ff%00\\', "&&&==" * 50]
    async with open_log(tmp_path) as log:
        with house.running():
            await appended(log, [*ITEMS, *(RejectedItem("wrong_type", raw, "site", NOON) for raw in hostile)])
            await erased(house, log)
    assert traces(tmp_path) == {}


async def test_the_texts_of_an_erased_person_are_no_rows_any_more_and_shared_ones_are(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with open_log(tmp_path) as log:
        with house.running():
            await appended(log, ITEMS)
            await loaded(house, len(ITEMS))
            await erased(house, log)
    with duckdb.connect(str(tmp_path / "store" / "events.duckdb"), read_only=True) as file:
        assert file.execute("SELECT user_agent FROM agent WHERE agent_id > 0").fetchall() == [("everybody's/1",)]
        assert file.execute("SELECT source FROM arrival WHERE arrival_id > 0").fetchall() == [("everybody.example",)]
        assert file.execute("SELECT count(agent_id), count(country), count(violation) FROM events").fetchall() == [
            (1, 0, 0)
        ]


async def test_a_store_filled_anew_answers_as_the_erased_one_did(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with open_log(tmp_path) as log:
        with house.running():
            await appended(log, ITEMS)
            await erased(house, log)
            first = await everything(house)
    for path in (tmp_path / "store").glob("events.duckdb*"):
        path.unlink()
    again = House(tmp_path)
    with again.running():
        await loaded(again, len(ITEMS))
        assert await everything(again) == first
    assert await marks(again) == MARKS


async def test_an_old_segment_that_comes_back_does_not_bring_the_person_back(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with open_log(tmp_path) as log:
        await appended(log, ITEMS)
        await log.seal()
        (segment,) = tmp_path.glob("log/*/*.ndjson")
        kept = segment.read_bytes()
        with house.running():
            await erased(house, log)
    segment.parent.mkdir(exist_ok=True)
    segment.write_bytes(kept)
    for path in [*(tmp_path / "store").glob("events.duckdb*"), *tmp_path.glob("archive/*/*")]:
        path.unlink()
    again = House(tmp_path)
    with again.running():
        await loaded(again, len(ITEMS))
        lines = json.dumps(await everything(again)).encode()
    assert not [secret for secret in SECRETS if secret in lines]
    assert await marks(again) == MARKS


async def test_what_counts_no_more_than_before_does_not_count_by_other_rules_either(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with open_log(tmp_path) as log:
        with house.running():
            await appended(log, ITEMS)
            await erased(house, log)
    with house.store:
        assert house.store.rederive(is_dry_run=False).counts == []


async def test_what_somebody_of_that_name_does_later_is_kept(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with open_log(tmp_path) as log:
        with house.running():
            await appended(log, ITEMS)
            await erased(house, log)
            await appended(log, [event(page_url="/back", user_id="ada-the-user")])
            await loaded(house, len(ITEMS) + 1)
            lines = json.dumps(await everything(house)).encode()
    assert lines.count(b"ada-the-user") == 1


async def test_an_erasure_that_a_crash_broke_off_comes_to_its_end_at_the_next_start(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with open_log(tmp_path) as log:
        await appended(log, ITEMS)
        house.eraser.begin(EraseQuery(Person("site", "ada-the-user"), LogPlace(log.log_id, await log.seal())))
    again = House(tmp_path)
    with again.running():
        await until(lambda: again.eraser.count() == 0)
    assert traces(tmp_path) == {}


async def test_an_unreadable_list_is_refused_lest_the_erased_come_back(tmp_path: Path) -> None:
    (tmp_path / SUPPRESSION_NAME).write_bytes(b'[{"digest"')
    with pytest.raises(Exception, match="put it back from a backup"):
        Suppression(tmp_path / SUPPRESSION_NAME, "key").open()
