"""What every UserStore must make possible: that there is always an administrator left."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from storage.account_ports import UserStore
from storage.user import User
from tests.contracts.users import NOW, user


class Last(Exception):
    """The change would leave nobody to administer."""


def admin(nickname: str) -> User:
    return replace(user(nickname), role="admin")


def unless_last(users: UserStore, change: Callable[[User], User]) -> Callable[[User], User]:
    def changed(one: User) -> User:
        if users.administrators() == 1:
            raise Last
        return change(one)

    return changed


def demoted(one: User) -> User:
    return replace(one, role="user")


def blocked(one: User) -> User:
    return replace(one, blocked_at=NOW)


async def test_administrators_are_counted_by_what_they_are_now(users: UserStore) -> None:
    assert users.administrators() == 0
    anna, boris = admin("anna"), user("boris")
    await users.add(anna)
    await users.add(boris)
    assert users.administrators() == 1
    await users.update(boris.user_id, lambda one: replace(one, role="admin"))
    assert users.administrators() == 2
    await users.update(anna.user_id, lambda one: replace(one, firstname="Anna"))
    assert users.administrators() == 2
    await users.update(anna.user_id, blocked)
    assert users.administrators() == 1
    await users.update(anna.user_id, lambda one: replace(one, blocked_at=None))
    assert users.administrators() == 2
    await users.update(boris.user_id, demoted)
    assert users.administrators() == 1


@pytest.mark.parametrize("change", [demoted, blocked])
async def test_of_administrators_who_end_it_for_each_other_at_once_one_stays(
    users: UserStore, change: Callable[[User], User]
) -> None:
    several = [admin(f"a{number}") for number in range(5)]
    await asyncio.gather(*(users.add(one) for one in several))
    ended = [users.update(one.user_id, unless_last(users, change)) for one in several]
    outcomes = await asyncio.gather(*ended, return_exceptions=True)
    assert sum(isinstance(outcome, Last) for outcome in outcomes) == 1
    assert users.administrators() == 1


async def test_a_change_of_an_administrator_under_way_takes_nobody_out_of_the_count(users: UserStore) -> None:
    anna, boris = admin("anna"), admin("boris")
    await users.add(anna)
    await users.add(boris)
    await asyncio.gather(
        users.update(anna.user_id, lambda one: replace(one, firstname="Anna")),
        users.update(boris.user_id, unless_last(users, demoted)),
    )
    assert users.administrators() == 1
