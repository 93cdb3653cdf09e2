"""The contract of EventStore on what is a person's: events and rejected items, those of its visitors too."""

import msgspec
import pytest

from storage.event import RejectedItem
from storage.query.erasure import Person
from storage.query.events import EventFilter, ExportQuery
from storage.query.rejected import PersonRejectedQuery
from tests.contracts.samples import NOON, event, visitor_id
from tests.contracts.shelf import Shelf

PHONE = visitor_id("phone")


def refused(raw: str, **sender: str) -> RejectedItem:
    return RejectedItem("wrong_type", raw, sender.pop("app_code", "shop"), NOON, **sender)


ITEMS = [
    event(app_code="shop", anonymous_id=PHONE, page_url="/before"),
    event(app_code="shop", anonymous_id=PHONE, user_id="ada", page_url="/signed-in", filtered="address"),
    event(app_code="shop", user_id="ada", page_url="/elsewhere"),
    event(app_code="shop", user_id="bob", page_url="/bob"),
    event(app_code="site", user_id="ada", page_url="/another-ada"),
    refused('{"id_user": "ada"}'),
    refused('{"x": 1}', user_id="ada"),
    refused('{"x": 2}', anonymous_id=PHONE),
    refused(f'{{"anonymous_id": "{PHONE}"}}'),
    refused('{"x": 3}', user_id="bob"),
    refused('{"id_user": "ada"}', app_code="site"),
    refused("", user_id="ada"),
]


async def read(shelf: Shelf, query: ExportQuery | PersonRejectedQuery) -> list[dict[str, object]]:
    chunks = [chunk async for chunk in shelf.store.export(query)]
    return [msgspec.json.decode(line) for line in b"".join(chunks).splitlines()]


PEOPLE = [
    (
        Person("shop", "ada"),
        ["/before", "/signed-in", "/elsewhere"],
        ['{"id_user": "ada"}', '{"x": 1}', '{"x": 2}', f'{{"anonymous_id": "{PHONE}"}}'],
    ),
    (Person("shop", None, PHONE), ["/before", "/signed-in"], ['{"x": 2}', f'{{"anonymous_id": "{PHONE}"}}']),
    (Person("shop", "bob"), ["/bob"], ['{"x": 3}']),
    (Person("site", "ada"), ["/another-ada"], ['{"id_user": "ada"}']),
    (Person("shop", "nobody"), [], []),
]


@pytest.mark.parametrize(("person", "pages", "raws"), PEOPLE, ids=["user", "visitor", "other", "namesake", "nobody"])
async def test_what_is_a_persons_is_found_whole_and_alone(
    shelf: Shelf, person: Person, pages: list[str], raws: list[str]
) -> None:
    await shelf.load(ITEMS)
    where = EventFilter(app_code=person.app_code, user_id=person.user_id)
    events = await read(shelf, ExportQuery(where=where, anonymous_id=person.anonymous_id))
    assert [one["page_url"] for one in events] == pages
    rejected = await read(shelf, PersonRejectedQuery(person))
    assert [one["raw"] for one in rejected] == raws
    assert {(one["code"], one["received_at"]) for one in rejected} <= {("wrong_type", "2026-11-18T12:00:00Z")}
