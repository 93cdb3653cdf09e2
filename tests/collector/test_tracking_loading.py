"""What the door lets in is loaded: hostile attrs on their whole way into the store and out of it again."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from storage.duckdb.store import DuckDBStore
from storage.query.events import EventFilter, ExportQuery
from tests.collector.tracking_site import Members, TrackingSite
from tests.contracts.shelf import open_store
from tests.logs import reader_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    directory = tmp_path / "store"
    directory.mkdir()
    with open_store(directory) as opened:
        yield opened


async def load(tracking: TrackingSite, store: DuckDBStore) -> list[Members]:
    await tracking.lines()
    reader = reader_of(tracking.directory)
    spool = tracking.directory / "store" / "spool.ndjson"
    while batch := reader.take(spool, events_max=10_000, bytes_max=1 << 20):
        store.apply(batch, spool)
    with store.reader() as asked:
        exported = b"".join(asked.export(ExportQuery(where=EventFilter(app_code="site"))))
    return [msgspec.json.decode(line) for line in exported.splitlines()]


def nested(left: bytes, right: bytes) -> bytes:
    return b'{"x":' + left * 31 + b"1" + right * 31 + b"}"


ATTRS = {
    "arrays in all levels": nested(b"[", b"]"),
    "objects in all levels": nested(b'{"a":', b"}"),
    "NUL": b'{"a\\u0000b":"\\u0000","\\u0000":["\\u0000x"]}',
    "integers beyond 64 bits": b'{"a":%d,"b":-%d,"c":18446744073709551616,"d":-9223372036854775809}'
    % (10**30, 10**300),
    "an integer of 4,300 digits": b'{"a":' + b"9" * 4300 + b"}",
    "floats at their ends": b'{"a":-0.0,"b":1e308,"c":-1.7976931348623157e308,"d":5e-324,"e":1e-400}',
    "names that are empty or strange": '{"":1,"a.b":2,"$[0]":3,"ё\U0001f600\uffff\u2028":4,"\'; DROP TABLE events":5}'.encode(),
    "escapes": b'{"a":"\\u001b[31m\\u007f\\u0085\\\\\\"\\/\\b\\f\\n\\r\\t","b":"\\ud83d\\ude00"}',
    "columns": b'{"offset":9,"app_code":"b","rejected_code":"x","id_given":3,"received_at":"no"}',
    "nothing": b"{}",
}


@pytest.mark.parametrize("attrs", ATTRS.values(), ids=ATTRS.keys())
async def test_attrs_come_out_of_the_store_as_they_were_sent(tracking: TrackingSite, store: DuckDBStore, attrs: bytes):
    await tracking.accepted(b'{"source_label":"a","attrs":' + attrs + b"}")
    await tracking.accepted(b'{"source_label":"neighbour"}')
    event, neighbour = await load(tracking, store)
    assert repr(event["attrs"]) == repr(msgspec.json.decode(attrs))
    assert neighbour["source_label"] == "neighbour"


@pytest.mark.parametrize(
    "text", ["a\0b", "\0", "\x1b[31m", "'\"\\", "\u2028\u202e\ufeff", "😀\uffff", "null", "{}", "=1+1"]
)
async def test_texts_come_out_of_the_store_as_they_were_sent(tracking: TrackingSite, store: DuckDBStore, text: str):
    names = ["source_label", "event_id", "anonymous_id", "page_url", "referrer", "title"]
    await tracking.accepted(dict.fromkeys(names, text))
    (event,) = await load(tracking, store)
    assert {name: event[name] for name in names} == dict.fromkeys(names, text)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"])
async def test_the_ends_of_time_are_loaded(tracking: TrackingSite, store: DuckDBStore, time: str):
    await tracking.accepted({"source_label": "a", "date_created": time, "sent_at": time})
    (event,) = await load(tracking, store)
    assert (event["date_created"], event["sent_at"]) == (time, time)


async def test_every_item_of_a_request_is_a_row_or_a_rejected_one_or_a_repeat(
    tracking: TrackingSite, store: DuckDBStore
):
    action = {"source_label": "a", "event_id": "e1"}
    answer = await tracking.accepted([action, action, {}, {"source_label": "\0", "x": "😀" * 20}, {"x": "😀" * 20}])
    assert len(await load(tracking, store)) == answer["accepted"] == 2
    with store.reader() as asked:
        health = asked.health()
    assert (health.n_rows, health.n_rejected, health.n_duplicates) == (2, 2, 1)


OURS = ["position", "offset", "log_id", "app_code_", "event_key", "occurred_at", "received_at", "user_id", "attrs_"]
OURS += ["id_given", "time_given", "country", "filtered", "signal", "violation", "rejected_code", "rejected_raw"]
OURS += ["rejected_reason"]


async def test_a_member_that_is_named_like_a_column_overwrites_none(tracking: TrackingSite, store: DuckDBStore):
    """Neither beside the members of the contract nor in attrs, where those are names like any other."""
    named = dict.fromkeys(OURS, "theirs")
    inside = dict.fromkeys(["event_id", "source_label", "app_code", "anonymous_id", "date_created", "attrs"], "theirs")
    answer = await tracking.accepted({"source_label": "a", "event_id": "e1", "attrs": inside} | named)
    line = (await tracking.lines())[str(answer["receipt"])]
    assert line.keys().isdisjoint(named.keys() - {"received_at", "id_given"})
    (event,) = await load(tracking, store)
    assert event["attrs"] == inside | named
    assert (event["source_label"], event["event_id"], event["app_code"]) == ("a", "e1", "site")
    assert "theirs" not in {value for name, value in event.items() if name != "attrs"}
    with store.reader() as asked:
        assert (asked.health().n_rows, asked.health().n_rejected) == (1, 0)
