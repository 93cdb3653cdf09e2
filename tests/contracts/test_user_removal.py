"""What every UserStore must do when an account is removed."""

import asyncio

import pytest
from msgspec.structs import replace

from storage.account_ports import UserStore
from storage.user import User
from storage.user_list import UsersQuery
from tests.contracts.users import NOW, user, with_session


async def test_a_removed_user_is_found_by_nobody(users: UserStore) -> None:
    anna = replace(user("anna", email="a@example.org"), role="admin")
    await users.add(anna)
    users.saw(anna.user_id, NOW)
    await users.remove(anna.user_id, NOW)
    assert await users.by_id(anna.user_id) is None
    assert await users.by_nickname("anna") is None
    assert await users.by_email("a@example.org") is None
    assert (await users.page(UsersQuery())).total == 0
    assert users.last_seen(anna.user_id) is None
    assert users.administrators() == 0
    users.saw(anna.user_id, NOW)
    assert users.last_seen(anna.user_id) is None


async def test_what_is_held_is_what_can_be_removed(users: UserStore) -> None:
    anna = user("anna")
    assert [await users.holds(one) for one in (anna.user_id, "", "../../etc/passwd", "\0")] == [False] * 4
    await users.add(anna)
    assert await users.holds(anna.user_id)
    await users.remove(anna.user_id, NOW)
    assert not await users.holds(anna.user_id)


async def test_the_names_of_a_removed_user_are_free_at_once_and_its_id_never(users: UserStore) -> None:
    anna = user("anna", email="a@example.org")
    await users.add(anna)
    await users.remove(anna.user_id, NOW)
    another = user("Anna", email="A@example.org")
    await users.add(another)
    assert await users.by_nickname("anna") == another
    with pytest.raises(ValueError, match="removed"):
        await users.add(replace(anna, nickname="other", email=None))


async def test_others_stay(users: UserStore) -> None:
    anna, boris = user("anna"), user("boris")
    await users.add(anna)
    await users.add(boris)
    await users.remove(anna.user_id, NOW)
    assert await users.by_nickname("boris") == boris


@pytest.mark.parametrize("user_id", ["", "x", "../../etc/passwd", "0" * 32, "\0"])
async def test_who_is_not_there_cannot_be_removed(users: UserStore, user_id: str) -> None:
    with pytest.raises(KeyError):
        await users.remove(user_id, NOW)


async def test_nobody_is_removed_twice_nor_changed_afterwards(users: UserStore) -> None:
    anna = user("anna")
    await users.add(anna)
    await users.remove(anna.user_id, NOW)
    with pytest.raises(KeyError):
        await users.remove(anna.user_id, NOW)
    with pytest.raises(KeyError):
        await users.update(anna.user_id, with_session("s"))


async def test_a_removal_that_is_not_allowed_removes_nobody(users: UserStore) -> None:
    anna = user("anna")
    await users.add(anna)
    changed = await users.update(anna.user_id, with_session("s"))

    def refuse(one: User) -> None:
        assert one == changed
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await users.remove(anna.user_id, NOW, refuse)
    assert await users.by_nickname("anna") == changed


async def test_of_the_last_administrators_one_cannot_be_removed_however_many_are_at_once(users: UserStore) -> None:
    several = [replace(user(f"a{number}"), role="admin") for number in range(5)]
    await asyncio.gather(*(users.add(one) for one in several))

    def unless_last(_: User) -> None:
        if users.administrators() == 1:
            raise LookupError

    removed = [users.remove(one.user_id, NOW, unless_last) for one in several]
    outcomes = await asyncio.gather(*removed, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(LookupError) == 1
    assert users.administrators() == 1


async def test_a_removal_and_changes_at_once_end_with_nobody(users: UserStore) -> None:
    anna = user("anna")
    await users.add(anna)
    calls = [users.update(anna.user_id, with_session(str(number))) for number in range(5)]
    outcomes = await asyncio.gather(*calls[:3], users.remove(anna.user_id, NOW), *calls[3:], return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {User, type(None), KeyError}
    assert await users.by_id(anna.user_id) is None
