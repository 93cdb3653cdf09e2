"""How often somebody may try: rows A11 and B4 to B10 of the security checklist."""

import asyncio
import functools
import ipaddress
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import ClientResponse

from tests.collector.identity_site import ANNA, FREE_FAILURES, PASSWORD, SHIPPED_RATES, Clock, Site, bearer
from tests.collector.identity_site import open_site as open_generous_site
from tests.collector.test_identity_sessions import comparable

open_site = functools.partial(open_generous_site, rates=SHIPPED_RATES)
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


async def tried(site: Site, nickname: str, password: str, peer: str | None = None) -> ClientResponse:
    headers = {} if peer is None else {"X-Forwarded-For": peer}
    return await site.client.post("/auth/signin", json={"nickname": nickname, "password": password}, headers=headers)


async def statuses(site: Site, nickname: str, count: int, peer: str | None = None) -> list[int]:
    return [(await tried(site, nickname, "wrong password", peer)).status for _ in range(count)]


async def test_a11_too_many_sign_ups_from_one_address_are_429_and_from_another_not(tmp_path: Path) -> None:
    async with open_site(tmp_path, trusted_proxies=LOOPBACK) as site:

        async def signed_up(number: int, peer: str) -> ClientResponse:
            body = ANNA | {"nickname": f"anna{number}"}
            return await site.client.post("/auth/signup", json=body, headers={"X-Forwarded-For": peer})

        answers = [await signed_up(number, "192.0.2.1") for number in range(21)]
        assert [answer.status for answer in answers] == [200] * 20 + [429]
        assert (await answers[-1].json())["code"] == "rate_limited"
        assert answers[-1].headers["Retry-After"] == "3"
        assert (await signed_up(21, "192.0.2.2")).status == 200


