"""Refresh, the sessions of a user, and their end: section D of the security checklist."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from yarl import URL

from collector.identity.caller import TokenInvalid
from collector.identity.refresh_tokens import PREFIX, RefreshClaims, RefreshTokens
from collector.identity.session import GRACE_S, Lifetimes
from tests.collector.identity_site import DAY_S, KEY, LIFETIME_S, LIFETIMES, Clock, Site, bearer, open_site

CLAIMS = RefreshClaims("0" * 32, "1" * 32, 7)


async def signed_in(site: Site) -> dict[str, str]:
    """Return the tokens of another session of anna."""
    answer = await site.sign_in()
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def refreshed(site: Site, token: str, method: str = "POST", status: int = 200) -> dict[str, str]:
    answer = await site.client.request(method, "/auth/refresh", headers=bearer(token))
    found = await answer.json()
    assert answer.status == status, found
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    return found


async def counters(site: Site) -> list[int]:
    user = await site.users.by_nickname("anna")
    assert user is not None
    return [session.counter for session in user.sessions]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_d1_a_refresh_gives_a_new_pair_and_the_old_token_ends_with_the_grace(tmp_path: Path, method: str) -> None:
    async with open_site(tmp_path) as site:
        first = await site.sign_up()
        second = await refreshed(site, first["refresh_token"], method)
        assert (second["token_type"], second["expires_in"]) == ("Bearer", LIFETIME_S)
        assert second["refresh_token"] != first["refresh_token"]
        assert (await site.me(second["jwt_token"])).status == 200
        site.clock.advance(GRACE_S + 1)
        assert (await refreshed(site, first["refresh_token"], method, 401))["code"] == "refresh_token_reused"


async def test_d2_a_token_that_is_used_again_ends_its_session_and_no_other(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        first, other = await site.sign_up(), await signed_in(site)
        second = await refreshed(site, first["refresh_token"])
        site.clock.advance(GRACE_S + 1)
        await refreshed(site, first["refresh_token"], status=401)
        await refreshed(site, second["refresh_token"], status=401)
        assert [(await site.me(one["jwt_token"])).status for one in (first, second, other)] == [401, 401, 200]
    async with open_site(tmp_path) as site:
        await refreshed(site, second["refresh_token"], status=401)
        await refreshed(site, other["refresh_token"])


async def test_d3_ten_concurrent_refreshes_give_the_same_successor(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        first = await site.sign_up()
        pairs = await asyncio.gather(*(refreshed(site, first["refresh_token"]) for _ in range(10)))
        assert len({pair["refresh_token"] for pair in pairs}) == 1
        assert len({pair["jwt_token"] for pair in pairs}) == 10
        assert await counters(site) == [1]


async def test_d4_asking_again_does_not_prolong_the_grace(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        first = (await site.sign_up())["refresh_token"]
        second = (await refreshed(site, first))["refresh_token"]
        for seconds in (1, GRACE_S - 2, 1):
            site.clock.advance(seconds)
            assert (await refreshed(site, first))["refresh_token"] == second
        site.clock.advance(1)
        assert (await refreshed(site, first, status=401))["code"] == "refresh_token_reused"


async def test_d4_only_the_parent_has_a_grace(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        first = (await site.sign_up())["refresh_token"]
        second = (await refreshed(site, first))["refresh_token"]
        await refreshed(site, second)
        assert (await refreshed(site, first, status=401))["code"] == "refresh_token_reused"


async def test_d5_an_answer_that_was_lost_with_the_daemon_is_given_again(tmp_path: Path) -> None:
    clock = Clock()
    async with open_site(tmp_path, clock=clock) as site:
        first = (await site.sign_up())["refresh_token"]
        second = (await refreshed(site, first))["refresh_token"]
    clock.advance(GRACE_S)
    async with open_site(tmp_path, clock=clock) as site:
        assert (await refreshed(site, first))["refresh_token"] == second


async def test_d6_a_session_without_a_refresh_ends_after_its_idle_time(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["refresh_token"]
        site.clock.advance(LIFETIMES.idle_s - 1)
        token = (await refreshed(site, token))["refresh_token"]
        site.clock.advance(LIFETIMES.idle_s + 1)
        assert (await refreshed(site, token, status=401))["code"] == "session_expired"
        assert await counters(site) == []


@pytest.mark.parametrize("holds", ["refresh_token", "jwt_token"])
async def test_d6_a_session_ends_at_its_absolute_end_however_often_it_is_refreshed(tmp_path: Path, holds: str) -> None:
    async with open_site(tmp_path, lifetimes=Lifetimes(LIFETIME_S, 3600, 7200)) as site:
        token = (await site.sign_up())[holds]
        for _ in range(8):
            site.clock.advance(LIFETIME_S - 1)
            answer = await refreshed(site, token, "GET")
            token = answer[holds]
        left_s = 7200 - 8 * (LIFETIME_S - 1)
        assert answer["expires_in"] == left_s
        site.clock.advance(left_s)
        assert (await site.me(answer["jwt_token"])).status == 401
        await refreshed(site, token, "GET", 401)


async def test_a_living_jwt_token_is_enough_for_another_one_of_the_same_session(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        first = await site.sign_up()
        second = await refreshed(site, first["jwt_token"], "GET")
        assert second.keys() == {"jwt_token", "token_type", "expires_in"}
        assert second["jwt_token"] != first["jwt_token"]
        assert (await site.sign_out(second["jwt_token"])).status == 204
        assert (await site.me(first["jwt_token"])).status == 401
        await refreshed(site, first["jwt_token"], "GET", 401)


async def test_c3_a_token_of_one_kind_is_none_of_another(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        envelope = await site.sign_up()
        assert (await site.me(envelope["refresh_token"])).status == 401
        assert (await site.sign_out(envelope["refresh_token"])).status == 401
        assert (await refreshed(site, envelope["jwt_token"], status=401))["code"] == "invalid_token"
        site.clock.advance(LIFETIME_S)
        await refreshed(site, envelope["jwt_token"], "GET", 401)


async def test_d7_a_sign_out_ends_both_tokens_and_can_be_said_again(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        envelope = await site.sign_up()
        for _ in range(2):
            assert (await site.sign_out(envelope["jwt_token"])).status == 204
            assert (await site.me(envelope["jwt_token"])).status == 401
            await refreshed(site, envelope["refresh_token"], status=401)
    async with open_site(tmp_path) as site:
        await refreshed(site, envelope["refresh_token"], status=401)


@pytest.mark.parametrize(
    ("scope", "left"), [("session", (False, True, True)), ("others", (True, False, False)), ("all", ())]
)
async def test_d9_a_sign_out_ends_what_its_scope_says(tmp_path: Path, scope: str, left: tuple[bool, ...]) -> None:
    async with open_site(tmp_path) as site:
        envelopes = [await site.sign_up(), await signed_in(site), await signed_in(site)]
        token = envelopes[0]["jwt_token"]
        answer = await site.client.post(f"/auth/signout?scope={scope}", headers=bearer(token))
        assert answer.status == 204
        alive = [(await site.me(one["jwt_token"])).status == 200 for one in envelopes]
        assert alive == list(left or (False, False, False))


async def test_d9_a_token_whose_session_has_ended_ends_no_other(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        first, second = await site.sign_up(), await signed_in(site)
        await site.sign_out(first["jwt_token"])
        answer = await site.client.post("/auth/signout?scope=all", headers=bearer(first["jwt_token"]))
        assert answer.status == 204
        assert (await site.me(second["jwt_token"])).status == 200


async def test_another_scope_is_answered_422(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        answer = await site.client.post("/auth/signout?scope=everybody", headers=bearer(token))
        assert answer.status == 422
        assert (await site.me(token)).status == 200


async def test_d9_ones_own_sessions_are_listed_and_ended(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        first = (await site.sign_up())["jwt_token"]
        site.clock.advance(60)
        answer = await site.client.post(
            "/auth/signin",
            json={"nickname": "anna", "password": "correct horse battery"},
            headers={"User-Agent": "Tests/1 " + "x" * 1000},
        )
        second, refresh_token = (await answer.json())["jwt_token"], (await answer.json())["refresh_token"]
        listed = (await (await site.client.get("/auth/sessions", headers=bearer(second))).json())["sessions"]
        assert [session["current"] for session in listed] == [True, False]
        assert [len(session["user_agent"]) <= 256 for session in listed] == [True, True]
        assert (listed[0]["peer"], listed[0]["user_agent"][:8]) == ("127.0.0.1", "Tests/1 ")
        created = datetime.fromisoformat(listed[0]["created_at"])
        assert created == site.clock.now.astimezone(UTC)
        assert [one["last_seen_at"] == one["created_at"] for one in listed] == [True, True]
        assert (datetime.fromisoformat(listed[0]["expires_at"]) - created).total_seconds() == 7 * DAY_S
        site.clock.advance(60)
        await site.client.post("/auth/refresh", headers=bearer(refresh_token))
        listed = (await (await site.client.get("/auth/sessions", headers=bearer(second))).json())["sessions"]
        assert datetime.fromisoformat(listed[0]["last_seen_at"]) == site.clock.now
        ended = await site.client.delete(f"/auth/sessions/{listed[1]['sid']}", headers=bearer(second))
        assert (ended.status, (await site.me(first)).status, (await site.me(second)).status) == (204, 401, 200)


FOREIGN = {
    "as it is": lambda sid: sid,
    "in capitals": str.upper,
    "percent-encoded": lambda sid: "".join(f"%{ord(one):02x}" for one in sid),
    "one on": lambda sid: f"{int(sid, 16) + 1:032x}",
    "made up": lambda _: "0" * 32,
    "a way out": lambda _: "..%2f..",
    "a user's": lambda _: "anna",
}


@pytest.mark.parametrize("form", FOREIGN.values(), ids=FOREIGN.keys())
async def test_e1_what_is_anothers_is_answered_as_what_is_not_there(tmp_path: Path, form: Callable[[str], str]) -> None:
    async with open_site(tmp_path) as site:
        mine, other = (await site.sign_up())["jwt_token"], (await site.sign_up(nickname="ben"))["jwt_token"]
        (theirs,) = (await (await site.client.get("/auth/sessions", headers=bearer(other))).json())["sessions"]
        path = URL(f"/auth/sessions/{form(theirs['sid'])}", encoded=True)
        asked = await site.client.delete(path, headers=bearer(mine))
        absent = await site.client.delete(f"/auth/sessions/{'f' * 32}", headers=bearer(mine))
        assert (asked.status, await asked.read()) == (404, await absent.read())
        assert (await site.me(other)).status == 200


async def test_d9_the_session_of_another_user_is_unknown_to_me(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        mine, other = (await site.sign_up())["jwt_token"], (await site.sign_up(nickname="ben"))["jwt_token"]
        (theirs,) = (await (await site.client.get("/auth/sessions", headers=bearer(other))).json())["sessions"]
        answers = [
            await site.client.delete(f"/auth/sessions/{sid}", headers=bearer(mine))
            for sid in (theirs["sid"], "0" * 32, "..%2f..")
        ]
        assert [answer.status for answer in answers] == [404, 404, 404]
        assert [await answer.read() for answer in answers] == [await answers[0].read()] * 3
        assert (await site.me(other)).status == 200


async def test_d11_one_session_too_many_ends_the_oldest(tmp_path: Path) -> None:
    async with open_site(tmp_path, sessions_max=10) as site:
        envelopes = [await site.sign_up()]
        envelopes += [await signed_in(site) for _ in range(10)]
        alive = [(await site.me(one["jwt_token"])).status == 200 for one in envelopes]
        assert alive == [False] + [True] * 10


async def test_d12_no_file_holds_a_token_or_what_one_could_be_made_of(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        envelope = await site.sign_up()
        (path,) = (tmp_path / "users").glob("*/*/*.json")
        text = path.read_text()
        assert envelope["jwt_token"] not in text
        assert envelope["refresh_token"] not in text
        assert envelope["refresh_token"][-20:] not in text
    with pytest.raises(TokenInvalid):
        RefreshTokens("another secret: 0123456789abcdef0123456789").read(envelope["refresh_token"])


def test_a_refresh_token_says_what_was_put_into_it() -> None:
    tokens = RefreshTokens(KEY)
    assert tokens.read(tokens.issue(CLAIMS)) == CLAIMS


def test_a_refresh_token_with_any_character_changed_is_none() -> None:
    tokens = RefreshTokens(KEY)
    token = tokens.issue(CLAIMS)
    for at in range(len(token)):
        for other in {"A", "B", "-", "_", "=", "é"} - {token[at]}:
            with pytest.raises(TokenInvalid):
                tokens.read(token[:at] + other + token[at + 1 :])


@pytest.mark.parametrize(
    "token", ["", PREFIX, PREFIX + "A", PREFIX + "A" * 70, PREFIX * 2, "x" * 100_000, "\0", "ffr1_é"]
)
def test_what_is_no_refresh_token_is_none(token: str) -> None:
    with pytest.raises(TokenInvalid):
        RefreshTokens(KEY).read(token)
