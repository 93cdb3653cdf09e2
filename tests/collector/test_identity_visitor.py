"""Sign-up and sign-in tie the visitor to the user, by an event in the log."""

from pathlib import Path

import msgspec
import pytest

from collector.tracking.visitor import COOKIE
from tests.collector.identity_site import ANNA, PASSWORD, open_site

VISITOR = "0b9c8f8e-3c1d-4f6a-9a57-2f3f0e3f8a11"
COOKIES = {"Cookie": f"{COOKIE}={VISITOR}"}
SIGN_IN = {"nickname": "anna", "password": PASSWORD}


async def test_both_are_events_that_name_user_and_visitor_and_no_secret(tmp_path: Path):
    async with open_site(tmp_path) as site:
        signed_up = await site.client.post("/auth/signup", json=ANNA, headers=COOKIES)
        signed_in = await site.client.post("/auth/signin", json=SIGN_IN, headers=COOKIES)
        assert (signed_up.status, signed_in.status) == (200, 200)
        user_id = (await signed_up.json())["user"]["user_id"]
        lines = [msgspec.json.decode(line) for line in site.log.lines]
    members = {"event_id", "app_code", "source_label", "received_at", "user_id", "anonymous_id", "attrs"}
    assert [line.keys() for line in lines] == [members, members]
    assert [line["source_label"] for line in lines] == ["user_created", "authn_login_success"]
    assert {(line["user_id"], line["anonymous_id"], line["attrs"]["outcome"]) for line in lines} == {
        (user_id, VISITOR, "success")
    }


@pytest.mark.parametrize("cookie", ["a=b", f"{COOKIE}=forged"])
async def test_without_a_visitor_there_is_an_event_of_the_user_alone(tmp_path: Path, cookie: str):
    async with open_site(tmp_path) as site:
        assert (await site.client.post("/auth/signup", json=ANNA, headers={"Cookie": cookie})).status == 200
        (line,) = [msgspec.json.decode(line) for line in site.log.lines]
        assert "user_id" in line
        assert "anonymous_id" not in line


@pytest.mark.parametrize("headers", [COOKIES, {}])
@pytest.mark.parametrize("nickname", ["anna", "nobody"])
async def test_a_wrong_password_ties_nobody_and_makes_no_visitor(
    tmp_path: Path, nickname: str, headers: dict[str, str]
):
    async with open_site(tmp_path) as site:
        await site.sign_up()
        wrong = {"nickname": nickname, "password": "not the password"}
        assert (await site.client.post("/auth/signin", json=wrong, headers=headers)).status == 401
        line = msgspec.json.decode(site.log.lines[-1])
        assert (line["source_label"], line["attrs"]) == ("authn_login_fail", {"outcome": "failure"})
        assert (line.get("user_id"), line.get("anonymous_id")) == (None, VISITOR if headers else None)


async def test_where_the_log_is_full_no_token_is_given_and_no_session_stays(tmp_path: Path):
    async with open_site(tmp_path) as site:
        user_id = (await site.sign_up())["user"]["user_id"]
        site.log.full = "the disk is full"
        answer = await site.client.post("/auth/signin", json=SIGN_IN, headers=COOKIES)
        assert (answer.status, (await answer.json())["code"]) == (503, "log_full")
        user = await site.users.by_id(user_id)
        assert user is not None
        assert len(user.sessions) == 1
        site.log.full = None
        assert (await site.client.post("/auth/signin", json=SIGN_IN, headers=COOKIES)).status == 200
