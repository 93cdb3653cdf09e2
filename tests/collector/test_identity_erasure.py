"""Erasing oneself: row E4 of the security checklist, as far as accounts go; tests/house/test_erase.py has the rest."""

import asyncio
import json
import os
from http import HTTPStatus
from pathlib import Path

import pytest
from aiohttp import ClientResponse

from storage.event import BUILT_IN_APP
from storage.query.erasure import Person
from tests.collector.identity_site import (
    ANNA,
    FREE_FAILURES,
    PASSWORD,
    SHIPPED_RATES,
    ErasingStore,
    Site,
    bearer,
    open_site,
)

WITHIN_S = 20.0


async def erased(site: Site, token: str, body: object = None) -> ClientResponse:
    return await site.client.delete("/auth/me", json=body or {"password": PASSWORD}, headers=bearer(token))


async def code(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


async def told(store: ErasingStore, user_id: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while store.people != [Person(BUILT_IN_APP, user_id)]:
            await asyncio.sleep(0.01)  # between two looks, until the deadline


async def test_e4_who_erases_itself_is_gone_for_every_look_up_at_once_and_after_a_restart(tmp_path: Path):
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        first = await site.sign_up()
        second = await (await site.sign_in()).json()
        user_id = first["user"]["user_id"]
        answer = await erased(site, first["jwt_token"])
        assert (answer.status, await answer.read()) == (204, b"")
        assert site.erasing.people == [Person(BUILT_IN_APP, user_id)]
    async with open_site(tmp_path) as site:
        for one in (first, second):
            assert (await site.me(one["jwt_token"])).status == HTTPStatus.UNAUTHORIZED
            refreshed = await site.client.post("/auth/refresh", headers=bearer(one["refresh_token"]))
            assert refreshed.status == HTTPStatus.UNAUTHORIZED
            assert (await erased(site, one["jwt_token"])).status == HTTPStatus.UNAUTHORIZED
        assert await code(await site.sign_in()) == (401, "credentials_wrong")
        assert (await site.client.get(f"/admin/users/{user_id}", headers=bearer(boss))).status == HTTPStatus.NOT_FOUND
        listed = await (await site.client.get("/admin/users", headers=bearer(boss))).json()
        assert [one["nickname"] for one in listed["users"]] == ["boss"]


async def test_e4_the_name_of_the_erased_is_anybodys_and_the_user_another(tmp_path: Path):
    async with open_site(tmp_path) as site:
        before = await site.sign_up()
        await erased(site, before["jwt_token"])
        after = await site.sign_up()
        assert after["user"]["user_id"] != before["user"]["user_id"]
        assert (await site.me(before["jwt_token"])).status == HTTPStatus.UNAUTHORIZED


async def test_e4_what_is_left_is_a_tombstone_and_audit_entries_with_the_id_alone(tmp_path: Path):
    async with open_site(tmp_path) as site:
        envelope = await site.sign_up(firstname="Anastasia", nickname="nastya")
        await site.sign_in("nastya", "wrong password")
        await erased(site, envelope["jwt_token"])
        (row,) = [entry.row for entry in await site.audited(event="user_deleted")]
        user_id = envelope["user"]["user_id"]
        assert (row.outcome, row.actor, row.subject) == ("success", user_id, user_id)
        assert [json.loads(line)["source_label"] for line in site.log.lines][-1] == "user_deleted"
    places = {path.relative_to(tmp_path).parts[0]: path for path in tmp_path.rglob("*") if user_id in path.name}
    assert places == {}
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert b"Anastasia" not in content
        assert b"nastya" not in content
        assert user_id.encode() not in content or path.parent.name == "audit" or path.name == "removed.json"


WRONG: list[tuple[object, int, str]] = [
    ({"password": "wrong password"}, 403, "password_wrong"),
    ({"password": ""}, 403, "password_wrong"),
    ({"password": PASSWORD + " "}, 403, "password_wrong"),
    ({"password": "x" * 10_000}, 403, "password_wrong"),
    ({"password": None}, 422, "body_invalid"),
    ({"password": 12345678}, 422, "body_invalid"),
    ({"password": PASSWORD, "user_id": "0" * 32}, 422, "body_invalid"),
    ({"current_password": PASSWORD}, 422, "body_invalid"),
    ([PASSWORD], 422, "body_invalid"),
]


@pytest.mark.parametrize(("body", "status", "problem"), WRONG)
async def test_e4_only_the_password_erases(tmp_path: Path, body: object, status: int, problem: str):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        assert await code(await erased(site, token, body)) == (status, problem)
        assert (await site.me(token)).status == HTTPStatus.OK
        assert site.erasing.people == []


async def test_e4_without_a_body_or_a_token_nobody_is_erased(tmp_path: Path):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        assert await code(await site.client.delete("/auth/me", headers=bearer(token))) == (
            415,
            "content_type_unsupported",
        )
        assert await code(await site.client.delete("/auth/me", json={"password": PASSWORD})) == (401, "token_missing")
        assert (await site.me(token)).status == HTTPStatus.OK


async def test_e4_wrong_passwords_wait_like_those_of_sign_in(tmp_path: Path):
    async with open_site(tmp_path, rates=SHIPPED_RATES) as site:
        token = (await site.sign_up())["jwt_token"]
        wrong = [(await erased(site, token, {"password": "wrong password"})).status for _ in range(FREE_FAILURES)]
        assert wrong == [403] * FREE_FAILURES
        assert (await erased(site, token)).status == HTTPStatus.TOO_MANY_REQUESTS
        site.clock.advance(1)
        assert (await erased(site, token)).status == HTTPStatus.NO_CONTENT


async def test_f5_the_last_administrator_cannot_erase_itself(tmp_path: Path):
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        assert await code(await erased(site, boss)) == (409, "last_admin")
        assert await site.audited(event="user_deleted") == []
        assert (await site.me(boss)).status == HTTPStatus.OK
        await site.accounts.add_admin("dora", PASSWORD)
        dora = (await (await site.sign_in("dora")).json())["jwt_token"]
        answers = await asyncio.gather(erased(site, boss), erased(site, dora))
        assert sorted(answer.status for answer in answers) == [204, 409]


async def test_of_two_erasures_at_once_one_is_made(tmp_path: Path):
    async with open_site(tmp_path) as site:
        envelope = await site.sign_up()
        answers = await asyncio.gather(*(erased(site, envelope["jwt_token"]) for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [204] + [401] * 4
        assert site.erasing.people == [Person(BUILT_IN_APP, envelope["user"]["user_id"])]


async def test_the_account_goes_while_the_store_is_away_and_the_rest_once_it_is_back(tmp_path: Path):
    async with open_site(tmp_path) as site:
        envelope = await site.sign_up()
        site.erasing.is_away = True
        assert (await erased(site, envelope["jwt_token"])).status == HTTPStatus.NO_CONTENT
        assert (await site.sign_in()).status == HTTPStatus.UNAUTHORIZED
        assert site.erasing.people == []
        site.erasing.is_away = False
        await told(site.erasing, envelope["user"]["user_id"])


async def test_an_erasure_that_the_store_never_heard_of_is_made_up_for_after_a_restart(tmp_path: Path):
    store = ErasingStore()
    store.is_away = True
    async with open_site(tmp_path, erasing=store) as site:
        envelope = await site.sign_up()
        await erased(site, envelope["jwt_token"])
    store.is_away = False
    for _ in range(2):
        async with open_site(tmp_path, erasing=store):
            await told(store, envelope["user"]["user_id"])


async def test_f8_an_erasure_that_cannot_be_put_on_record_is_not_made(tmp_path: Path):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        with Path("/dev/full").open("wb") as full:
            os.dup2(full.fileno(), site.audit._file)
            assert await code(await erased(site, token)) == (503, "audit_failed")
        assert (await site.me(token)).status == HTTPStatus.OK
        assert (await site.post("/auth/signup", ANNA)).status == HTTPStatus.CONFLICT
        assert site.erasing.people == []
