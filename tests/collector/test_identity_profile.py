"""One's own profile: rows E2, E3 and D10 of the security checklist."""

import asyncio
import os
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from collector.identity.reauthentication import REAUTHENTICATION_S
from tests.collector.identity_site import (
    ANNA,
    BORIS,
    FREE_FAILURES,
    PASSWORD,
    SHIPPED_RATES,
    Clock,
    Site,
    bearer,
    open_site,
)

NEW = "another correct horse"
STALE = '"0123456789abcdef0123456789abcdef"'


async def etag(site: Site, token: str) -> str:
    return (await site.me(token)).headers["ETag"]


async def patched(site: Site, token: str, body: object, match: str | None = None) -> ClientResponse:
    """PATCH the profile as whoever has just read it, or with another If-Match."""
    headers = bearer(token) | {"If-Match": await etag(site, token) if match is None else match}
    return await site.client.patch("/auth/me", json=body, headers=headers)


async def code(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


async def signed_in(site: Site, password: str = PASSWORD) -> dict[str, Any]:
    answer = await site.sign_in(password=password)
    assert answer.status == HTTPStatus.OK, await answer.text()
    envelope: dict[str, Any] = await answer.json()
    return envelope


async def test_e2_a_change_without_if_match_is_428_with_a_stale_one_412_and_with_the_current_one_200(tmp_path: Path):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        before = await etag(site, token)
        bare = await site.client.patch("/auth/me", json={"firstname": "Anya"}, headers=bearer(token))
        assert await code(bare) == (428, "precondition_required")
        assert await code(await patched(site, token, {"firstname": "Anya"}, STALE)) == (412, "precondition_failed")
        answer = await patched(site, token, {"firstname": "Anya"}, before)
        assert (answer.status, (await answer.json())["firstname"]) == (200, "Anya")
        assert answer.headers["ETag"] == await etag(site, token) != before
        assert await code(await patched(site, token, {"firstname": "Ann"}, before)) == (412, "precondition_failed")
        assert (await (await site.me(token)).json())["firstname"] == "Anya"


@pytest.mark.parametrize("bodies", [[{"age": 31}, {"age": 32}], [{"nickname": "ann"}, {"firstname": "Ann"}]])
async def test_e2_of_two_changes_on_one_etag_one_wins(tmp_path: Path, bodies: list[object]):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        match = await etag(site, token)
        answers = await asyncio.gather(*(patched(site, token, body, match) for body in bodies))
        assert sorted(answer.status for answer in answers) == [200, 412]


async def test_e2_of_two_new_passwords_at_once_one_wins_whatever_if_match_says(tmp_path: Path):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        # At one moment: what is shown of a new password is when it was made, and so the ETag does not tell these apart.
        first = await patched(site, token, {"password": NEW, "current_password": PASSWORD})
        assert first.status == HTTPStatus.OK
        bodies = [{"password": f"{NEW} {number}", "current_password": NEW} for number in range(2)]
        answers = await asyncio.gather(*(patched(site, token, body, "*") for body in bodies))
        assert sorted(answer.status for answer in answers) == [200, 412]
        signed = [(await site.sign_in(password=body["password"])).status for body in bodies]
        assert signed == [200 if answer.status == HTTPStatus.OK else 401 for answer in answers]


MATCHES = [
    ("*", 200),
    ('"other", {tag}', 200),
    ("{tag}", 200),
    ("W/{tag}", 412),
    ('"other"', 412),
    ("nonsense", 412),
    (",", 412),
    ("", 428),
]


@pytest.mark.parametrize(("match", "status"), MATCHES)
async def test_e2_only_a_strong_tag_of_this_profile_or_a_star_matches(tmp_path: Path, match: str, status: int):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        header = match.replace("{tag}", await etag(site, token))
        assert (await patched(site, token, {"age": 31}, header)).status == status


async def test_the_etag_stays_with_sessions_and_restarts(tmp_path: Path):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        first = await etag(site, token)
        await site.sign_in()
        assert await etag(site, token) == first
    async with open_site(tmp_path) as site:
        assert await etag(site, token) == first


async def test_a_profile_that_is_known_is_answered_304_without_a_body(tmp_path: Path):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        tag = await etag(site, token)
        for known, status in ((tag, 304), (f'"other", W/{tag}', 304), ("*", 304), (STALE, 200), ("nonsense", 200)):
            answer = await site.client.get("/auth/me", headers=bearer(token) | {"If-None-Match": known})
            assert (answer.status, await answer.read() == b"") == (status, status == HTTPStatus.NOT_MODIFIED)
            assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == (tag, "no-store")


async def test_every_member_can_be_changed_and_all_but_one_name_taken_away(tmp_path: Path):
    async with open_site(tmp_path) as site:
        envelope = await site.sign_up()
        token, user_id = envelope["jwt_token"], envelope["user"]["user_id"]
        new = {
            "nickname": "anya",
            "email": "anya@example.org",
            "firstname": "Anya",
            "lastname": "Petrova",
            "age": 31,
            "phone": "+7",
        }
        own = {"user_id": user_id, "role": "user"}
        assert await (await patched(site, token, new)).json() == own | new
        cleared = await patched(site, token, dict.fromkeys(("nickname", "firstname", "lastname", "age", "phone")))
        assert await cleared.json() == own | {"email": "anya@example.org"}
        assert await (await patched(site, token, {})).json() == own | {"email": "anya@example.org"}
    async with open_site(tmp_path) as site:
        body = {"email": "ANYA@example.org", "password": PASSWORD}
        assert (await site.post("/auth/signin", body)).status == HTTPStatus.OK
        # The name that was given up is free, in every spelling.
        assert (await site.post("/auth/signup", ANNA | {"nickname": "ANYA"})).status == HTTPStatus.OK


LAST_NAMES = [
    (ANNA, {"nickname": None}, ["$.nickname"]),
    (ANNA, {"nickname": None, "email": None}, ["$.nickname"]),
    (BORIS, {"email": None}, ["$.email"]),
    (ANNA | {"nickname": "clara"}, {"email": "clara@example.org", "nickname": None}, []),
]


@pytest.mark.parametrize(("form", "body", "paths"), LAST_NAMES)
async def test_a_user_keeps_a_name_to_sign_in_with(tmp_path: Path, form: object, body: object, paths: list[str]):
    async with open_site(tmp_path) as site:
        token = (await (await site.post("/auth/signup", form)).json())["jwt_token"]
        answer = await patched(site, token, body)
        assert answer.status == (HTTPStatus.UNPROCESSABLE_ENTITY if paths else HTTPStatus.OK)
        errors = (await answer.json()).get("errors", [])
        assert [(error["path"], error["code"]) for error in errors] == [(path, "signin_name_needed") for path in paths]


WRONG: list[tuple[object, str, str]] = [
    ({"role": "admin"}, "$.role", "extra_forbidden"),
    ({"user_id": "0" * 32}, "$.user_id", "extra_forbidden"),
    ({"password_hash": "x"}, "$.password_hash", "extra_forbidden"),
    ({"sessions": []}, "$.sessions", "extra_forbidden"),
    ({"blocked_at": None}, "$.blocked_at", "extra_forbidden"),
    ({"password_changed_at": None}, "$.password_changed_at", "extra_forbidden"),
    ({"name": "Anya"}, "$.name", "extra_forbidden"),
    ({"age": 12}, "$.age", "greater_than_equal"),
    ({"age": 151}, "$.age", "less_than_equal"),
    ({"age": "20"}, "$.age", "int_type"),
    ({"age": True}, "$.age", "int_type"),
    ({"firstname": ""}, "$.firstname", "string_too_short"),
    ({"lastname": "x" * 65}, "$.lastname", "string_too_long"),
    ({"firstname": "\u202eanna"}, "$.firstname", "control_character"),
    ({"nickname": "an\u200bna"}, "$.nickname", "invisible_character"),
    ({"nickname": " anna"}, "$.nickname", "outer_space"),
    ({"email": "anna"}, "$.email", "email_invalid"),
    ({"phone": "1" * 33}, "$.phone", "string_too_long"),
    ({"phone": 5550100}, "$.phone", "string_type"),
    ({"password": None}, "$.password", "string_type"),
    ({"password": NEW, "current_password": None}, "$.current_password", "string_type"),
    ({"password": "short", "current_password": PASSWORD}, "$.password", "password_too_short"),
    ({"password": "x" * 4097, "current_password": PASSWORD}, "$.password", "password_too_long"),
    ([], "$", "model_type"),
]


@pytest.mark.parametrize(("body", "path", "error_code"), WRONG)
async def test_a_wrong_change_is_422_and_changes_nothing(tmp_path: Path, body: object, path: str, error_code: str):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        before = await etag(site, token)
        answer = await patched(site, token, body)
        assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY, await answer.text()
        (error,) = (await answer.json())["errors"]
        assert (error["path"], error["code"]) == (path, error_code)
        assert "password" not in error["message"]
        assert await etag(site, token) == before
        assert (await site.sign_in()).status == HTTPStatus.OK


async def test_a_name_of_somebody_else_is_409_in_every_spelling_and_ones_own_is_not(tmp_path: Path):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        await site.sign_up(nickname="clara")
        await site.post("/auth/signup", BORIS)
        assert await code(await patched(site, token, {"nickname": "\uff23\uff2cara"})) == (409, "nickname_taken")
        assert await code(await patched(site, token, {"email": "BORIS@example.org"})) == (409, "email_taken")
        assert (await patched(site, token, {"nickname": "Anna"})).status == HTTPStatus.OK


async def test_of_25_users_that_want_one_nickname_at_once_one_gets_it(tmp_path: Path):
    async with open_site(tmp_path) as site:
        tokens = [(await site.sign_up(nickname=f"anna{number}"))["jwt_token"] for number in range(25)]
        answers = await asyncio.gather(*(patched(site, token, {"nickname": "queen"}, "*") for token in tokens))
        assert sorted(answer.status for answer in answers) == [200] + [409] * 24


SENSITIVE: list[dict[str, object]] = [
    {"email": "anya@example.org"},
    {"phone": "+7"},
    {"nickname": "anya"},
    {"nickname": "Anna"},
]


@pytest.mark.parametrize("body", SENSITIVE)
async def test_e3_an_old_session_changes_names_and_phone_only_with_the_password(
    tmp_path: Path, body: dict[str, object]
):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        site.clock.advance(REAUTHENTICATION_S + 1)
        assert await code(await patched(site, token, body)) == (403, "reauthentication_required")
        wrong = await patched(site, token, body | {"current_password": "wrong password"})
        assert await code(wrong) == (403, "password_wrong")
        assert (await patched(site, token, body | {"current_password": PASSWORD})).status == HTTPStatus.OK


@pytest.mark.parametrize("body", SENSITIVE)
async def test_e3_a_fresh_session_needs_no_password_for_it(tmp_path: Path, body: dict[str, object]):
    async with open_site(tmp_path) as site:
        await site.sign_up()
        site.clock.advance(REAUTHENTICATION_S + 1)
        token = (await signed_in(site))["jwt_token"]
        site.clock.advance(REAUTHENTICATION_S)
        assert (await patched(site, token, body)).status == HTTPStatus.OK


async def test_e3_a_refresh_makes_no_session_fresh(tmp_path: Path):
    async with open_site(tmp_path) as site:
        refresh_token = (await site.sign_up())["refresh_token"]
        site.clock.advance(REAUTHENTICATION_S + 1)
        answer = await site.client.post("/auth/refresh", headers=bearer(refresh_token))
        token = (await answer.json())["jwt_token"]
        assert await code(await patched(site, token, {"phone": "+7"})) == (403, "reauthentication_required")


@pytest.mark.parametrize("body", [{"firstname": "Anya"}, {"age": None}, {"nickname": "anna"}, {"phone": None}])
async def test_e3_what_takes_nobody_over_or_changes_nothing_needs_none(tmp_path: Path, body: object):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        site.clock.advance(REAUTHENTICATION_S + 1)
        assert (await patched(site, token, body)).status == HTTPStatus.OK


async def test_d10_a_new_password_needs_the_current_one_also_in_a_fresh_session(tmp_path: Path):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        assert await code(await patched(site, token, {"password": NEW})) == (403, "reauthentication_required")
        for wrong in ("wrong password", "", PASSWORD + " ", NEW, "x" * 10_000):
            answer = await patched(site, token, {"password": NEW, "current_password": wrong})
            assert await code(answer) == (403, "password_wrong")
        assert (await site.sign_in(password=NEW)).status == HTTPStatus.UNAUTHORIZED


async def test_d10_a_new_password_ends_all_other_sessions_also_after_a_restart(tmp_path: Path):
    clock = Clock()
    async with open_site(tmp_path, clock=clock) as site:
        others = [await site.sign_up(), await signed_in(site)]
        own = await signed_in(site)
        before = await etag(site, own["jwt_token"])
        answer = await patched(site, own["jwt_token"], {"password": NEW, "current_password": PASSWORD}, before)
        assert answer.status == HTTPStatus.OK
        assert (await answer.json())["password_changed_at"] == "2026-11-20T12:00:00Z"
        assert answer.headers["ETag"] == await etag(site, own["jwt_token"]) != before
        assert PASSWORD not in await answer.text()
        assert NEW not in await answer.text()
    for _ in range(2):
        async with open_site(tmp_path, clock=clock) as site:
            assert [(await site.me(one["jwt_token"])).status for one in (*others, own)] == [401, 401, 200]
            refreshed = [
                (await site.client.post("/auth/refresh", headers=bearer(one["refresh_token"]))).status for one in others
            ]
            assert refreshed == [401, 401]
            assert [(await site.sign_in(password=one)).status for one in (PASSWORD, NEW)] == [401, 200]


async def test_d10_a_session_that_was_ended_meanwhile_changes_nothing(tmp_path: Path):
    async with open_site(tmp_path) as site:
        first, second = (await site.sign_up())["jwt_token"], (await signed_in(site))["jwt_token"]
        match = await etag(site, first)
        body = {"password": NEW, "current_password": PASSWORD}
        answers = await asyncio.gather(*(patched(site, token, body, match) for token in (first, second)))
        assert sorted(answer.status for answer in answers) == [200, 401]
        assert (await site.sign_in(password=NEW)).status == HTTPStatus.OK


async def test_d10_wrong_current_passwords_wait_like_those_of_sign_in(tmp_path: Path):
    async with open_site(tmp_path, rates=SHIPPED_RATES) as site:
        token = (await site.sign_up())["jwt_token"]
        body = {"password": NEW, "current_password": "wrong password"}
        statuses = [(await patched(site, token, body)).status for _ in range(FREE_FAILURES + 1)]
        assert statuses == [403] * FREE_FAILURES + [429]
        right = await patched(site, token, body | {"current_password": PASSWORD})
        assert (right.status, right.headers["Retry-After"]) == (429, "1")
        assert (await site.sign_in()).status == HTTPStatus.TOO_MANY_REQUESTS
        # A first name can still be changed: nobody guesses anything by that.
        assert (await patched(site, token, {"firstname": "Anya"})).status == HTTPStatus.OK


async def test_a_change_without_a_good_token_is_401(tmp_path: Path):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        match = await etag(site, token)
        await site.sign_out(token)
        answer = await site.client.patch("/auth/me", json={"age": 31}, headers=bearer(token) | {"If-Match": match})
        assert await code(answer) == (401, "invalid_token")
        bare = await site.client.patch("/auth/me", json={"age": 31}, headers={"If-Match": match})
        assert await code(bare) == (401, "token_missing")


async def on_record(site: Site) -> list[tuple[str, str, str]]:
    rows = [entry.row for entry in await site.audited()]
    return [(row.event, row.outcome, row.note) for row in rows if row.event != "user_created"]


CHANGES: list[tuple[dict[str, object], list[tuple[str, str, str]]]] = [
    ({}, []),
    ({"firstname": "Anna"}, []),
    ({"phone": "+7", "firstname": "Anya"}, [("user_updated", "success", "firstname phone")]),
    ({"password": NEW, "current_password": PASSWORD}, [("authn_password_change", "success", "")]),
    (
        {"password": NEW, "current_password": PASSWORD, "age": 31},
        [("authn_password_change", "success", ""), ("user_updated", "success", "age")],
    ),
    (
        {"password": NEW, "current_password": "wrong password"},
        [("authn_password_change_fail", "failure", "of a signed-in user"), ("authz_fail", "failure", "PATCH /auth/me")],
    ),
    (
        {"phone": "+7", "current_password": "wrong password"},
        [("authn_login_fail", "failure", "of a signed-in user"), ("authz_fail", "failure", "PATCH /auth/me")],
    ),
    ({"nickname": "clara"}, []),
]


@pytest.mark.parametrize(("body", "expected"), CHANGES)
async def test_f6_a_change_is_on_record_with_the_names_of_what_changed_and_no_value(
    tmp_path: Path, body: dict[str, object], expected: list[tuple[str, str, str]]
):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        await site.sign_up(nickname="clara")
        await patched(site, token, body)
        assert await on_record(site) == expected
    for path in (tmp_path / "audit").iterdir():
        assert not any(secret in path.read_bytes() for secret in (PASSWORD.encode(), NEW.encode(), b"Anya", b"+7"))


async def test_f8_a_change_that_cannot_be_put_on_record_is_not_made(tmp_path: Path):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        before = await etag(site, token)
        with Path("/dev/full").open("wb") as full:
            os.dup2(full.fileno(), site.audit._file)
            answer = await patched(site, token, {"password": NEW, "current_password": PASSWORD}, before)
        assert await code(answer) == (503, "audit_failed")
        assert await etag(site, token) == before
    async with open_site(tmp_path) as site:
        assert [(await site.sign_in(password=one)).status for one in (PASSWORD, NEW)] == [200, 401]


async def test_a_change_that_cannot_be_written_is_503_on_record_as_a_failure_and_not_made(tmp_path: Path):
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        before = await etag(site, token)
        (tmp_path / "users").rename(tmp_path / "aside")
        assert await code(await patched(site, token, {"age": 31}, before)) == (503, "directory_unusable")
        assert await on_record(site) == [("user_updated", "success", "age"), ("user_updated", "failure", "age")]
        (tmp_path / "aside").rename(tmp_path / "users")
        assert await etag(site, token) == before


async def test_who_asks_for_many_names_is_limited_as_at_sign_up(tmp_path: Path):
    async with open_site(tmp_path, rates=SHIPPED_RATES) as site:
        token = (await site.sign_up())["jwt_token"]
        await site.sign_up(nickname="clara")
        match = await etag(site, token)
        answers = [await patched(site, token, {"nickname": "clara"}, match) for _ in range(19)]
        assert [answer.status for answer in answers] == [409] * 18 + [429]
