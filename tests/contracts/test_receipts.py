"""The contract of receipts and rejected items, for every adapter in conftest.ADAPTERS."""

import msgspec
import pytest

from storage.errors import QueryRefused
from storage.query.receipts import ReceiptAnswer, ReceiptQuery
from storage.query.rejected import RejectedPage, RejectedQuery, RejectedRaw, RejectedRawQuery
from tests.contracts.samples import DAY, HOUR, NOON, event, given_id, rejected
from tests.contracts.shelf import LOG_ID, Shelf, SinkShelf, log_range


async def receipt(shelf: SinkShelf, offset: int, log_id: str = LOG_ID) -> ReceiptAnswer:
    return await shelf.store.receipt(ReceiptQuery(log_id, offset))


async def all_rejected(shelf: Shelf, limit: int) -> RejectedPage:
    page = await shelf.store.rejected(RejectedQuery(limit=limit))
    rows, following = list(page.rows), page.next
    while following is not None:
        page = await shelf.store.rejected(RejectedQuery(limit=limit, after=following))
        assert 0 < len(page.rows) <= limit
        rows, following = rows + page.rows, page.next
    return RejectedPage(rows, None)


async def test_a_receipt_says_where_each_line_of_a_load_went(sink_shelf: SinkShelf) -> None:
    sink_shelf.apply([event()])
    sink_shelf.apply([given_id("a"), rejected("attrs_too_many"), given_id("a")])
    assert await receipt(sink_shelf, 0) == ReceiptAnswer(status="stored", position=1)
    assert await receipt(sink_shelf, 1) == ReceiptAnswer(status="stored", position=2)
    assert await receipt(sink_shelf, 2) == ReceiptAnswer(status="rejected", position=2, code="attrs_too_many")
    assert await receipt(sink_shelf, 3) == ReceiptAnswer(status="duplicate", position=2, first=f"{LOG_ID}:1")


async def test_a_line_that_was_damaged_is_lost_and_one_behind_what_is_loaded_unloaded(sink_shelf: SinkShelf) -> None:
    sink_shelf.apply([event()])
    lost = log_range(1, 4, byte_end=9, is_lost=True)
    sink_shelf.apply_lines(lost, b"")
    assert await receipt(sink_shelf, 4) == ReceiptAnswer(status="lost", position=2)
    assert await receipt(sink_shelf, 5) == ReceiptAnswer(status="unloaded")
    assert await receipt(sink_shelf, 0, "0000000009-nobody") == ReceiptAnswer(status="unloaded")


async def test_a_repeat_names_the_row_of_its_own_time_or_the_last_one_before_it(sink_shelf: SinkShelf) -> None:
    other = "0000000002-other"
    sink_shelf.apply([given_id("a", occurred_at=NOON), given_id("a", occurred_at=NOON + DAY)])
    again = given_id("a", occurred_at=NOON, received_at=NOON + HOUR)
    sink_shelf.apply([again, given_id("a", received_at=NOON + HOUR)], log_id=other)
    assert (await receipt(sink_shelf, 0, other)).first == f"{LOG_ID}:0"
    assert (await receipt(sink_shelf, 1, other)).first == f"{LOG_ID}:1"


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_pages_of_rejected_items_join_without_a_gap_last_loaded_first(sink_shelf: SinkShelf, limit: int) -> None:
    sink_shelf.apply([rejected("first"), event(), rejected("second")])
    sink_shelf.apply([rejected("third")], log_id="0000000002-other")
    page = await all_rejected(sink_shelf, limit)
    assert [(row.code, row.receipt) for row in page.rows] == [
        ("third", "0000000002-other:0"),
        ("second", f"{LOG_ID}:2"),
        ("first", f"{LOG_ID}:0"),
    ]


async def test_a_rejected_item_is_shown_with_what_was_sent(shelf: Shelf) -> None:
    sent = rejected("attrs_too_many")
    await shelf.load([event(), sent])
    (row,) = (await all_rejected(shelf, 10)).rows
    assert (row.code, row.app_code, row.received_at) == (sent.rejected_code, sent.app_code, sent.received_at)
    assert (row.raw_bytes, row.has_raw, row.reason) == (len(sent.rejected_raw), True, sent.rejected_reason)
    log_id, _, offset = row.receipt.partition(":")
    found = await shelf.store.rejected_raw(RejectedRawQuery(log_id, int(offset)))
    assert found == RejectedRaw(row, sent.rejected_raw.encode())
    assert (await shelf.store.receipt(ReceiptQuery(log_id, int(offset)))).status == "rejected"


async def test_rejected_items_are_those_of_one_application_or_code_where_asked(shelf: Shelf) -> None:
    other = msgspec.structs.replace(rejected("event_undefined"), app_code="weights")
    await shelf.load([rejected("missing"), other, rejected("event_undefined"), other])
    for app_code, code, found in (
        (None, None, 4),
        ("site", None, 2),
        ("weights", "event_undefined", 2),
        (None, "event_undefined", 3),
        ("weights", "missing", 0),
        ("Site", None, 0),
        ("%", None, 0),
    ):
        rows, following = [], None
        while True:
            query = RejectedQuery(limit=1, app_code=app_code, code=code, after=following)
            page = await shelf.store.rejected(query)
            rows, following = [*rows, *page.rows], page.next
            if following is None:
                break
        assert len({row.receipt for row in rows}) == len(rows) == found
        assert {row.app_code for row in rows} <= {app_code or row.app_code for row in rows}


async def test_a_receipt_of_no_rejected_item_shows_none(shelf: Shelf) -> None:
    await shelf.load([event()])
    assert await shelf.store.rejected_raw(RejectedRawQuery(LOG_ID, 77)) == RejectedRaw(None, None)


async def test_a_cursor_of_no_page_of_rejected_items_is_refused(shelf: Shelf) -> None:
    with pytest.raises(QueryRefused) as refusal:
        await shelf.store.rejected(RejectedQuery(limit=1, after="AAAA"))
    assert refusal.value.field == "cursor"
