"""Administrators and users: rows C11, F2 to F6 of the security checklist."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.event import PAGEVIEW, Event
from storage.store_client import StoreClient
from tests.collector.identity_site import LIFETIMES, PASSWORD, Site, bearer, open_site


async def asked(site: Site, token: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
    async with site.client.request(method, path, json=body, headers=bearer(token)) as answer:
        return answer.status, await answer.json() if await answer.read() else None


async def done(site: Site, token: str, method: str, path: str, body: object = None) -> tuple[int, str]:
    status, problem = await asked(site, token, method, f"/admin/users/{path}", body)
    return status, "" if problem is None else problem["code"]


async def names(site: Site, token: str, query: str = "") -> list[str]:
    status, answer = await asked(site, token, "GET", f"/admin/users{query}")
    assert status == 200, answer
    assert answer["total"] == len(answer["users"])
    return [user["nickname"] for user in answer["users"]]


async def id_of(site: Site, nickname: str) -> str:
    user = await site.users.by_nickname(nickname)
    assert user is not None
    return user.user_id


async def test_f3_users_are_listed_by_when_they_were_seen_and_filtered(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        site.clock.advance(1)
        for nickname in ("anna", "boris", "clara"):
            await site.sign_up(nickname=nickname)
            site.clock.advance(60)
        await site.accounts.add_admin("dora", PASSWORD)
        await site.sign_in("anna")
        site.clock.advance(1)
        assert await names(site, boss) == ["boss", "anna", "clara", "boris", "dora"]
        assert await names(site, boss, "?order=asc") == ["boris", "clara", "anna", "boss", "dora"]
        assert await names(site, boss, "?sort=name&order=asc") == ["anna", "boris", "boss", "clara", "dora"]
        assert await names(site, boss, "?sort=created&order=asc") == ["boss", "anna", "boris", "clara", "dora"]
        assert await names(site, boss, "?state=never_signed_in") == ["dora"]
        assert await names(site, boss, "?role=admin") == ["boss", "dora"]
        assert await names(site, boss, "?search=OR") == ["boris", "dora"]
        assert await names(site, boss, f"?search={await id_of(site, 'anna')}") == ["anna"]
        assert await done(site, boss, "PUT", f"{await id_of(site, 'clara')}/block") == (204, "")
        assert await names(site, boss, "?state=blocked") == ["clara"]


async def test_f3_who_was_not_seen_for_so_many_days_is_inactive(tmp_path: Path) -> None:
    forever = LIFETIMES._replace(access_s=10**9, idle_s=10**9, absolute_s=10**9)
    async with open_site(tmp_path, lifetimes=forever) as site:
        boss = await site.add_admin()
        anna = (await site.sign_up(nickname="anna"))["jwt_token"]
        site.clock.advance(timedelta(days=60).total_seconds())
        await site.sign_up(nickname="boris")
        await site.me(anna)
        site.clock.advance(timedelta(days=60).total_seconds())
        assert await names(site, boss, "?state=inactive") == []
        site.clock.advance(timedelta(days=31).total_seconds())
        assert await names(site, boss, "?state=inactive&sort=name") == ["boris", "anna"]
        assert await names(site, boss, "?state=inactive&inactive_days=92") == []


async def test_f3_pages_follow_one_another_while_users_come_in(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        site.clock.advance(1)
        for number in range(7):
            await site.sign_up(nickname=f"anna{number}")
            site.clock.advance(1)
        found, query = [], "?sort=created&order=asc&limit=3"
        following = ""
        while following is not None:
            _, answer = await asked(site, boss, "GET", f"/admin/users{query}{following and '&cursor='}{following}")
            found += [user["nickname"] for user in answer["users"]]
            following = answer["next"]
            await site.sign_up(nickname=f"late{len(found)}")
            site.clock.advance(1)
        assert found[:8] == ["boss", *(f"anna{number}" for number in range(7))]
        assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?limit=0", 422, "query_invalid"),
        ("?limit=201", 422, "query_invalid"),
        ("?sort=age", 422, "query_invalid"),
        ("?state=locked", 422, "query_invalid"),
        ("?inactive_days=0", 422, "query_invalid"),
        ("?search=", 422, "query_invalid"),
        ("?unheard=of", 422, "query_invalid"),
        ("?cursor=x", 400, "cursor_invalid"),
        ("?cursor=AAAAAAAAAAAAAAAA", 400, "cursor_invalid"),
        ("?cursor=%00%ff", 400, "cursor_invalid"),
    ],
)
async def test_f3_what_is_asked_wrongly_is_refused(tmp_path: Path, query: str, status: int, code: str) -> None:
    async with open_site(tmp_path) as site:
        answer = await asked(site, await site.add_admin(), "GET", f"/admin/users{query}")
        assert (answer[0], answer[1]["code"]) == (status, code)


async def test_f3_a_cursor_that_is_tampered_with_or_of_another_question_is_400(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        await site.sign_up()
        cursor = (await asked(site, boss, "GET", "/admin/users?limit=1"))[1]["next"]
        assert (await asked(site, boss, "GET", f"/admin/users?limit=2&cursor={cursor}"))[0] == 200
        for place in range(len(cursor)):
            other = "A" if cursor[place] != "A" else "B"
            tampered = cursor[:place] + other + cursor[place + 1 :]
            assert (await asked(site, boss, "GET", f"/admin/users?limit=1&cursor={tampered}"))[0] == 400, place
        assert (await asked(site, boss, "GET", f"/admin/users?limit=1&sort=name&cursor={cursor}"))[0] == 400


async def test_a_user_is_shown_with_its_sessions_and_the_pages_it_saw_last(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        await site.sign_up()
        user_id = await id_of(site, "anna")
        for number in range(60):
            at = site.clock.now + timedelta(seconds=number)
            site.store.put(Event(f"e{number}", "site", PAGEVIEW, at, user_id=user_id, page_url=f"/{number}"))
        status, report = await asked(site, boss, "GET", f"/admin/users/{user_id}")
        assert status == 200
        assert (report["user"]["nickname"], report["firstname"], report["lastname"]) == ("anna", "Anna", "Ivanova")
        assert [session["peer"] for session in report["sessions"]] == ["127.0.0.1"]
        assert [seen["page_url"] for seen in report["activity"]] == [f"/{number}" for number in range(59, 9, -1)]
        assert PASSWORD not in str(report)
        assert "password" not in str(report)


async def test_a_user_can_be_looked_at_while_the_store_is_away(tmp_path: Path) -> None:
    async with open_site(tmp_path, asked=StoreClient(query_timeout_s=1)) as site:
        boss = await site.add_admin()
        status, report = await asked(site, boss, "GET", f"/admin/users/{await id_of(site, 'boss')}")
        assert (status, report["activity"]) == (200, None)


async def test_c11_a_blocked_user_is_out_at_once_and_after_a_restart_until_it_is_let_in_again(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        anna = await site.sign_up()
        user_id = anna["user"]["user_id"]
        assert await done(site, boss, "PUT", f"{user_id}/block") == (204, "")
        assert await done(site, boss, "PUT", f"{user_id}/block") == (204, "")
    async with open_site(tmp_path) as site:
        assert (await site.me(anna["jwt_token"])).status == 401
        refreshed = await site.client.post("/auth/refresh", headers=bearer(anna["refresh_token"]))
        assert refreshed.status == 401
        refused, wrong = await site.sign_in(), await site.sign_in(password="wrong password")
        assert (refused.status, await refused.read()) == (401, await wrong.read())
        boss = str((await (await site.sign_in("boss")).json())["jwt_token"])
        assert await done(site, boss, "DELETE", f"{user_id}/block") == (204, "")
        assert (await site.me(anna["jwt_token"])).status == 401
        assert (await site.sign_in()).status == 200
        changes = [(row.row.event, row.row.note) for row in await site.audited(event="user_updated")]
    assert changes == [("user_updated", "blocked"), ("user_updated", "unblocked")]


async def test_c11_another_role_counts_from_the_next_request_on(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss, anna = await site.add_admin(), await site.sign_up()
        user_id, token = anna["user"]["user_id"], anna["jwt_token"]
        assert (await asked(site, token, "GET", "/admin/users"))[0] == 403
        assert await done(site, boss, "PUT", f"{user_id}/role", {"role": "admin"}) == (204, "")
        assert (await asked(site, token, "GET", "/admin/users"))[0] == 200
        assert await done(site, boss, "PUT", f"{user_id}/role", {"role": "analyst"}) == (204, "")
        site.clock.advance(61)
        assert (await asked(site, token, "GET", "/admin/users"))[0] == 403
        (up, down), (refused, _) = await site.audited(event="authz_change"), await site.audited(event="authz_fail")
    assert (up.row.note, down.row.note, up.row.subject) == ("role admin", "role analyst", user_id)
    assert (refused.row.actor, refused.row.outcome, refused.row.note) == (user_id, "failure", "GET /admin/users")


async def test_f4_an_administrator_ends_every_session_of_a_user(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss, anna = await site.add_admin(), await site.sign_up()
        again = await (await site.sign_in()).json()
        assert await done(site, boss, "DELETE", f"{anna['user']['user_id']}/sessions") == (204, "")
        assert [(await site.me(one["jwt_token"])).status for one in (anna, again)] == [401, 401]
        assert (await site.sign_in()).status == 200


async def test_f5_the_last_administrator_stays_one_and_stays_in(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        user_id = await id_of(site, "boss")
        assert await done(site, boss, "PUT", f"{user_id}/role", {"role": "user"}) == (409, "last_admin")
        assert await done(site, boss, "PUT", f"{user_id}/block") == (409, "last_admin")
        await site.accounts.add_admin("second", PASSWORD)
        assert await done(site, boss, "PUT", f"{await id_of(site, 'second')}/block") == (204, "")
        # One who is shut out administers nothing.
        assert await done(site, boss, "PUT", f"{user_id}/role", {"role": "user"}) == (409, "last_admin")
        assert await done(site, boss, "DELETE", f"{await id_of(site, 'second')}/block") == (204, "")
        assert await done(site, boss, "PUT", f"{user_id}/role", {"role": "user"}) == (204, "")


async def test_f5_of_two_administrators_who_demote_each_other_at_once_one_stays(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        one, other = await site.add_admin("one"), await site.add_admin("other")
        answers = await asyncio.gather(
            done(site, one, "PUT", f"{await id_of(site, 'other')}/role", {"role": "user"}),
            done(site, other, "PUT", f"{await id_of(site, 'one')}/role", {"role": "user"}),
        )
        assert site.users.administrators() == 1
        outcomes = [entry.row.outcome for entry in await site.audited(event="authz_change")]
    assert sorted(status for status, _ in answers) in ([204, 403], [204, 409])
    # What was on record and refused in the end is so on record too.
    assert outcomes.count("success") - outcomes.count("failure") == 1


async def test_e4_a_user_that_an_administrator_erases_is_gone_everywhere(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss, anna = await site.add_admin(), await site.sign_up()
        user_id = anna["user"]["user_id"]
        assert await asked(site, boss, "DELETE", f"/admin/users/{user_id}") == (204, None)
        assert await asked(site, boss, "DELETE", f"/admin/users/{user_id}") == (
            404,
            {"title": "Not Found", "status": 404, "code": "user_unknown", "detail": "there is no such user"},
        )
        assert (await site.me(anna["jwt_token"])).status == 401
        assert (await site.sign_in()).status == 401
        assert await names(site, boss) == ["boss"]
        (row,) = await site.audited(event="user_deleted", outcome="success")
        assert (row.row.subject, row.row.actor) == (user_id, await id_of(site, "boss"))


async def test_e4_a_user_whose_file_was_set_aside_can_be_erased(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.add_admin()
        user_id = (await site.sign_up())["user"]["user_id"]
    (path,) = (tmp_path / "users").rglob(f"{user_id}.json")
    path.write_bytes(path.read_bytes()[:-5])
    async with open_site(tmp_path) as site:
        boss = str((await (await site.sign_in("boss")).json())["jwt_token"])
        assert await done(site, boss, "DELETE", user_id) == (204, "")
        assert await done(site, boss, "DELETE", user_id) == (404, "user_unknown")
        assert user_id in site.users.removed()
        (row,) = await site.audited(event="user_deleted")
        assert (row.row.outcome, row.row.subject) == ("success", user_id)
    assert list((tmp_path / "users").rglob(f"{user_id}*")) == []


async def test_f5_the_last_administrator_is_not_erased(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        status, problem = await asked(site, boss, "DELETE", f"/admin/users/{await id_of(site, 'boss')}")
        assert (status, problem["code"]) == (409, "last_admin")
        assert await names(site, boss) == ["boss"]


@pytest.mark.parametrize(
    ("method", "what", "body"),
    [
        ("PUT", "block", None),
        ("DELETE", "block", None),
        ("PUT", "role", {"role": "user"}),
        ("DELETE", "sessions", None),
    ],
)
@pytest.mark.parametrize("user_id", ["0" * 32, "x", "..%2f..%2fLOCK", "%00"])
async def test_nobody_is_changed_by_an_id_that_is_not_a_users(
    tmp_path: Path, method: str, what: str, body: object, user_id: str
) -> None:
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        assert await done(site, boss, method, f"{user_id}/{what}", body) == (404, "user_unknown")
        assert (await asked(site, boss, "GET", f"/admin/users/{user_id}"))[0] == 404


@pytest.mark.parametrize("body", [{}, {"role": "root"}, {"role": None}, {"role": "user", "x": 1}, [], "user", None])
async def test_a_role_that_there_is_not_is_refused(tmp_path: Path, body: object) -> None:
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        answer = await site.client.put(
            f"/admin/users/{await id_of(site, 'boss')}/role", json=body, headers=bearer(boss)
        )
        assert answer.status in (415, 422)


async def test_f6_the_log_is_paged_and_filtered(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss, anna = await site.add_admin(), await site.sign_up()
        user_id = anna["user"]["user_id"]
        for _ in range(3):
            await site.sign_in("anna", "wrong password")
            site.clock.advance(60)
        await done(site, boss, "PUT", f"{user_id}/block")

        async def events(query: str) -> list[str]:
            status, answer = await asked(site, boss, "GET", f"/admin/auth-events{query}")
            assert status == 200, answer
            return [event["event"] for event in answer["events"]]

        assert await events("?outcome=failure") == ["authn_login_fail"] * 3
        assert await events(f"?user_id={user_id}&limit=2") == ["user_updated", "authn_login_fail"]
        assert await events("?event=user_updated") == ["user_updated"]
        assert await events("?peer=192.0.2.1") == []
        assert await events(f"?from={(site.clock.now - timedelta(seconds=90)):%Y-%m-%d+%H:%M:%S}") == [
            "user_updated",
            "authn_login_fail",
        ]
        page = (await asked(site, boss, "GET", "/admin/auth-events?limit=3"))[1]
        assert await events(f"?before={page['next']}") == [
            "authn_login_fail",
            "user_created",
            "authn_login_success",
            "user_created",
        ]
        assert await asked(site, boss, "GET", "/admin/auth-events/check") == (200, {"entries": 7, "damage": None})
        for wrong in ("?before=0", "?limit=0", "?outcome=maybe", "?from=x", "?unheard=of"):
            assert (await asked(site, boss, "GET", f"/admin/auth-events{wrong}"))[0] == 422


async def test_f7_a_changed_row_is_named_by_the_check(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        boss = await site.add_admin()
        (file,) = (tmp_path / "audit").glob("*.ndjson")
        file.write_bytes(file.read_bytes().replace(b"127.0.0.1", b"127.0.0.2"))
        _, report = await asked(site, boss, "GET", "/admin/auth-events/check")
        assert report["entries"] == 1
        assert report["damage"].startswith("entry 2 ")
