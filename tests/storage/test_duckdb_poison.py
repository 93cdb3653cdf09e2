"""Lines that are no items (rule R10, row 24 of the fault matrix): each among good neighbours."""

from pathlib import Path

import pytest

from storage.duckdb.damage import MARKS
from storage.errors import StorageError
from storage.event import encode
from storage.query.events import EventFilter
from storage.query.receipts import ReceiptQuery
from storage.query.rejected import RejectedQuery, RejectedRawQuery
from storage.query.visits import SummaryQuery
from tests.contracts.samples import DAY, NOON, event, rejected
from tests.contracts.shelf import LOG_ID, InThreads, SinkShelf, log_range, open_store

MEMBERS = (
    b'"event_id":"%d","app_code":"site","source_label":"pageview","received_at":"2026-11-18T12:00:00Z","page_url":"/a"'
)
SUMMARY = SummaryQuery(where=EventFilter(app_code="site"), pages=1)

POISON: dict[str, tuple[bytes, str]] = {
    "bad UTF-8": (b'{"offset":1,%s,"title":"\xff\xfe"}', "no UTF-8"),
    "a cut UTF-8 sequence": (b'{"offset":1,%s,"title":"\xe2\x82"}', "no UTF-8"),
    "an encoded surrogate": (b'{"offset":1,%s,"title":"\xed\xa0\x80"}', "no UTF-8"),
    "a lone surrogate": (b'{"offset":1,%s,"title":"\\ud800"}', "no JSON"),
    "a raw NUL": (b'{"offset":1,%s,"title":"a\x00b"}', "no JSON"),
    "a raw line feed's sibling": (b'{"offset":1,%s,"title":"a\x0bb"}', "no JSON"),
    "a huge offset": (b'{"offset":99999999999999999999999,%s}', "a member has a wrong type"),
    "an offset of text": (b'{"offset":"one",%s}', "a member has a wrong type"),
    "no offset": (b"{%s}", "a member is missing"),
    "a bad time": (b'{"offset":1,%s,"sent_at":"yesterday"}', "a member has a wrong type"),
    "a time that is no time": (b'{"offset":1,%s,"occurred_at":{"a":1}}', "a member has a wrong type"),
    "a time that leads out of the calendar": (
        b'{"offset":1,%s,"occurred_at":"294000-01-01T00:00:00Z","sent_at":"0001-01-01T00:00:00Z"}',
        "a member has a wrong type",
    ),
    "a truth of text": (b'{"offset":1,%s,"id_given":"perhaps"}', "a member has a wrong type"),
    "nothing but braces": (b"{}", "a member is missing"),
    "no app_code": (
        b'{"offset":1,"event_id":"b","source_label":"x","received_at":"2026-11-18T12:00:00Z"}',
        "a member is missing",
    ),
    "no event_id": (
        b'{"offset":1,"app_code":"site","source_label":"x","received_at":"2026-11-18T12:00:00Z"}',
        "a member is missing",
    ),
    "a null time": (
        b'{"offset":1,"event_id":"b","app_code":"site","source_label":"x","received_at":null}',
        "a member is missing",
    ),
    "a rejected item without its bytes": (
        b'{"offset":1,"rejected_code":"x","app_code":"site","received_at":"2026-11-18T12:00:00Z"}',
        "a member is missing",
    ),
    "truncated": (b'{"offset":1,%s,"title":"a', "no JSON"),
    "an empty line": (b"", "no JSON"),
    "a byte order mark": (b'\xef\xbb\xbf{"offset":1,%s}', "no JSON"),
    "a list": (b"[1]", "no object"),
    "a number": (b"7", "no object"),
    "null": (b"null", "no object"),
    "no JSON": (b"no JSON", "no JSON"),
    "two objects": (b'{"offset":1,%s}{"offset":1,%s}', "no JSON"),
    "half a megabyte of garbage": (b"x" * (1 << 19), "no JSON"),
    "longer than DuckDB takes": (b'{"offset":1,"title":"' + b"x" * (1 << 21), "no JSON"),
}

TABLES = ('SELECT * FROM events ORDER BY "offset"', 'SELECT * FROM rejected WHERE "offset" < 3')

TEMPLATE = b'{"offset":1,"event_id":"1","app_code":"site","source_label":"pageview","received_at":"%s"}'

QUOTED = {
    f"{mark} in {where}": (line.replace(b"%s", mark.encode()), reason)
    for mark in MARKS
    for where, line, reason in (
        ("a time", TEMPLATE, "a member has a wrong type"),
        ("an offset", b'{"offset":"%s"}', "a member is missing"),
    )
}
"""Lines that DuckDB quotes in its error, and whose text is what it says of damaged files."""

HARMLESS = {
    "a trailing comma": b'{"offset":1,%s,}',
    "Infinity, which the door never writes": b'{"offset":1,%s,"attrs":{"a":Infinity}}',
    "NaN, which the door never writes": b'{"offset":1,%s,"attrs":{"a":NaN}}',
    "a huge number": b'{"offset":1,%s,"attrs":{"a":99999999999999999999999999}}',
    "a member twice": b'{"offset":1,%s,"title":"a","title":"b"}',
    "a member that is not ours": b'{"offset":1,%s,"colour":"red"}',
    "an escaped NUL": b'{"offset":1,%s,"title":"a\\u0000b"}',
    "deep nesting": b'{"offset":1,%s,"attrs":{"a":' + b"[" * 500 + b"]" * 500 + b"}}",
}


