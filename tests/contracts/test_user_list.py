"""What every UserStore must answer when it is asked for a list of its users, and for its administrators."""

# ruff: noqa: RUF001 - look-alikes are the point

import asyncio
import random
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from storage.account_ports import UserStore
from storage.errors import QueryRefused
from storage.user import Session, User
from storage.user_list import ListedUser, UsersKey, UsersPage, UsersQuery
from tests.contracts.users import NOW, user, with_session


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def numbered(number: int, nickname: str | None = None) -> User:
    """Return a user whose user_id begins with its number."""
    made = user(nickname)
    return replace(made, user_id=f"{number:04x}{made.user_id[4:]}", created_at=ago(number))


def names(page: UsersPage) -> list[str | None]:
    return [one.nickname for one in page.users]


async def everybody(users: UserStore, query: UsersQuery) -> list[ListedUser]:
    found: list[ListedUser] = []
    page = await users.page(query)
    found += page.users
    while page.next is not None:
        page = await users.page(replace(query, after=page.next))
        assert page.users, "a next that leads nowhere"
        found += page.users
    return found


async def added(users: UserStore, *new: User) -> None:
    await asyncio.gather(*(users.add(one) for one in new))


async def test_a_store_without_users_has_an_empty_page(users: UserStore) -> None:
    assert await users.page(UsersQuery()) == UsersPage((), None, 0)


async def test_a_row_says_what_administrators_see(users: UserStore) -> None:
    anna = replace(user("Anna", email="A@example.org"), role="analyst", created_at=ago(9), blocked_at=ago(3))
    await users.add(anna)
    users.saw(anna.user_id, ago(5))
    row = ListedUser(
        user_id=anna.user_id,
        role="analyst",
        nickname="Anna",
        email="A@example.org",
        created_at=ago(9),
        blocked_at=ago(3),
        last_seen_at=ago(5),
    )
    assert await users.page(UsersQuery()) == UsersPage((row,), None, 1)


SORTED = [
    ("last_seen", "desc", ["b", "c", "never", "e"]),
    ("last_seen", "asc", ["c", "b", "e", "never"]),
    ("created", "desc", ["b", "never", "c", "e"]),
    ("created", "asc", ["e", "c", "never", "b"]),
    ("name", "desc", ["never", "e", "c", "b"]),
    ("name", "asc", ["b", "c", "e", "never"]),
]
"""By user_id the four go: c, b, e, never."""


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 200])
@pytest.mark.parametrize(("sort", "order", "expected"), SORTED)
async def test_every_order_is_the_same_in_pages_of_every_size(
    users: UserStore, sort: str, order: str, expected: list[str], limit: int
) -> None:
    c, b, e, never = (numbered(number, name) for number, name in enumerate(["c", "B", "e", "never"], 1))
    await added(
        users, *(replace(one, created_at=ago(minutes)) for one, minutes in ((c, 3), (b, 1), (e, 4), (never, 2)))
    )
    users.saw(c.user_id, ago(20))
    users.saw(b.user_id, ago(10))
    query = UsersQuery(sort=sort, order=order, limit=limit)  # type: ignore[arg-type]
    assert [str(one.nickname).lower() for one in await everybody(users, query)] == expected


SEARCHES = [
    ("ann", ["Anna", "hannah"]),
    ("ANN", ["Anna", "hannah"]),
    ("Ａｎｎ", ["Anna", "hannah"]),
    ("@EXAMPLE.org", ["Anna", "Straße"]),
    ("STRASSE", ["Straße"]),
    ("a@example.org", ["Anna"]),
    ("nobody", []),
    ("%", []),
    (".*", []),
    ("0001", []),
]


@pytest.mark.parametrize(("search", "expected"), SEARCHES)
async def test_a_search_finds_parts_of_names_in_every_spelling(
    users: UserStore, search: str, expected: list[str]
) -> None:
    anna = replace(numbered(1, "Anna"), email="a@example.org")
    await added(users, anna, numbered(2, "hannah"), replace(numbered(3, "Straße"), email="s@Example.ORG"))
    page = await users.page(UsersQuery(search=search, sort="name", order="asc"))
    assert names(page) == expected
    assert page.total == len(expected)


async def test_a_search_finds_a_whole_user_id_only(users: UserStore) -> None:
    anna = user("anna")
    await added(users, anna, user("boris"))
    assert names(await users.page(UsersQuery(search=anna.user_id))) == ["anna"]
    assert names(await users.page(UsersQuery(search=anna.user_id[:31]))) == []


FILTERS = [
    (UsersQuery(role="admin"), ["boss"]),
    (UsersQuery(role="user"), ["blocked", "inactive", "never", "recent"]),
    (UsersQuery(role="analyst"), []),
    (UsersQuery(state="never_signed_in"), ["blocked", "boss", "never"]),
    (UsersQuery(state="inactive", seen_before=ago(10)), ["inactive"]),
    (UsersQuery(state="inactive", seen_before=ago(20)), []),
    (UsersQuery(state="inactive", seen_before=NOW), ["inactive", "recent"]),
    (UsersQuery(state="blocked"), ["blocked"]),
    (UsersQuery(role="user", state="never_signed_in", search="e"), ["blocked", "never"]),
    (UsersQuery(role="admin", state="blocked"), []),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS)
