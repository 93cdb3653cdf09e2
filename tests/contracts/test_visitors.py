"""The contract of EventStore on persons: a visitor is its first user's, in past and later events alike."""

import random

import pytest

from storage.event import Event
from storage.query.events import EventFilter
from storage.query.visits import BreakdownQuery, BreakdownRow, PageCount, Summary, SummaryQuery, VisitRow
from tests.contracts.samples import HOUR, NOON, SITE, all_cells, all_visits, event, exported, visitor_id
from tests.contracts.shelf import Shelf

OF_ADA = EventFilter(app_code="site", user_id="ada")


def seen(hour: int, visitor: str | None = None, user: str | None = None, page: str = "/a", **members: object) -> Event:
    at = NOON + hour * HOUR
    anonymous_id = visitor and visitor_id(visitor)
    return event(page_url=page, received_at=at, occurred_at=at, anonymous_id=anonymous_id, user_id=user, **members)


async def test_before_and_after_sign_in_and_on_a_second_visit_it_is_one_person(shelf: Shelf) -> None:
    await shelf.load([seen(0, "v"), seen(0, "stranger")])
    assert (await shelf.store.summary(SummaryQuery(where=SITE, pages=0))).unique_users == 2
    await shelf.load([seen(1, "v", "ada", source_label="signin")])
    await shelf.load([seen(2, "v", "ada"), seen(30, "v")])
    assert await all_cells(shelf.store, ("user",)) == [BreakdownRow(["ada"], 3, 1), BreakdownRow([None], 1, 1)]
    assert await shelf.store.summary(SummaryQuery(where=SITE, pages=9)) == Summary(4, 2, [PageCount("/a", 4, 2)])


async def test_a_user_with_several_devices_is_one_person(shelf: Shelf) -> None:
    await shelf.load([seen(0, "phone"), seen(1, "desk"), seen(2, "phone", "ada"), seen(3, "desk", "ada")])
    assert await all_cells(shelf.store, ("user",)) == [BreakdownRow(["ada"], 4, 1)]


async def test_every_question_about_a_user_finds_what_its_visitors_did(shelf: Shelf) -> None:
    await shelf.load([seen(0, "v", page="/1"), seen(1, "w", page="/2"), seen(2, "v", "ada", page="/3"), seen(3)])
    assert await all_visits(shelf.store, 1, OF_ADA) == [
        VisitRow("ada", visitor_id("v"), "/3", NOON + 2 * HOUR),
        VisitRow("ada", visitor_id("v"), "/1", NOON),
    ]
    assert await all_visits(shelf.store, 9) == [
        VisitRow(None, None, "/a", NOON + 3 * HOUR),
        VisitRow("ada", visitor_id("v"), "/3", NOON + 2 * HOUR),
        VisitRow(None, visitor_id("w"), "/2", NOON + HOUR),
        VisitRow("ada", visitor_id("v"), "/1", NOON),
    ]
    assert (await shelf.store.summary(SummaryQuery(where=OF_ADA, pages=0))).total_visits == 2
    cells = await shelf.store.breakdown(BreakdownQuery(where=OF_ADA, by=("page",), limit=9))
    assert [row.keys for row in cells.rows] == [["/1"], ["/3"]]
    assert [(line["page_url"], line["id_user"]) for line in await exported(shelf.store, OF_ADA)] == [
        ("/1", "ada"),
        ("/3", "ada"),
    ]


async def test_a_shared_device_stays_its_first_users_and_an_event_its_own_users(shelf: Shelf) -> None:
    await shelf.load([seen(0, "v"), seen(1, "v", "ada"), seen(2, "v", "bob"), seen(3, "v")])
    assert await all_cells(shelf.store, ("user",)) == [BreakdownRow(["ada"], 3, 1), BreakdownRow(["bob"], 1, 1)]


GUESSABLE = [
    "7",
    "ada@example.org",
    "00000000-0000-1000-8000-00000000000a",
    visitor_id("v").upper(),
    visitor_id("v") + "0",
    "",
]


async def test_an_id_that_could_be_guessed_gives_nobody_the_past(shelf: Shelf) -> None:
    for number, guessable in enumerate(GUESSABLE):
        app = {"app_code": f"app {number}"}
        at = {"page_url": "/a", "anonymous_id": guessable} | app
        await shelf.load([event(**at), event(**at, user_id="eve"), event(**at)])
        query = BreakdownQuery(where=EventFilter(**app), by=("user",), limit=9)
        rows = (await shelf.store.breakdown(query)).rows
        assert (guessable, rows) == (guessable, [BreakdownRow([None], 2, 1), BreakdownRow(["eve"], 1, 1)])


async def test_a_visitor_of_one_application_is_nobody_in_another(shelf: Shelf) -> None:
    await shelf.load([seen(0, "v", "ada", app_code="shop"), seen(1, "v")])
    assert await all_cells(shelf.store, ("user",)) == [BreakdownRow([None], 1, 1)]


@pytest.mark.parametrize("seed", range(4))
async def test_persons_do_not_depend_on_how_the_events_were_cut_into_loads_nor_on_their_order(
    shelf: Shelf, seed: int
) -> None:
    """Each visitor signs in once or never; what is expected follows from that alone."""
    draw = random.Random(seed)
    owner = {f"v{n}": draw.choice(["ada", "bob", None]) for n in range(8)}
    events = [seen(n, visitor, page=f"/{n % 3}") for n in range(5) for visitor in owner]
    events += [seen(draw.randrange(9), visitor, user, page="/in") for visitor, user in owner.items() if user]
    draw.shuffle(events)
    while events:
        cut = draw.randint(1, 12)
        await shelf.load([*events[:cut]])
        events = events[cut:]
    visits = {user: sum(5 + (user is not None) for one in owner.values() if one == user) for user in owner.values()}
    strangers = sum(user is None for user in owner.values())
    found = await all_cells(shelf.store, ("user",))
    assert {row.keys[0]: row.visits for row in found} == visits
    assert {row.keys[0]: row.visitors for row in found} == {user: 1 if user else strangers for user in visits}
    whole = await shelf.store.summary(SummaryQuery(where=SITE, pages=0))
    assert whole.unique_users == len(visits.keys() - {None}) + strangers
