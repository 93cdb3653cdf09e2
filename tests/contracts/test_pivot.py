"""The contract of the pivot (R1): an event by user and by value of an attr, for every adapter in conftest.ADAPTERS."""

from datetime import timedelta

import pytest

from storage.query.pivot import VALUE_LENGTH_MAX, Pivot, PivotQuery
from tests.contracts.samples import NOON, event, visitor_id
from tests.contracts.shelf import Shelf

LABELS = ("parts", "Parts", "parts-1")


def asked(**members: object) -> PivotQuery:
    return PivotQuery(**({"app_code": "site", "labels": LABELS, "users_max": 100, "values_max": 100} | members))


def cells(found: Pivot) -> list[tuple[str | None, str, int]]:
    return [(cell.user_id, found.values[cell.column], cell.total) for cell in found.cells]


def part(user_id: str | None, part: object, n: object, **members: object):
    attrs = {name: value for name, value in (("part", part), ("n", n)) if value is not ...}
    return event(source_label=members.pop("label", "parts"), user_id=user_id, attrs=attrs, **members)


async def test_of_no_events_there_is_nothing(shelf: Shelf) -> None:
    assert await shelf.store.pivot(asked(by="part", sum="n")) == Pivot([], [], 0, 0)


async def test_totals_are_by_user_and_value_the_greatest_first(shelf: Shelf) -> None:
    await shelf.load([part("u1", "diode", 7), part("u2", "diode", 200), part("u1", "transistor", 14)])
    await shelf.load([part("u2", "resistor", 1), part("u1", "diode", 28), part("u2", "resistor", 10)])
    found = await shelf.store.pivot(asked(by="part", sum="n"))
    assert cells(found) == [
        ("u2", "diode", 200),
        ("u2", "resistor", 11),
        ("u1", "diode", 35),
        ("u1", "transistor", 14),
    ]
    assert (found.values, found.users, found.n_values) == (["diode", "transistor", "resistor"], 2, 3)


async def test_without_a_value_to_tell_apart_there_is_one_total_and_without_a_sum_events_are_counted(
    shelf: Shelf,
) -> None:
    await shelf.load([part("u1", "a", 7), part("u1", "b", 5), part("u2", "a", 1)])
    assert cells(await shelf.store.pivot(asked(sum="n"))) == [("u1", "", 12), ("u2", "", 1)]
    counted = await shelf.store.pivot(asked(by="part"))
    assert cells(counted) == [("u1", "a", 1), ("u1", "b", 1), ("u2", "a", 1)]
    assert cells(await shelf.store.pivot(asked())) == [("u1", "", 2), ("u2", "", 1)]


async def test_all_labels_of_the_event_count_and_no_other(shelf: Shelf) -> None:
    await shelf.load([part("u1", "a", 1, label=label) for label in (*LABELS, "PARTS", "parts-2", "pageview")])
    await shelf.load([part("u1", "a", 1, app_code="weights")])
    assert cells(await shelf.store.pivot(asked())) == [("u1", "", 3)]
    assert cells(await shelf.store.pivot(asked(app_code="weights"))) == [("u1", "", 1)]
    assert (await shelf.store.pivot(asked(labels=()))).cells == []


VALUES = {
    "missing": (..., ""),
    "null": (None, ""),
    "empty": ("", ""),
    "a number": (7, "7"),
    "true": (True, "true"),
    "the key of a row": ("user_code", "user_code"),
    "a formula": ("=1+1", "=1+1"),
    "another alphabet": ("ё", "ё"),
    "a quote": ("'\"\\", "'\"\\"),
    "a text that says null": ("null", "null"),
    "a long one": ("ё" * 200 + "a", "ё" * VALUE_LENGTH_MAX),
}


