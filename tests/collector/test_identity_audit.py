"""What is put on record: rows B1, B7, B12, D2, D3, D11, F6 and F8 of the security checklist."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from storage.audit import AuditRow
from tests.collector.identity_site import ANNA, LIFETIME_S, PASSWORD, SHIPPED_RATES, Site, bearer, open_site


async def rows(site: Site, **wanted: object) -> list[AuditRow]:
    return [entry.row for entry in await site.audited(**wanted)]


async def events(site: Site) -> list[tuple[str, str]]:
    return [(row.event, row.outcome) for row in await rows(site)]


async def refreshed(site: Site, refresh_token: str) -> int:
    return (await site.client.post("/auth/refresh", headers=bearer(refresh_token))).status


async def test_b1_a_sign_in_is_on_record_with_its_session_and_where_it_came_from(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        user_id = (await site.sign_up())["user"]["user_id"]
        body = {"nickname": "anna", "password": PASSWORD}
        answer = await site.client.post("/auth/signin", json=body, headers={"User-Agent": "curl/8"})
        envelope = await answer.json()
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        assert envelope.keys() == {"jwt_token", "refresh_token", "token_type", "expires_in", "user"}
        assert (envelope["token_type"], envelope["expires_in"]) == ("Bearer", LIFETIME_S)
        (row,) = await rows(site, event="authn_login_success")
        sid = (await site.sessions.authenticate(envelope["jwt_token"])).sid
    assert (row.outcome, row.actor, row.subject, row.sid) == ("success", user_id, user_id, sid)
    assert (row.peer, row.user_agent) == ("127.0.0.1", "curl/8")


async def test_f6_a_row_says_when_what_who_from_where_and_in_which_request(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        envelope = await site.sign_up()
        answer = await site.client.post(
            "/auth/signin", json={"nickname": "anna", "password": "wrong password"}, headers={"User-Agent": "curl/8"}
        )
        created, failed = await rows(site)
        session = (await site.sessions.of(envelope["user"]["user_id"]))[0]
    user_id = envelope["user"]["user_id"]
    assert (created.event, created.outcome, created.sid) == ("user_created", "success", session.sid)
    assert (created.actor, created.subject, created.at) == (user_id, user_id, site.clock.now)
    assert (failed.event, failed.outcome) == ("authn_login_fail", "failure")
    # Whoever it was, it was not the user.
    assert (failed.actor, failed.subject, failed.name) == (None, user_id, None)
    assert (failed.peer, failed.user_agent) == ("127.0.0.1", "curl/8")
    assert failed.request_id == answer.headers["X-Request-ID"]


async def test_f6_a_name_that_nobody_has_is_kept_as_a_mac_only(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_in("hunter2 was my password", PASSWORD)
        await site.sign_in("HUNTER2 was my password", PASSWORD)
        await site.sign_in("somebody else", PASSWORD)
        first, again, other = await rows(site)
    assert first.subject is None
    assert first.name is not None
    assert len(first.name) == 32
    assert first.name == again.name != other.name
    for path in (tmp_path / "audit").iterdir():
        assert b"hunter2" not in path.read_bytes().lower()


async def test_b12_a_sign_in_after_failures_says_how_many(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.sign_up()
        for _ in range(4):
            await site.sign_in("anna", "wrong password")
        assert (await site.sign_in()).status == 200
        assert (await site.sign_in()).status == 200
        *_, after, plain = await rows(site)
    assert (after.event, after.outcome, after.note) == ("authn_login_successafterfail", "success", "4 wrong before")
    assert (plain.event, plain.note) == ("authn_login_success", "")


async def test_b7_one_password_over_many_names_is_limited_and_on_record_once_a_minute(tmp_path: Path) -> None:
    async with open_site(tmp_path, rates=SHIPPED_RATES) as site:
        statuses = [(await site.sign_in(f"name{number}", PASSWORD)).status for number in range(100)]
        assert statuses == [401] * 60 + [429] * 40
        assert [row.note for row in await rows(site, event="excess_rate_limit_exceeded")] == ["sign-in"]
        site.clock.advance(61)
        for number in range(80):
            await site.sign_in(f"name{number}", PASSWORD)
        assert len(await rows(site, event="excess_rate_limit_exceeded")) == 2


async def test_the_end_of_a_session_is_on_record_once(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        token = (await site.sign_up())["jwt_token"]
        other = await (await site.sign_in()).json()
        sessions = (await (await site.client.get("/auth/sessions", headers=bearer(token))).json())["sessions"]
        sid = next(one["sid"] for one in sessions if not one["current"])
        await site.client.delete(f"/auth/sessions/{sid}", headers=bearer(token))
        for _ in range(2):
            assert (await site.sign_out(token)).status == 204
            assert (await site.sign_out(other["jwt_token"])).status == 204
        ended = await rows(site, event="session_expired")
    assert [(row.note, row.outcome, row.sid == sid) for row in ended] == [
        ("ended by its user", "success", True),
        ("signed out: session", "success", False),
    ]


@pytest.mark.parametrize(
    ("method", "kind"), [("POST", "refresh_token"), ("GET", "refresh_token"), ("GET", "jwt_token")]
)
async def test_a_refresh_of_a_session_that_has_ended_is_on_record(tmp_path: Path, method: str, kind: str) -> None:
    async with open_site(tmp_path) as site:
        envelope = await site.sign_up()
        await site.sign_out(envelope["jwt_token"])
        for _ in range(2):
            answer = await site.client.request(method, "/auth/refresh", headers=bearer(envelope[kind]))
            assert answer.status == 401
        (row,) = await rows(site, event="session_use_after_expire")
    assert (row.outcome, row.subject) == ("failure", envelope["user"]["user_id"])


async def test_c11_a_sign_in_that_a_block_overtakes_is_on_record(tmp_path: Path) -> None:
    async with open_site(tmp_path, cost=10) as site:
        boss, anna = await site.add_admin(), await site.sign_up()
        path = f"/admin/users/{anna['user']['user_id']}/block"
        # The hash takes longer than the block.
        refused, blocked = await asyncio.gather(site.sign_in(), site.client.put(path, headers=bearer(boss)))
        assert (refused.status, blocked.status) == (401, 204)
        (row,) = await rows(site, event="authn_login_fail")
    assert row.subject == anna["user"]["user_id"]


async def test_d2_a_reused_refresh_token_is_on_record_and_so_is_each_renewal(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        first = (await site.sign_up())["refresh_token"]
        assert [await refreshed(site, first) for _ in range(3)] == [200] * 3
        site.clock.advance(11)
        assert await refreshed(site, first) == 401
        assert await events(site) == [
            ("user_created", "success"),
            ("session_renewed", "success"),
            ("authn_token_reuse", "failure"),
        ]
        # What a program does by itself is no event of the site.
        assert [json.loads(line)["source_label"] for line in site.log.lines] == ["user_created", "authn_token_reuse"]


async def test_d11_a_session_that_had_to_make_room_is_on_record(tmp_path: Path) -> None:
    async with open_site(tmp_path, sessions_max=2) as site:
        envelope = await site.sign_up()
        (oldest,) = await site.sessions.of(envelope["user"]["user_id"])
        for _ in range(2):
            await site.sign_in()
        (row,) = await rows(site, event="excess_sessions_exceeded")
    assert row.sid == oldest.sid


@pytest.mark.parametrize("path", ["/auth/signin", "/auth/signup"])
async def test_f8_what_cannot_be_put_on_record_is_not_granted(tmp_path: Path, path: str) -> None:
    async with open_site(tmp_path) as site:
        user_id = (await site.sign_up())["user"]["user_id"]
        # No later write of this process reaches the file: its end is a device that is always full.
        with Path("/dev/full").open("wb") as full:
            os.dup2(full.fileno(), site.audit._file)
            body = (
                ANNA | {"nickname": "boris"} if path.endswith("signup") else {"nickname": "anna", "password": PASSWORD}
            )
            answer = await site.post(path, body)
        assert (answer.status, (await answer.json())["code"]) == (503, "audit_failed")
        assert "Retry-After" in answer.headers
        assert len(await site.sessions.of(user_id)) == 1
        assert await site.users.by_nickname("boris") is None