def among_good(line: bytes) -> bytes:
    """Return three lines: the one between two good ones."""
    return b"".join(
        one.replace(b"%s", MEMBERS % number) + b"\n"
        for number, one in enumerate([b'{"offset":0,%s}', line, b'{"offset":2,%s}'])
    )


@pytest.mark.parametrize("case", POISON)
async def test_a_line_that_is_no_item_is_rejected_with_its_bytes_and_its_neighbours_are_stored(
    tmp_path: Path, case: str
) -> None:
    line, reason = POISON[case]
    with open_store(tmp_path) as store:
        shelf = SinkShelf(tmp_path, store, InThreads(store))
        shelf.apply_lines(log_range(0, 2, byte_end=1), among_good(line))
        health = await shelf.store.health()
        assert (health.n_rows, health.n_rejected, health.n_duplicates, health.lines) == (2, 1, 0, 3)
        found = await shelf.store.rejected_raw(RejectedRawQuery(LOG_ID, 1))
        assert found.item is not None
        assert (found.item.code, found.item.reason) == ("unreadable", reason)
        assert found.raw == line.replace(b"%s", MEMBERS % 1)
        assert (await shelf.store.receipt(ReceiptQuery(LOG_ID, 1))).code == "unreadable"
        shelf.apply([event()])
    with open_store(tmp_path) as store:
        assert store.aside_reason is None


@pytest.mark.parametrize("case", QUOTED)
async def test_a_line_that_reads_like_damage_of_the_database_is_rejected_as_any_other(
    tmp_path: Path, case: str
) -> None:
    line, reason = QUOTED[case]
    with open_store(tmp_path) as store:
        shelf = SinkShelf(tmp_path, store, InThreads(store))
        shelf.apply_lines(log_range(0, 2, byte_end=1), among_good(line))
        found = await shelf.store.rejected_raw(RejectedRawQuery(LOG_ID, 1))
        assert found.item is not None
        assert (found.item.reason, found.raw) == (reason, line)
        store.check()


@pytest.mark.parametrize("poisoned", [False, True])
@pytest.mark.parametrize("case", HARMLESS)
async def test_a_line_that_is_odd_but_an_item_is_stored_beside_poison_as_without_it(
    tmp_path: Path, case: str, *, poisoned: bool
) -> None:
    lines = among_good(HARMLESS[case]) + (b"poison\n" if poisoned else b"")
    with open_store(tmp_path) as store:
        shelf = SinkShelf(tmp_path, store, InThreads(store))
        shelf.apply_lines(log_range(0, 3 if poisoned else 2, byte_end=1), lines)
        assert (await shelf.store.summary(SUMMARY)).total_visits == 3


async def test_items_that_were_rejected_at_the_door_stay_what_they_are_beside_poison(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        shelf = SinkShelf(tmp_path, store, InThreads(store))
        refused = b'{"offset":0,"rejected_code":"wrong_type","rejected_raw":"7","app_code":"site","received_at":"2026-11-18T12:00:00Z"}\n'
        shelf.apply_lines(log_range(0, 1, byte_end=1), refused + b"poison\n")
        page = await shelf.store.rejected(RejectedQuery(limit=9))
    assert [(row.code, row.reason) for row in page.rows] == [("unreadable", "no JSON"), ("wrong_type", None)]


async def test_the_neighbours_of_poison_are_stored_as_without_it(tmp_path: Path) -> None:
    full = event(
        event_id="order 7",
        id_given=True,
        occurred_at=NOON - DAY,
        sent_at=NOON,
        user_id="7",
        anonymous_id="v",
        page_url="/a",
        referrer="https://example.org/",
        title="é",
        attrs={"n": 1},
        country="DE",
        filtered="address",
        signal="dnt",
        violation="$.attrs.n wrong_type",
    )
    lines = b"".join(b'{"offset":%d,%b\n' % (n, encode(one)[1:]) for n, one in enumerate([full, event(), rejected()]))
    tables = []
    for directory, rest in (
        (tmp_path / "plain", b'{"offset":3,%b\n' % encode(rejected())[1:]),
        (tmp_path / "poison", b"x\n"),
    ):
        directory.mkdir()
        with open_store(directory) as store:
            SinkShelf(directory, store, InThreads(store)).apply_lines(log_range(0, 3, byte_end=1), lines + rest)
            with store.reader() as reader:
                tables.append([reader.rows(sql, {}) for sql in TABLES])
    assert tables[0] == tables[1]


async def test_past_the_limit_of_all_rejected_items_the_bytes_go_and_the_rest_stays(tmp_path: Path) -> None:
    with open_store(tmp_path, rejected_bytes_max=12) as store:
        shelf = SinkShelf(tmp_path, store, InThreads(store))
        shelf.apply([rejected(), rejected()])
        shelf.apply([rejected(), event()])
        page = await shelf.store.rejected(RejectedQuery(limit=9))
        assert [(row.has_raw, row.raw_bytes, row.code) for row in page.rows] == [
            (False, 5, "attrs_too_many"),
            (True, 5, "attrs_too_many"),
            (True, 5, "attrs_too_many"),
        ]
        assert (await shelf.store.health()).n_rejected == 3


def test_lines_that_are_not_as_many_as_the_range_has_are_an_error_also_with_poison(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        shelf = SinkShelf(tmp_path, store, InThreads(store))
        with pytest.raises(StorageError, match="expected lines"):
            shelf.apply_lines(log_range(0, 4, byte_end=1), b"poison\n")
        assert store.positions() == {}
