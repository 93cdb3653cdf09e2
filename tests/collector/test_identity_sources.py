"""The literal requests on accounts of the documents that this product comes from, each with its answer.

R0 is sign-up by nickname, R1 by e-mail with one token, R3 a profile with its life, R4 a shop's customer.
"""

from http import HTTPStatus
from pathlib import Path

import pytest

from tests.collector.identity_site import Site, bearer, open_site

R0 = {"firstname": "Ivan", "lastname": "Petrov", "nickname": "ivan", "age": 25, "password": "a long password"}
R1 = {"name": "Ivan", "surname": "Petrov", "email": "ivan@example.org", "password": "12345", "phone": "+79991234567"}
R3 = {"email": "ivan@example.org", "password": "a long password", "name": "Ivan"}
SIGN_IN = {"email": "ivan@example.org", "password": "a long password"}


async def token_of(site: Site, path: str, body: object) -> str:
    answer = await site.post(path, body)
    assert answer.status == HTTPStatus.OK, await answer.text()
    token: str = (await answer.json())["jwt_token"]
    return token


async def changed(site: Site, token: str, body: object) -> int:
    headers = bearer(token) | {"If-Match": (await site.me(token)).headers["ETag"]}
    return (await site.client.patch("/auth/me", json=body, headers=headers)).status


async def test_r0_a_sign_up_and_a_sign_in_by_nickname(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await token_of(site, "/auth/signup", R0)
        await token_of(site, "/auth/signin", {"nickname": "ivan", "password": "a long password"})


@pytest.mark.parametrize("member", R0)
async def test_r0_a_sign_up_without_one_of_the_five_is_422_and_names_it(tmp_path: Path, member: str) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.post("/auth/signup", {name: value for name, value in R0.items() if name != member})
        assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
        assert [error["path"] for error in (await answer.json())["errors"]] == [f"$.{member}"]


async def test_r0_users_live_in_json_files(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await token_of(site, "/auth/signup", R0)
    (path,) = (tmp_path / "users").rglob("*.json")
    assert '"nickname": "ivan"' in path.read_text()


async def test_r1_a_sign_up_as_printed_is_422_and_names_the_rule(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.post("/auth/signup", R1)
        assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
        errors = (await answer.json())["errors"]
        assert [(error["path"], error["code"]) for error in errors] == [("$.password", "password_too_short")]


async def test_r1_sign_up_sign_in_and_refresh_each_bring_a_token_where_five_characters_do(tmp_path: Path) -> None:
    async with open_site(tmp_path, password_length_min=5) as site:
        await token_of(site, "/auth/signup", R1)
        token = await token_of(site, "/auth/signin", {"email": "ivan@example.org", "password": "12345"})
        answer = await site.client.get("/auth/refresh", headers=bearer(token))
        assert answer.status == HTTPStatus.OK
        new = (await answer.json())["jwt_token"]
        assert (await (await site.me(new)).json())["phone"] == "+79991234567"


async def test_r3_a_profile_from_register_to_delete(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        assert (await site.client.get("/auth/me")).status == HTTPStatus.UNAUTHORIZED
        await token_of(site, "/auth/signup", R3)
        token = await token_of(site, "/auth/signin", SIGN_IN)
        assert (await (await site.me(token)).json())["firstname"] == "Ivan"
        update = {"firstname": "Vanya", "password": "another password", "current_password": "a long password"}
        assert await changed(site, token, update) == HTTPStatus.OK
        assert (await (await site.me(token)).json())["firstname"] == "Vanya"
        token = await token_of(site, "/auth/signin", SIGN_IN | {"password": "another password"})
        gone = await site.client.delete("/auth/me", json={"password": "another password"}, headers=bearer(token))
        assert gone.status == HTTPStatus.NO_CONTENT
        refused = await site.post("/auth/signin", SIGN_IN | {"password": "another password"})
        assert refused.status == HTTPStatus.UNAUTHORIZED


async def test_r3_a_token_stops_working_at_once_when_its_user_signs_out(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        token = await token_of(site, "/auth/signup", R3)
        assert (await site.sign_out(token)).status == HTTPStatus.NO_CONTENT
        assert (await site.me(token)).status == HTTPStatus.UNAUTHORIZED


async def test_r4_a_customer_registers_signs_in_refreshes_reads_and_changes_the_profile_and_signs_out(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        await token_of(site, "/auth/signup", R3)
        envelope = await (await site.post("/auth/signin", SIGN_IN)).json()
        answer = await site.client.post("/auth/refresh", headers=bearer(envelope["refresh_token"]))
        assert answer.status == HTTPStatus.OK
        token = (await answer.json())["jwt_token"]
        assert await changed(site, token, {"lastname": "Petrov", "phone": "+44 20 7946 0000"}) == HTTPStatus.OK
        shown = await (await site.me(token)).json()
        assert (shown["lastname"], shown["phone"]) == ("Petrov", "+44 20 7946 0000")
        assert (await site.sign_out(token)).status == HTTPStatus.NO_CONTENT
        assert (await site.me(token)).status == HTTPStatus.UNAUTHORIZED
