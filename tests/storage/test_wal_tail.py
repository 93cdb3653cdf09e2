"""Watching the end of a log: counts from headers, the newest lines, other segments and other daemons' logs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog.testing

from storage.event import Event, RejectedItem, encode
from storage.ports import Tail
from storage.wal.log import WriteAheadLog
from storage.wal.tail import WalTail
from tests.logs import open_log

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
REJECTED = encode(RejectedItem("x", "{", "site", NOW))
PLENTY = 1 << 30


def lines(*titles: str) -> list[bytes]:
    return [
        encode(Event(event_id=title, app_code="site", source_label="a", received_at=NOW, title=title))
        for title in titles
    ]


def titles(tail: Tail | None) -> list[str | None]:
    assert tail is not None
    return [one.event.title for one in tail.events]


@asynccontextmanager
async def watched(data: Path, *, resume_bytes_max: int = PLENTY, **limits: float) -> AsyncIterator["Watched"]:
    async with open_log(data, **limits) as log:
        yield Watched(log, WalTail(data / "log", log.log_id, resume_bytes_max=resume_bytes_max))


class Watched:
    def __init__(self, log: WriteAheadLog, tail: WalTail) -> None:
        self.log = log
        self.tail = tail

    async def append(self, *lines: bytes, **counts: int) -> str:
        first = await self.log.append(list(lines), **counts)
        return f"{self.log.log_id}:{first + len(lines) - 1}"

    def advance(self, events_max: int = 100) -> Tail:
        return self.tail.advance(self.log.health().durable_offset, events_max=events_max)


async def test_it_begins_at_the_end_with_the_newest(tmp_path: Path):
    async with watched(tmp_path) as log:
        last = await log.append(*lines("a", "b", "c"))
        first = log.advance(2)
        assert (first.receipt, first.accepted, titles(first)) == (last, 0, ["b", "c"])
        assert log.advance() == Tail(receipt=last)


async def test_an_empty_log_has_nothing(tmp_path: Path):
    async with watched(tmp_path) as log:
        assert log.advance().events == ()
        last = await log.append(*lines("a"))
        assert (log.advance().receipt, log.advance().accepted) == (last, 0)


async def test_what_is_new_is_counted_by_group_and_shown_up_to_a_limit(tmp_path: Path):
    async with watched(tmp_path) as log:
        log.advance()
        await log.append(*lines("a", "b", "c"), duplicates=2)
        await log.append(REJECTED, *lines("d"), REJECTED, rejected=2)
        last = await log.append(*lines("e", "f"))
        found = log.advance(3)
        assert (found.receipt, found.accepted, found.rejected, found.duplicates) == (last, 6, 2, 2)
        assert titles(found) == ["d", "e", "f"]
        await log.append(duplicates=5)
        assert log.advance() == Tail(receipt=last, duplicates=5)


async def test_what_is_not_known_to_be_durable_is_not_shown(tmp_path: Path):
    async with watched(tmp_path) as log:
        log.advance()
        await log.append(*lines("a"))
        await log.append(*lines("b"))
        assert titles(log.tail.advance(0, events_max=9)) == ["a"]
        assert titles(log.advance()) == ["b"]


async def test_segments_follow_each_other(tmp_path: Path):
    async with watched(tmp_path, segment_bytes_max=2000) as log:
        log.advance()
        names = [f"t{n}" for n in range(60)]
        shown = []
        for name in names:
            await log.append(*lines(name))
            shown += titles(log.advance())
        assert shown == names
        assert log.log.health().segment > 5


async def test_after_segments_that_nobody_watched_it_begins_anew(tmp_path: Path):
    async with watched(tmp_path, segment_bytes_max=2000) as log:
        log.advance()
        for n in range(60):
            await log.append(*lines(f"t{n}"))
        found = log.advance(2)
        assert (found.accepted, titles(found)) == (0, ["t58", "t59"])


async def test_since_goes_on_behind_a_receipt_in_any_segment(tmp_path: Path):
    async with watched(tmp_path, segment_bytes_max=2000) as log:
        receipts = [await log.append(*lines(f"t{n}")) for n in range(40)]
        log.advance()
        for place in (0, 1, 17, 38, 39):
            found = log.tail.since(receipts[place], events_max=100)
            assert titles(found) == [f"t{n}" for n in range(place + 1, 40)]
            assert found is not None
            assert (found.receipt, found.accepted) == (receipts[39], 39 - place)


async def test_since_ends_where_advance_stands(tmp_path: Path):
    async with watched(tmp_path) as log:
        receipt = await log.append(*lines("a"))
        await log.append(*lines("b"))
        log.advance()
        await log.append(*lines("c"))
        assert titles(log.tail.since(receipt, events_max=9)) == ["b"]
        assert titles(log.advance()) == ["c"]


async def test_since_goes_through_the_logs_of_earlier_daemons(tmp_path: Path):
    async with watched(tmp_path, segment_bytes_max=2000) as log:
        receipt = await log.append(*lines("a0"))
        for n in range(1, 20):
            await log.append(*lines(f"a{n}"))
    async with watched(tmp_path) as log:
        await log.append(*lines("b0"), REJECTED, rejected=1)
    async with watched(tmp_path) as log:
        await log.append(*lines("c0"))
        log.advance()
        found = log.tail.since(receipt, events_max=100)
        assert titles(found) == [*(f"a{n}" for n in range(1, 20)), "b0", "c0"]
        assert found is not None
        assert (found.accepted, found.rejected) == (21, 1)
        assert titles(log.tail.since(receipt, events_max=2)) == ["b0", "c0"]


async def test_since_refuses_what_is_no_place_of_ours(tmp_path: Path):
    async with watched(tmp_path) as log:
        assert log.tail.since(f"{log.log.log_id}:0", events_max=9) is None
        await log.append(*lines("a", "b"))
        log.advance()
        inside = f"{log.log.log_id}:0"
        for receipt in ("", ":", "x", "x:1", inside, f"{log.log.log_id}:2", f"{log.log.log_id}:-1", "9999999999-x:0"):
            assert log.tail.since(receipt, events_max=9) is None, receipt


async def test_since_does_not_go_back_further_than_it_may(tmp_path: Path):
    async with watched(tmp_path, resume_bytes_max=5000, segment_bytes_max=2000) as log:
        receipts = [await log.append(*lines(f"t{n}")) for n in range(40)]
        log.advance()
        assert log.tail.since(receipts[0], events_max=9) is None
        assert titles(log.tail.since(receipts[38], events_max=9)) == ["t39"]


async def test_a_damaged_group_is_said_and_passed_over(tmp_path: Path):
    async with watched(tmp_path) as log:
        log.advance()
        for title in ("before", "damaged", "after"):
            await log.append(*lines(title))
        (segment,) = (tmp_path / "log" / log.log.log_id).glob("*.ndjson")
        with segment.open("r+b") as file:
            file.seek(segment.read_bytes().index(b'"title":"damaged"') + 9)
            file.write(b"D")
        with structlog.testing.capture_logs() as logged:
            found = log.advance()
        assert (found.accepted, titles(found)) == (3, ["before", "after"])
        assert [one["event"] for one in logged] == ["log_tail_damaged"]