async def test_b4_a_name_that_nobody_has_is_limited_as_one_that_somebody_has(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        known = [await tried(site, "anna", "wrong password") for _ in range(8)]
        unknown = [await tried(site, "nobody", "wrong password") for _ in range(8)]
        assert [answer.status for answer in known] == [401] * FREE_FAILURES + [429] * 3
        for one, other in zip(known, unknown, strict=True):
            assert (one.status, await one.read(), comparable(one)) == (
                other.status,
                await other.read(),
                comparable(other),
            )
        assert known[-1].headers["Retry-After"] == "1"


async def test_b4_guesses_that_are_sent_at_once_learn_no_more_than_those_in_turn(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        answers = await asyncio.gather(*(tried(site, "anna", "wrong password") for _ in range(40)))
        assert Counter(answer.status for answer in answers) == {401: FREE_FAILURES, 429: 40 - FREE_FAILURES}


async def test_b4_guesses_at_ones_own_password_that_are_sent_at_once_learn_no_more_either(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        guess = {"password": "wrong password"}
        tries = (site.client.delete("/auth/me", json=guess, headers=bearer(token)) for _ in range(20))
        answers = await asyncio.gather(*tries)
        assert Counter(answer.status for answer in answers) == {403: FREE_FAILURES, 429: 20 - FREE_FAILURES}


async def test_b4_a_name_waits_in_every_spelling(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        assert await statuses(site, "anna", 3) + await statuses(site, "ANNA", 3) == [401] * 5 + [429]


async def test_b5_who_fails_with_my_name_delays_only_himself_and_that_for_a_minute_at_most(tmp_path: Path) -> None:
    async with open_site(tmp_path, trusted_proxies=LOOPBACK) as site:
        await site.sign_up()
        waits = []
        for _ in range(13):
            answer = await tried(site, "anna", "wrong password", "192.0.2.66")
            if answer.status == 429:
                waits.append(int(answer.headers["Retry-After"]))
                site.clock.advance(waits[-1])
        assert waits == [1, 2, 4, 8]
        for _ in range(6):
            site.clock.advance(60)
            await statuses(site, "anna", 1, "192.0.2.66")
        blocked = await tried(site, "anna", PASSWORD, "192.0.2.66")
        assert (blocked.status, blocked.headers["Retry-After"]) == (429, "60")
        assert (await tried(site, "anna", PASSWORD, "192.0.2.1")).status == 200


async def test_b6_the_right_password_during_a_wait_is_answered_like_a_wrong_one(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        await statuses(site, "anna", FREE_FAILURES)
        right, wrong = await tried(site, "anna", PASSWORD), await tried(site, "anna", "wrong password")
        assert (right.status, await right.read(), comparable(right)) == (429, await wrong.read(), comparable(wrong))
        site.clock.advance(1)
        assert (await tried(site, "anna", PASSWORD)).status == 200
        assert await statuses(site, "anna", FREE_FAILURES) == [401] * FREE_FAILURES


async def test_b7_one_password_over_many_names_is_limited_by_its_address(tmp_path: Path) -> None:
    async with open_site(tmp_path, trusted_proxies=LOOPBACK) as site:
        answers = [await tried(site, f"name{number}", "Password1!", "2001:db8:1:2::1") for number in range(100)]
        assert [answer.status for answer in answers] == [401] * 60 + [429] * 40
        # The same customer from another of its addresses.
        assert (await tried(site, "name", "Password1!", "2001:db8:1:2:ffff::1")).status == 429
        assert (await tried(site, "name", "Password1!", "2001:db8:1:3::1")).status == 401


async def test_b8_an_address_that_an_untrusted_peer_makes_up_changes_nothing(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        found = [(await tried(site, "anna", "wrong password", f"192.0.2.{number}")).status for number in range(7)]
        assert found == [401] * FREE_FAILURES + [429] * 2


async def test_b9_after_the_limit_no_password_is_hashed(tmp_path: Path) -> None:
    async with open_site(tmp_path, queue_max=1, threads=1) as site:
        await site.sign_up()
        await statuses(site, "anna", FREE_FAILURES)
        answers = await asyncio.gather(*(tried(site, "anna", "wrong password") for _ in range(200)))
        # The queue of the hashes has room for one: any that was asked for would be refused otherwise.
        assert {answer.status for answer in answers} == {429}


@pytest.mark.parametrize("rest_s", [0, 30])
async def test_b10_a_wait_goes_on_over_a_restart(tmp_path: Path, rest_s: int) -> None:
    clock = Clock()
    async with open_site(tmp_path, clock=clock) as site:
        await site.sign_up()
        for _ in range(12):
            clock.advance(60)
            await statuses(site, "anna", 1)
    clock.advance(rest_s)
    async with open_site(tmp_path, clock=clock) as site:
        blocked = await tried(site, "anna", PASSWORD)
        assert (blocked.status, blocked.headers["Retry-After"]) == (429, str(60 - rest_s))
    assert b"anna" not in (tmp_path / "throttle.json").read_bytes()


async def test_a_file_of_failures_that_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "throttle.json").write_bytes(b"{")
    async with open_site(tmp_path) as site:
        await site.sign_up()
        await statuses(site, "anna", 1)
    assert b"count" in (tmp_path / "throttle.json").read_bytes()


async def test_g8_what_a_user_has_written_again_and_again_is_limited_and_another_users_is_not(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        anna, boris = await site.sign_up(), await site.sign_up(nickname="boris")

        async def renewed(envelope: dict[str, str]) -> ClientResponse:
            site.clock.advance(0.001)  # so that each moves the session's end
            return await site.client.get("/auth/refresh", headers=bearer(envelope["jwt_token"]))

        answers = [await renewed(anna) for _ in range(70)]
        assert Counter(answer.status for answer in answers) == {200: 60, 429: 10}
        refreshed = await site.client.post("/auth/refresh", headers=bearer(anna["refresh_token"]))
        headers = bearer(anna["jwt_token"]) | {"If-Match": "*"}
        changed = await site.client.patch("/auth/me", json={"age": 31}, headers=headers)
        exported = await site.client.get("/auth/me/export", headers=bearer(anna["jwt_token"]))
        for answer in (refreshed, changed, exported):
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        notes = [entry.row.note for entry in await site.audited(event="excess_rate_limit_exceeded")]
        assert notes == ["refresh", "change of profile", "export"]
        assert (await renewed(boris)).status == 200


async def test_a_token_of_a_session_that_has_ended_uses_up_nothing_of_its_user(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        kept, stolen = await site.sign_up(), await (await site.sign_in()).json()
        await site.sign_out(stolen["jwt_token"])
        for _ in range(70):
            answer = await site.client.post("/auth/refresh", headers=bearer(stolen["refresh_token"]))
            assert answer.status == 401
        assert (await site.client.post("/auth/refresh", headers=bearer(kept["refresh_token"]))).status == 200
