"""Sign-in, the session that it opens, and its end."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import ClientResponse
from msgspec.structs import replace
from yarl import URL

from tests.collector.identity_site import ANNA, BORIS, LIFETIME_S, LIFETIMES, PASSWORD, Clock, Site, bearer, open_site


async def signed_in(site: Site, nickname: str = "anna") -> str:
    answer = await site.sign_in(nickname)
    assert answer.status == 200
    return (await answer.json())["jwt_token"]


async def test_a_user_signs_in_by_nickname_in_any_case_after_a_restart(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        user = (await site.sign_up())["user"]
    async with open_site(tmp_path) as site:
        envelope = await (await site.sign_in("ANNA")).json()
        assert envelope["user"] == user
        assert (envelope["token_type"], envelope["expires_in"]) == ("Bearer", LIFETIME_S)


async def test_a_user_signs_in_by_email(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.post("/auth/signup", BORIS)
        answer = await site.post("/auth/signin", {"email": "Boris@Example.org", "password": PASSWORD})
        assert answer.status == 200
        assert (await answer.json())["user"]["email"] == "boris@example.org"


async def test_me_is_the_profile_of_the_token(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        envelope = await site.sign_up()
        answer = await site.me(envelope["jwt_token"])
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert await answer.json() == envelope["user"]


def comparable(answer: ClientResponse) -> dict[str, str]:
    own = ("Date", "X-Request-ID")
    return {name: value for name, value in answer.headers.items() if name not in own}


async def test_b2_every_failed_sign_in_is_answered_alike(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        answers = [
            await site.sign_in("anna", "wrong password"),
            await site.sign_in("anna", ""),
            await site.sign_in("anna", PASSWORD + " "),
            await site.sign_in("anna", PASSWORD.upper()),
            await site.sign_in("anna", "x" * 73),
            await site.sign_in("anna", "x" * 10_000),
            await site.sign_in("nobody"),
            await site.sign_in(""),
            await site.sign_in("../../etc/passwd\0"),
            await site.post("/auth/signin", {"email": "anna", "password": PASSWORD}),
        ]
        first = answers[0]
        assert first.status == 401
        assert first.headers["WWW-Authenticate"] == "Bearer"
        assert (await first.json())["code"] == "credentials_wrong"
        assert [(one.status, await one.read(), comparable(one)) for one in answers] == [
            (401, await first.read(), comparable(first))
        ] * len(answers)


async def test_b2_a_deleted_user_is_answered_as_one_that_never_was(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
    (path,) = (tmp_path / "users").glob("*/*/*.json")
    path.unlink()
    async with open_site(tmp_path) as site:
        gone, never = await site.sign_in("anna"), await site.sign_in("nobody")
        assert (gone.status, await gone.read(), comparable(gone)) == (401, await never.read(), comparable(never))


async def test_b2_a_blocked_user_is_answered_as_one_that_never_was(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        user_id = (await site.sign_up())["user"]["user_id"]
        await site.users.update(user_id, lambda user: replace(user, blocked_at=site.clock.now))
        never = await site.sign_in("nobody")
        for blocked in (await site.sign_in("anna"), await site.sign_in("anna", "wrong password")):
            assert (blocked.status, await blocked.read()) == (401, await never.read())
            assert comparable(blocked) == comparable(never)


async def test_b11_a_sign_in_with_an_old_token_opens_another_session_and_leaves_the_old_one(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        old = (await site.sign_up())["jwt_token"]
        sid = (await site.sessions.authenticate(old)).sid
        body = {"nickname": "anna", "password": PASSWORD}
        answer = await site.client.post("/auth/signin", json=body, headers=bearer(old))
        new = (await answer.json())["jwt_token"]
        assert (await site.sessions.authenticate(new)).sid != sid
        assert (await site.sessions.authenticate(old)).sid == sid
        await site.sign_out(new)
        assert [(await site.me(token)).status for token in (old, new)] == [200, 401]


async def test_no_end_of_a_long_password_is_cut_off(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up(password="a" * 100)
        for wrong in ("a" * 99, "a" * 72, "A" * 100, "a" * 100 + " ", "a" * 101):
            assert (await site.sign_in(password=wrong)).status == 401
        assert (await site.sign_in(password="a" * 100)).status == 200


WRONG = [
    ({"password": PASSWORD}, "$"),
    ({"nickname": "anna", "email": "a@b", "password": PASSWORD}, "$"),
    ({"nickname": "anna"}, "$.password"),
    ({"nickname": 1, "password": PASSWORD}, "$.nickname"),
    ({"nickname": "x" * 255, "password": PASSWORD}, "$.nickname"),
    ({"nickname": "anna", "password": 12345678}, "$.password"),
    ({"nickname": "anna", "password": None}, "$.password"),
    ({"nickname": "anna", "password": PASSWORD, "otp": 123456}, "$.otp"),
    ({"nickname": "anna", "password": PASSWORD, "code": "123456"}, "$.code"),
]


@pytest.mark.parametrize(("body", "path"), WRONG)
async def test_a_sign_in_of_another_shape_is_answered_422(tmp_path: Path, body: object, path: str) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.post("/auth/signin", body)
        assert answer.status == 422
        assert [error["path"] for error in (await answer.json())["errors"]] == [path]


async def test_d8_a_sign_out_ends_that_session_at_once_and_after_a_restart(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        first, second = (await site.sign_up())["jwt_token"], await signed_in(site)
        answer = await site.sign_out(first)
        assert (answer.status, await answer.read()) == (204, b"")
        assert "Content-Type" not in answer.headers
        assert (await site.me(first)).status == 401
        assert (await site.me(second)).status == 200
    async with open_site(tmp_path) as site:
        assert (await site.me(first)).status == 401
        assert (await site.me(second)).status == 200


async def test_a_second_sign_out_is_answered_like_the_first(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        assert [(await site.sign_out(token)).status for _ in range(2)] == [204, 204]
        answers = await asyncio.gather(*(site.sign_out(token) for _ in range(5)))
        assert {answer.status for answer in answers} == {204}


async def test_a_token_is_dead_at_its_end(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        site.clock.advance(LIFETIME_S)
        answer = await site.me(token)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert (await site.sign_out(token)).status == 401


async def test_a_token_whose_user_is_gone_is_dead_and_can_be_signed_out(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
    (path,) = (tmp_path / "users").glob("*/*/*.json")
    path.unlink()
    async with open_site(tmp_path) as site:
        assert (await site.me(token)).status == 401
        assert (await site.sign_out(token)).status == 204
        assert (await site.sign_in()).status == 401


async def test_c11_a_new_role_counts_for_an_old_token(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        envelope = await site.sign_up()
        await site.users.update(envelope["user"]["user_id"], lambda user: replace(user, role="analyst"))
        assert (await (await site.me(envelope["jwt_token"])).json())["role"] == "analyst"
        assert (await site.sessions.authenticate(envelope["jwt_token"])).role == "analyst"


async def test_the_oldest_session_ends_when_there_are_too_many(tmp_path: Path) -> None:
    async with open_site(tmp_path, sessions_max=3) as site:
        tokens = [(await site.sign_up())["jwt_token"]]
        for _ in range(3):
            site.clock.advance(1)
            tokens.append(await signed_in(site))
        assert [(await site.me(token)).status for token in tokens] == [401, 200, 200, 200]


async def test_sessions_that_have_ended_by_time_are_forgotten(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        site.clock.advance(LIFETIMES.idle_s)
        await signed_in(site)
        user = await site.users.by_nickname("anna")
        assert user is not None
        assert len(user.sessions) == 1


async def test_concurrent_sign_ins_of_one_user_all_hold(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        tokens = await asyncio.gather(*(signed_in(site) for _ in range(9)))
        assert len(set(tokens)) == 9
        assert {(await site.me(token)).status for token in tokens} == {200}
    async with open_site(tmp_path) as site:
        assert {(await site.me(token)).status for token in tokens} == {200}


async def test_a_sign_in_whose_session_cannot_be_written_gives_no_token(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        (tmp_path / "users").rename(tmp_path / "aside")
        answer = await site.sign_in()
        assert answer.status == 503
        assert "Retry-After" in answer.headers
        assert str(tmp_path) not in await answer.text()


@pytest.mark.parametrize(("method", "path"), [("GET", "/auth/signup"), ("PUT", "/auth/signin"), ("POST", "/auth/me")])
async def test_another_method_is_answered_405_with_the_right_one(tmp_path: Path, method: str, path: str) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.client.request(method, path, json=ANNA)
        assert answer.status == 405
        assert answer.headers["Allow"]
        assert answer.content_type == "application/problem+json"


async def test_a_token_of_the_time_before_the_clock_was_set_back_is_not_good_yet(tmp_path: Path) -> None:
    clock = Clock()
    async with open_site(tmp_path, clock=clock) as site:
        token = (await site.sign_up())["jwt_token"]
        clock.advance(-30)
        assert (await site.me(token)).status == 200
        clock.advance(-1)
        assert (await site.me(token)).status == 401


MUTATIONS: dict[str, Callable[[str], str]] = {
    "another user's": lambda sid: sid,
    "one more": lambda sid: f"{int(sid, 16) + 1:032x}",
    "one less": lambda sid: f"{int(sid, 16) - 1:032x}",
    "url-encoded": lambda sid: "".join(f"%{ord(digit):02x}" for digit in sid),
    "a path above it": lambda sid: f"..%2Fsessions%2F{sid}",
    "with a user before it": lambda sid: f"anna%2F{sid}",
    "twice": lambda sid: f"{sid}{sid}",
    "with an end of string": lambda sid: f"{sid}%00",
}


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_e1_another_users_session_is_as_unknown_as_none_however_its_id_is_written(
    tmp_path: Path, mutation: str
) -> None:
    async with open_site(tmp_path) as site:
        anna = await site.sign_up()
        boris = await site.sign_up(nickname="boris")
        (session,) = await site.sessions.of(anna["user"]["user_id"])
        path = f"/auth/sessions/{MUTATIONS[mutation](session.sid)}"
        foreign = await site.client.delete(URL(path, encoded=True), headers=bearer(boris["jwt_token"]))
        absent = await site.client.delete(f"/auth/sessions/{'0' * 32}", headers=bearer(boris["jwt_token"]))
        assert (foreign.status, await foreign.json()) == (404, await absent.json())
        assert comparable(foreign).keys() == comparable(absent).keys()
        assert (await site.me(anna["jwt_token"])).status == 200


async def test_e4_sessions_of_a_user_who_is_being_erased_are_unknown_or_ended_with_it(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss, anna = await site.add_admin(), await site.sign_up()
        erasure = site.client.delete(f"/admin/users/{anna['user']['user_id']}", headers=bearer(boss))
        ends = [site.client.delete(f"/auth/sessions/{'0' * 32}", headers=bearer(anna["jwt_token"])) for _ in range(40)]
        erased, *answers = await asyncio.gather(erasure, *ends)
        assert erased.status == 204
        assert {answer.status for answer in answers} <= {404, 401}


@pytest.mark.parametrize("mutation", sorted(MUTATIONS.keys() - {"another user's", "url-encoded"}))
async def test_e1_an_id_that_is_almost_ones_own_ends_nothing(tmp_path: Path, mutation: str) -> None:
    async with open_site(tmp_path) as site:
        anna = await site.sign_up()
        (session,) = await site.sessions.of(anna["user"]["user_id"])
        for almost in (MUTATIONS[mutation](session.sid), session.sid.upper(), f" {session.sid}"):
            if almost != session.sid:
                url = URL(f"/auth/sessions/{almost.replace(' ', '%20')}", encoded=True)
                answer = await site.client.delete(url, headers=bearer(anna["jwt_token"]))
                assert answer.status == 404
        assert (await site.me(anna["jwt_token"])).status == 200


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/auth/me/{user_id}", "/auth/users/{user_id}", "/auth/{user_id}"])
async def test_e1_there_is_no_profile_by_id(tmp_path: Path, method: str, path: str) -> None:
    async with open_site(tmp_path) as site:
        anna = await site.sign_up()
        boris = await site.sign_up(nickname="boris")
        url = path.format(user_id=anna["user"]["user_id"])
        answer = await site.client.request(method, url, json={"password": PASSWORD}, headers=bearer(boris["jwt_token"]))
        assert answer.status == 404
