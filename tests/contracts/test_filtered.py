"""What the door marks is kept, shown and exported; what it marks as filtered counts in no statistics."""

import pytest

from storage.query.events import EventFilter
from storage.query.metrics import MetricsQuery
from storage.query.receipts import ReceiptQuery
from storage.query.visits import BreakdownQuery, SummaryQuery, VisitsQuery
from tests.contracts.samples import DAY, NOON, SITE, event, exported, visitor_id
from tests.contracts.shelf import Shelf

MARKS = {"country": "DE", "filtered": "address", "signal": "gpc", "violation": "$.attrs.price wrong_type"}

METRICS = MetricsQuery(
    app_code="site",
    from_time=NOON - DAY,
    to_time=NOON + DAY,
    metrics=("visitors", "visits", "pageviews", "events"),
    order=None,
    descending=False,
    limit=9,
)


@pytest.mark.parametrize("rule", ["address", "hostname"])
async def test_a_filtered_event_is_stored_and_counts_in_no_statistics(shelf: Shelf, rule: str) -> None:
    await shelf.load([event(page_url="/a", anonymous_id="v"), event(page_url="/a", anonymous_id="w", filtered=rule)])
    store = shelf.store
    where = EventFilter(app_code="site", page_url="/a")
    assert (await store.summary(SummaryQuery(where=where, pages=1))).unique_users == 1
    assert [row.anonymous_id for row in (await store.visits(VisitsQuery(where=where, limit=9))).rows] == ["v"]
    assert (await store.breakdown(BreakdownQuery(where=SITE, by=("page",), limit=9))).rows[0].visits == 1
    page = await store.metrics(METRICS)
    assert (page.rows[0].metrics, page.rows_scanned) == ([1, 1, 1, 1], 1)
    assert (await store.health()).n_rows == 2


async def test_a_filtered_event_has_a_receipt_and_is_exported_with_its_mark(shelf: Shelf) -> None:
    await shelf.load([event(filtered="hostname")])
    (line,) = await exported(shelf.store)
    log_id, _, offset = str(line["receipt"]).partition(":")
    assert line["filtered"] == "hostname"
    assert (await shelf.store.receipt(ReceiptQuery(log_id, int(offset)))).status == "stored"


async def test_a_filtered_sign_in_still_says_whose_the_visitor_is(shelf: Shelf) -> None:
    browser = visitor_id("v")
    await shelf.load([event(page_url="/a", anonymous_id=browser)])
    await shelf.load([event(user_id="7", anonymous_id=browser, filtered="address")])
    (row,) = (await shelf.store.visits(VisitsQuery(where=SITE, limit=9))).rows
    assert row.user_id == "7"


async def test_an_export_names_what_the_door_has_noted(shelf: Shelf) -> None:
    await shelf.load([event(**MARKS), event()])
    marked, plain = await exported(shelf.store)
    assert {name: marked.get(name) for name in MARKS} == MARKS
    assert plain.keys().isdisjoint(MARKS)


async def test_marks_are_counted_over_all_loads(shelf: Shelf) -> None:
    assert (await shelf.store.health()).marked == {}
    await shelf.load([event(**MARKS), event(signal="dnt"), event()])
    assert (await shelf.store.health()).marked == {"address": 1, "gpc": 1, "violation": 1, "dnt": 1}
    await shelf.load([event(user_agent="Googlebot/2.1", signal="dnt"), event(referrer="https://semalt.com/")])
    assert (await shelf.store.health()).marked == {
        "address": 1,
        "gpc": 1,
        "violation": 1,
        "dnt": 2,
        "bot": 1,
        "referrer_spam": 1,
    }