async def test_filters_keep_who_fits_all_of_them_and_the_total_counts_them(
    users: UserStore, query: UsersQuery, expected: list[str]
) -> None:
    inactive, recent = user("inactive"), user("recent")
    blocked, boss = replace(user("blocked"), blocked_at=NOW), replace(user("boss"), role="admin")
    await added(users, inactive, recent, blocked, boss, user("never"))
    users.saw(inactive.user_id, ago(20))
    users.saw(recent.user_id, ago(5))
    page = await users.page(replace(query, sort="name", order="asc", limit=1))
    assert page.total == len(expected)
    assert [one.nickname for one in await everybody(users, replace(query, sort="name", order="asc"))] == expected


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", ["last_seen", "created", "name"])
async def test_who_stays_in_place_is_on_exactly_one_page_while_others_come_and_move(
    users: UserStore, sort: str, order: str
) -> None:
    dice = random.Random(5)
    staying = [numbered(number, f"n{number:03}") for number in range(40)]
    moving = [numbered(number, f"n{number:03}m") for number in range(40, 80)]
    await added(users, *staying, *moving)
    for one in (*staying[10:], *moving[10:]):
        users.saw(one.user_id, ago(dice.randint(1, 1000)))
    query: UsersQuery | None = UsersQuery(sort=sort, order=order, limit=7)  # type: ignore[arg-type]
    found: list[str] = []
    while query is not None:
        page = await users.page(query)
        found += [one.user_id for one in page.users]
        query = None if page.next is None else replace(query, after=page.next)
        for one in dice.sample(moving, 5):
            users.saw(one.user_id, ago(-dice.randint(1, 1000)))
            await users.update(one.user_id, lambda now: replace(now, nickname=f"{now.nickname}x"))
        await users.add(numbered(dice.randint(100, 200), f"n{dice.randint(100, 999)}-{len(found)}"))
    mine = [user_id for user_id in found if user_id in {one.user_id for one in staying}]
    assert len(mine) == len(set(mine)) == len(staying)


async def test_a_page_goes_on_behind_a_user_who_has_another_place_now(users: UserStore) -> None:
    await added(users, *(numbered(number, name) for number, name in enumerate("abc", 1)))
    page = await users.page(UsersQuery(sort="name", order="asc", limit=1))
    await users.update(page.users[0].user_id, lambda one: replace(one, nickname="z"))
    rest = await users.page(UsersQuery(sort="name", order="asc", after=page.next))
    assert names(rest) == ["b", "c", "z"]


async def test_users_without_a_name_or_with_only_an_email_have_a_place_by_name(users: UserStore) -> None:
    await added(users, numbered(1, "c"), replace(numbered(2), email="B@x"), numbered(3))
    page = await users.page(UsersQuery(sort="name", order="asc"))
    assert [(one.nickname, one.email) for one in page.users] == [(None, None), (None, "B@x"), ("c", None)]


KEYS = [
    ("last_seen", UsersKey("anna", "0" * 32)),
    ("last_seen", UsersKey(10**30, "0" * 32)),
    ("created", UsersKey("anna", "0" * 32)),
    ("created", UsersKey(None, "0" * 32)),
    ("created", UsersKey(-(10**30), "0" * 32)),
    ("name", UsersKey(1, "0" * 32)),
    ("name", UsersKey(None, "0" * 32)),
]


@pytest.mark.parametrize(("sort", "key"), KEYS)
async def test_a_key_of_another_list_is_refused(users: UserStore, sort: str, key: UsersKey) -> None:
    with pytest.raises(QueryRefused) as caught:
        await users.page(UsersQuery(sort=sort, after=key))  # type: ignore[arg-type]
    assert caught.value.field == "cursor"


async def test_a_page_shows_changes_and_who_was_added(users: UserStore) -> None:
    anna = user("anna")
    await users.add(anna)
    await users.update(anna.user_id, lambda one: replace(one, nickname="Hanna", role="analyst", blocked_at=NOW))
    (row,) = (await users.page(UsersQuery(search="hanna"))).users
    assert (row.nickname, row.role, row.blocked_at) == ("Hanna", "analyst", NOW)


async def test_last_seen_is_the_latest_time_told(users: UserStore) -> None:
    anna = user("anna")
    await users.add(anna)
    assert users.last_seen(anna.user_id) is None
    users.saw(anna.user_id, ago(2))
    users.saw(anna.user_id, ago(3))
    assert users.last_seen(anna.user_id) == ago(2)
    users.saw(anna.user_id, NOW)
    assert users.last_seen(anna.user_id) == NOW
    (row,) = (await users.page(UsersQuery())).users
    assert row.last_seen_at == NOW


async def test_nobody_is_not_seen(users: UserStore) -> None:
    users.saw("0" * 32, NOW)
    assert users.last_seen("0" * 32) is None


async def test_who_has_had_a_session_was_seen_also_when_it_has_ended(users: UserStore) -> None:
    anna = replace(user("anna"), sessions=(Session(sid="s", created_at=ago(9), expires_at=NOW),))
    boris = user("boris")
    await added(users, anna, boris)
    await users.update(anna.user_id, lambda one: replace(one, sessions=()))
    await users.update(boris.user_id, with_session("s"))
    assert (users.last_seen(anna.user_id), users.last_seen(boris.user_id)) == (ago(9), NOW)
    refreshed = Session(sid="s", created_at=ago(9), expires_at=NOW, counter=1, rotated_at=ago(-1))
    await users.update(boris.user_id, lambda one: replace(one, sessions=(refreshed,)))
    assert users.last_seen(boris.user_id) == ago(-1)
