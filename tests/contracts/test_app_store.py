"""What every AppStore must do, whatever stands behind it."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from storage.account_ports import AppStore
from storage.app import App, AttrDefinition, EventDefinition
from storage.errors import AppExists
from tests.contracts.apps import NOON, app, read_token, write_token


async def test_an_added_application_is_found_by_its_code_and_all_its_tokens(apps: AppStore) -> None:
    shop = app(
        write_tokens=(write_token(), write_token()),
        read_tokens=(read_token(), read_token()),
        origins=("https://shop.example",),
        definitions=(EventDefinition("e-1", "part 🙂", (AttrDefinition("n", "integer"),)),),
    )
    await apps.add(shop)
    assert apps.by_code(shop.app_code) == shop
    assert [apps.by_write_token(one.token) for one in shop.write_tokens] == [shop, shop]
    assert [apps.by_read_token(one.digest) for one in shop.read_tokens] == [shop, shop]
    assert apps.lists_origin("https://shop.example")


@pytest.mark.parametrize("text", ["", "site", "x", "../../etc/passwd", "shop\0", "é" * 32, "x" * 10_000])
async def test_what_nobody_has_finds_nothing(apps: AppStore, text: str) -> None:
    await apps.add(app())
    assert apps.by_code(text) is None
    assert apps.by_write_token(text) is None
    assert apps.by_read_token(text) is None
    assert apps.last_used(text) is None
    assert apps.by_hostname(text) is None
    assert not apps.lists_origin(text)
    with pytest.raises(KeyError):
        await apps.update(text, lambda one: one)
    with pytest.raises(KeyError):
        await apps.remove(text)


@pytest.mark.parametrize("app_code", ["site", "../escape", "a/b"])
async def test_a_code_that_is_not_ours_is_not_added(apps: AppStore, app_code: str) -> None:
    with pytest.raises(ValueError, match=app_code):
        await apps.add(app(app_code=app_code))
    assert list(apps.every()) == []


async def test_an_api_token_is_no_read_token_nor_the_other_way_round(apps: AppStore) -> None:
    shop = app(read_tokens=(read_token(),))
    await apps.add(shop)
    assert apps.by_read_token(shop.write_tokens[0].token) is None
    assert apps.by_write_token(shop.read_tokens[0].digest) is None


async def test_applications_are_listed_the_oldest_first_and_by_owner(apps: AppStore) -> None:
    made = [app(f"a{age}", owner_id="ada" if age % 2 else "bob", created_at=NOON - timedelta(age)) for age in range(4)]
    for one in made:
        await apps.add(one)
    assert list(apps.every()) == made[::-1]
    assert [one.app_name for one in apps.of_owner("ada")] == ["a3", "a1"]
    assert list(apps.of_owner("nobody")) == []


async def test_one_owner_has_one_application_of_a_name_and_another_may_have_it_too(apps: AppStore) -> None:
    await apps.add(app())
    with pytest.raises(AppExists):
        await apps.add(app())
    await apps.add(app(owner_id="bob"))
    assert len(apps.every()) == 2


async def test_of_many_concurrent_adds_of_one_name_one_wins(apps: AppStore) -> None:
    outcomes = await asyncio.gather(*(apps.add(app()) for _ in range(30)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["AppExists"] * 29 + ["NoneType"]
    assert len(apps.every()) == 1


async def test_a_change_is_returned_and_seen_by_every_look_up(apps: AppStore) -> None:
    shop = app(origins=("https://old.example",))
    await apps.add(shop)
    new, read = write_token(), read_token()
    changed = await apps.update(
        shop.app_code,
        lambda one: replace(one, write_tokens=(new,), read_tokens=(read,), origins=("https://new.example",)),
    )
    assert apps.by_code(shop.app_code) == changed
    assert apps.by_write_token(new.token) == apps.by_read_token(read.digest) == changed
    assert apps.by_write_token(shop.write_tokens[0].token) is None
    assert (apps.lists_origin("https://old.example"), apps.lists_origin("https://new.example")) == (False, True)


async def test_concurrent_changes_of_one_application_lose_none(apps: AppStore) -> None:
    shop = app()
    await apps.add(shop)

    def grown(one: App) -> App:
        return replace(one, origins=(*one.origins, f"https://{len(one.origins)}.example"))

    await asyncio.gather(*(apps.update(shop.app_code, grown) for _ in range(30)))
    found = apps.by_code(shop.app_code)
    assert found is not None
    assert len(found.origins) == 30


async def test_a_change_that_fails_changes_nothing(apps: AppStore) -> None:
    shop = app()
    await apps.add(shop)

    def refuse(_: App) -> App:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await apps.update(shop.app_code, refuse)
    assert apps.by_code(shop.app_code) == shop


async def test_a_change_to_a_taken_name_is_refused_and_one_to_another_frees_the_old(apps: AppStore) -> None:
    shop, blog = app("shop"), app("blog")
    await apps.add(shop)
    await apps.add(blog)
    with pytest.raises(AppExists):
        await apps.update(shop.app_code, lambda one: replace(one, app_name="blog"))
    assert apps.by_code(shop.app_code) == shop
    await apps.update(shop.app_code, lambda one: replace(one, app_name="store"))
    await apps.add(app("shop"))


async def test_two_applications_that_want_one_name_at_once_do_not_both_get_it(apps: AppStore) -> None:
    made = [app("a"), app("b")]
    for one in made:
        await apps.add(one)
    outcomes = await asyncio.gather(
        *(apps.update(one.app_code, lambda old: replace(old, app_name="c")) for one in made),
        apps.add(app("c")),
        return_exceptions=True,
    )
    assert len([one for one in outcomes if isinstance(one, AppExists)]) == 2
    assert len([one for one in apps.every() if one.app_name == "c"]) == 1


async def test_a_removed_application_is_gone_with_its_tokens_and_its_name_is_free(apps: AppStore) -> None:
    shop = app(read_tokens=(read_token(),), origins=("https://shop.example",))
    await apps.add(shop)
    await apps.remove(shop.app_code)
    assert apps.by_code(shop.app_code) is None
    assert apps.by_write_token(shop.write_tokens[0].token) is None
    assert apps.by_read_token(shop.read_tokens[0].digest) is None
    assert not apps.lists_origin("https://shop.example")
    with pytest.raises(KeyError):
        await apps.remove(shop.app_code)
    await apps.add(app())


async def test_an_origin_is_listed_as_long_as_any_application_lists_it(apps: AppStore) -> None:
    both = [app("a", origins=("https://a.example",)), app("b", origins=("https://a.example",))]
    for one in both:
        await apps.add(one)
    await apps.remove(both[0].app_code)
    assert apps.lists_origin("https://a.example")
    await apps.update(both[1].app_code, lambda one: replace(one, origins=()))
    assert not apps.lists_origin("https://a.example")


async def test_a_hostname_is_the_oldest_applications_that_lists_it(apps: AppStore) -> None:
    made = [app(f"a{age}", created_at=NOON - timedelta(age), hostnames=("shop.example",)) for age in (1, 2, 0)]
    for one in made:
        await apps.add(one)
    assert apps.by_hostname("shop.example") == made[1]
    await apps.remove(made[1].app_code)
    assert apps.by_hostname("shop.example") == made[0]
    for one in (made[0], made[2]):
        await apps.update(one.app_code, lambda old: replace(old, hostnames=("other.example",)))
    assert apps.by_hostname("shop.example") is None


async def test_the_latest_use_of_a_token_counts(apps: AppStore) -> None:
    shop = app(read_tokens=(read_token(),))
    await apps.add(shop)
    token_id = shop.read_tokens[0].token_id
    assert apps.last_used(token_id) is None
    for minutes in (1, 3, 2):
        apps.used(token_id, NOON + timedelta(minutes=minutes))
    assert apps.last_used(token_id) == NOON + timedelta(minutes=3)
    await apps.remove(shop.app_code)
    assert apps.last_used(token_id) is None
