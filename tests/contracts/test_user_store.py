"""What every UserStore must do, whatever stands behind it."""

# ruff: noqa: RUF001 - look-alikes are the point

import asyncio

import pytest
from msgspec.structs import replace

from storage.account_ports import UserStore
from storage.errors import UserExists
from storage.user import User
from tests.contracts.users import user, with_session


async def test_an_added_user_is_found_by_id_nickname_and_email(users: UserStore) -> None:
    anna = replace(user("Anna", email="anna@example.org"), firstname="Анна", age=30, phone="+7 1", lastname="🙂")
    await users.add(anna)
    assert await users.by_id(anna.user_id) == anna
    assert await users.by_nickname("Anna") == anna
    assert await users.by_email("anna@example.org") == anna


@pytest.mark.parametrize("spelling", ["ANNA", "anna", "Ａｎｎａ", "ᴬnna"])
async def test_a_nickname_is_found_and_taken_in_every_spelling(users: UserStore, spelling: str) -> None:
    anna = user("Anna")
    await users.add(anna)
    assert await users.by_nickname(spelling) == anna
    with pytest.raises(UserExists) as caught:
        await users.add(user(spelling))
    assert caught.value.field == "nickname"


async def test_an_email_is_found_and_taken_in_any_case(users: UserStore) -> None:
    anna = user(email="Anna@Example.org")
    await users.add(anna)
    assert await users.by_email("anna@EXAMPLE.org") == anna
    with pytest.raises(UserExists) as caught:
        await users.add(user(email="anna@example.ORG"))
    assert caught.value.field == "email"


async def test_a_nickname_and_an_email_of_one_text_do_not_collide(users: UserStore) -> None:
    await users.add(user("a@b"))
    await users.add(user(email="a@b"))
    assert (await users.by_nickname("a@b")) != (await users.by_email("a@b"))


async def test_a_refused_user_leaves_nothing_behind(users: UserStore) -> None:
    await users.add(user("anna"))
    refused = user("anna", email="other@example.org")
    with pytest.raises(UserExists):
        await users.add(refused)
    assert await users.by_id(refused.user_id) is None
    assert await users.by_email("other@example.org") is None
    await users.add(user(email="other@example.org"))


@pytest.mark.parametrize("user_id", ["", "x", "../../etc/passwd", "A" * 32, "0" * 32, "0" * 31 + "\n", "é" * 32, "\0"])
async def test_an_id_that_nobody_has_finds_nobody(users: UserStore, user_id: str) -> None:
    assert await users.by_id(user_id) is None
    with pytest.raises(KeyError):
        await users.update(user_id, with_session("s"))


async def test_names_that_nobody_has_find_nobody(users: UserStore) -> None:
    assert await users.by_nickname("nobody") is None
    assert await users.by_email("nobody@example.org") is None


async def test_of_many_concurrent_adds_of_one_name_one_wins(users: UserStore) -> None:
    candidates = [user(name) for name in ("anna", "ANNA", "Ａnna") * 10]
    outcomes = await asyncio.gather(*(users.add(one) for one in candidates), return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["NoneType"] + ["UserExists"] * 29
    winner = candidates[outcomes.index(None)]
    assert await users.by_nickname("anna") == winner


async def test_an_update_is_returned_and_seen_by_every_look_up(users: UserStore) -> None:
    anna = user("anna", email="a@example.org")
    await users.add(anna)
    changed = await users.update(anna.user_id, with_session("s1"))
    assert [session.sid for session in changed.sessions] == ["s1"]
    assert await users.by_id(anna.user_id) == await users.by_nickname("anna") == changed
    assert await users.by_email("a@example.org") == changed


async def test_concurrent_updates_of_one_user_lose_none(users: UserStore) -> None:
    anna = user("anna")
    await users.add(anna)
    sids = [f"s{number}" for number in range(30)]
    await asyncio.gather(*(users.update(anna.user_id, with_session(sid)) for sid in sids))
    found = await users.by_id(anna.user_id)
    assert found is not None
    assert {session.sid for session in found.sessions} == set(sids)


async def test_look_ups_between_updates_never_bring_an_old_state_back(users: UserStore) -> None:
    anna = user("anna")
    await users.add(anna)
    for number in range(10):
        looks = [users.by_id(anna.user_id) for _ in range(5)]
        await asyncio.gather(*looks, users.update(anna.user_id, with_session(str(number))), users.by_nickname("anna"))
        found = await users.by_id(anna.user_id)
        assert found is not None
        assert len(found.sessions) == number + 1


async def test_a_change_that_fails_changes_nothing(users: UserStore) -> None:
    anna = user("anna")
    await users.add(anna)

    def refuse(_: User) -> User:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await users.update(anna.user_id, refuse)
    assert await users.by_id(anna.user_id) == anna


async def test_an_update_to_a_taken_name_is_refused_and_changes_nothing(users: UserStore) -> None:
    anna = user("anna")
    await users.add(anna)
    await users.add(user("boris"))
    with pytest.raises(UserExists):
        await users.update(anna.user_id, lambda one: replace(one, nickname="Boris"))
    assert await users.by_nickname("anna") == anna


async def test_an_update_to_another_name_frees_the_old_one(users: UserStore) -> None:
    anna = user("anna")
    await users.add(anna)
    await users.update(anna.user_id, lambda one: replace(one, nickname="Hanna"))
    assert await users.by_nickname("anna") is None
    found = await users.by_nickname("hanna")
    assert found is not None
    assert found.user_id == anna.user_id
    await users.add(user("anna"))


async def test_an_update_to_another_spelling_keeps_the_name(users: UserStore) -> None:
    anna = user("anna")
    await users.add(anna)
    await users.update(anna.user_id, lambda one: replace(one, nickname="ANNA"))
    with pytest.raises(UserExists):
        await users.add(user("anna"))