@pytest.mark.parametrize(("sent", "shown"), VALUES.values(), ids=VALUES.keys())
async def test_a_value_is_its_text_and_none_the_empty_one(shelf: Shelf, sent: object, shown: str) -> None:
    await shelf.load([part("u1", sent, 3)])
    assert cells(await shelf.store.pivot(asked(by="part", sum="n"))) == [("u1", shown, 3)]


AMOUNTS = {
    "missing": (..., 0),
    "null": (None, 0),
    "negative": (-5, -5),
    "the greatest": (2**63 - 1, 2**63 - 1),
    "over 64 bits": (2**63, 0),
    "a text": ("7", 0),
    "a fraction": (7.5, 0),
    "a whole fraction": (7.0, 0),
    "true": (True, 0),
    "an array": ([7], 0),
}


@pytest.mark.parametrize(("sent", "total"), AMOUNTS.values(), ids=AMOUNTS.keys())
async def test_integers_are_added_up_and_nothing_else(shelf: Shelf, sent: object, total: int) -> None:
    await shelf.load([part("u1", "a", sent)])
    assert cells(await shelf.store.pivot(asked(by="part", sum="n"))) == [("u1", "a", total)]


@pytest.mark.parametrize("name", ["$x", "$", "a/b", "a~1b", "~0", "a.b", 'q"r', "", "0", "ё", "*", "a b", "'; --"])
async def test_an_attr_may_have_any_name(shelf: Shelf, name: str) -> None:
    await shelf.load([event(source_label="parts", user_id="u1", attrs={name: 3, "other": 5})])
    assert cells(await shelf.store.pivot(asked(by=name, sum=name))) == [("u1", "3", 3)]


async def test_only_what_happened_in_the_range_counts_its_end_not_included(shelf: Shelf) -> None:
    hour = timedelta(hours=1)
    await shelf.load([part("u1", "a", 10**at, occurred_at=NOON + at * hour) for at in range(4)])
    for first, last, total in ((0, None, 1111), (1, 3, 110), (None, 1, 1), (4, None, None)):
        ends = {"from_time": None if first is None else NOON + first * hour, "to_time": last and NOON + last * hour}
        totals = cells(await shelf.store.pivot(asked(sum="n", **ends)))
        assert totals == ([] if total is None else [("u1", "", total)])


async def test_who_signed_in_later_is_the_user_of_what_its_visitor_did_and_nobody_comes_last(shelf: Shelf) -> None:
    visitor = visitor_id("v")
    await shelf.load([part(None, "a", 1, anonymous_id=visitor), part(None, "a", 2, anonymous_id=visitor_id("other"))])
    await shelf.load([part("u1", "a", 1, anonymous_id=visitor), part(None, "a", 0)])
    assert cells(await shelf.store.pivot(asked(sum="n"))) == [("u1", "", 2), (None, "", 2)]


async def test_what_is_filtered_does_not_count(shelf: Shelf) -> None:
    await shelf.load([part("u1", "a", 1), part("u1", "a", 1, filtered="address")])
    assert cells(await shelf.store.pivot(asked())) == [("u1", "", 1)]


async def test_of_more_users_and_values_than_asked_for_those_with_the_greatest_totals_are_there(shelf: Shelf) -> None:
    await shelf.load([part(f"u{user}", f"v{value}", user * value) for user in range(1, 5) for value in range(1, 5)])
    found = await shelf.store.pivot(asked(by="part", sum="n", users_max=2, values_max=3))
    assert found.values == ["v4", "v3", "v2"]
    assert [(user, total) for user, _, total in cells(found)] == [
        *[("u4", 16), ("u4", 12), ("u4", 8)],
        *[("u3", 12), ("u3", 9), ("u3", 6)],
    ]
    assert (found.users, found.n_values) == (4, 4)


async def test_a_total_past_64_bits_stays_at_their_end(shelf: Shelf) -> None:
    await shelf.load([part("u1", "a", 2**63 - 1), part("u1", "b", 2**63 - 1)])
    assert cells(await shelf.store.pivot(asked(sum="n"))) == [("u1", "", 2**63 - 1)]
