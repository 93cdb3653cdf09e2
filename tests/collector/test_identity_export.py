"""Everything that is held about oneself: row E5 of the security checklist."""

import json
from collections.abc import AsyncGenerator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from collector.identity.own_export import AUTH_EVENTS_AT_ONCE
from storage.app import App, ReadToken, WriteToken
from storage.audit import AuditRow
from storage.errors import StoreDown
from storage.event import BUILT_IN_APP, Event
from storage.query.events import ExportQuery
from tests.collector.identity_site import PASSWORD, Site, bearer, open_site
from tests.fakes.store import MemoryStore


async def exported(site: Site, token: str) -> dict[str, Any]:
    answer = await site.client.get("/auth/me/export", headers=bearer(token))
    assert answer.status == HTTPStatus.OK, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


def event(site: Site, number: int, user_id: str) -> Event:
    return Event(f"e{number}", BUILT_IN_APP, "button", site.clock.now, user_id=user_id, page_url=f"/{number}")


async def test_e5_an_export_holds_profile_sessions_events_and_audit_entries_of_the_caller_alone(tmp_path: Path):
    async with open_site(tmp_path) as site:
        anna = await site.sign_up()
        other = await site.sign_up(nickname="clara")
        own_id, other_id = anna["user"]["user_id"], other["user"]["user_id"]
        await site.sign_in(password="wrong password")
        await site.sign_in()
        site.store.put(*(event(site, number, (own_id, other_id)[number % 2]) for number in range(10)))
        found = await exported(site, anna["jwt_token"])
    assert list(found) == [
        "exported_at",
        "profile",
        "created_at",
        "last_seen_at",
        "second_factor",
        "sessions",
        "apps",
        "events",
        "auth_events",
    ]
    assert found["profile"] == anna["user"]
    assert [one["current"] for one in found["sessions"]] == [False, True]
    assert [one["event_id"] for one in found["events"]] == ["e0", "e2", "e4", "e6", "e8"]
    assert [one["event"] for one in found["auth_events"]] == [
        "sensitive_read",
        "authn_login_successafterfail",
        "authn_login_fail",
        "user_created",
    ]
    text = json.dumps(found)
    assert other_id not in text
    assert "clara" not in text
    assert PASSWORD not in text
    assert "bcrypt" not in text


async def test_e5_an_export_lists_the_callers_own_applications_without_what_opens_them(tmp_path: Path):
    async with open_site(tmp_path) as site:
        anna, clara = await site.sign_up(), await site.sign_up(nickname="clara")
        secret = ReadToken(
            token_id="r1", digest="the digest", name="reader", scopes=("analytics",), created_at=site.clock.now
        )
        for who, app_code in ((anna, "shop-1"), (clara, "shop-2")):
            token = WriteToken("t1", f"ffw_{app_code}", site.clock.now)
            await site.apps.add(
                App(
                    app_code=app_code,
                    app_name="Shop",
                    owner_id=who["user"]["user_id"],
                    created_at=site.clock.now,
                    write_tokens=(token,),
                    read_tokens=(secret,),
                )
            )
        found = await exported(site, anna["jwt_token"])
    assert [(one["app_code"], one["app_name"], one["api_token"]) for one in found["apps"]] == [
        ("shop-1", "Shop", "ffw_shop-1")
    ]
    assert "the digest" not in json.dumps(found)


async def test_e5_an_export_does_not_say_which_administrator_did_it_nor_to_whom_one_did(tmp_path: Path):
    async with open_site(tmp_path) as site:
        anna = await site.sign_up()
        boss = await site.add_admin()
        user_id = anna["user"]["user_id"]
        answer = await site.client.put(
            f"/admin/users/{user_id}/role",
            json={"role": "analyst"},
            headers=bearer(boss) | {"User-Agent": "the boss's"},
        )
        assert answer.status == HTTPStatus.NO_CONTENT
        own = await exported(site, anna["jwt_token"])
        (change,) = [one for one in own["auth_events"] if one["event"] == "authz_change"]
        assert (change["actor"], change["subject"], change["note"]) == (None, user_id, "role analyst")
        assert (change["peer"], change["user_agent"], change["sid"], change["request_id"]) == ("", "", None, None)
        theirs = await exported(site, boss)
        (change,) = [one for one in theirs["auth_events"] if one["event"] == "authz_change"]
        assert (change["actor"], change["subject"]) == (theirs["profile"]["user_id"], None)
        assert user_id not in json.dumps(theirs)


async def test_e5_an_export_has_audit_entries_of_any_number(tmp_path: Path):
    async with open_site(tmp_path) as site:
        anna = await site.sign_up()
        row = AuditRow(at=site.clock.now, event="authn_login_fail", outcome="failure", subject=anna["user"]["user_id"])
        for _ in range(AUTH_EVENTS_AT_ONCE):
            await site.audit.append(row)
        numbers = [one["number"] for one in (await exported(site, anna["jwt_token"]))["auth_events"]]
    assert numbers == list(range(AUTH_EVENTS_AT_ONCE + 2, 0, -1))


async def test_e5_an_export_of_somebody_who_did_nothing_is_whole(tmp_path: Path):
    async with open_site(tmp_path) as site:
        assert (await exported(site, (await site.sign_up())["jwt_token"]))["events"] == []


class FailingStore(MemoryStore):
    """Fails after so many chunks of an export."""

    def __init__(self, chunks: int) -> None:
        super().__init__()
        self._chunks = chunks

    async def export(self, query: ExportQuery) -> AsyncGenerator[bytes, None]:
        for _ in range(self._chunks):
            yield b'{"event_id":"e"}\n' * 1000
        raise StoreDown("nobody")


async def test_e5_an_export_without_the_store_is_503(tmp_path: Path):
    async with open_site(tmp_path, asked=FailingStore(0)) as site:
        token = (await site.sign_up())["jwt_token"]
        answer = await site.client.get("/auth/me/export", headers=bearer(token))
        assert (answer.status, (await answer.json())["code"]) == (503, "store_down")


async def test_e5_an_export_that_breaks_is_not_taken_for_a_whole_one(tmp_path: Path):
    async with open_site(tmp_path, asked=FailingStore(2)) as site:
        token = (await site.sign_up())["jwt_token"]
        with pytest.raises(aiohttp.ClientError):
            await exported(site, token)


async def test_e5_an_export_needs_a_token_and_answers_head_without_a_body(tmp_path: Path):
    async with open_site(tmp_path) as site:
        assert (await site.client.get("/auth/me/export")).status == HTTPStatus.UNAUTHORIZED
        token = (await site.sign_up())["jwt_token"]
        answer = await site.client.head("/auth/me/export", headers=bearer(token))
        assert (answer.status, await answer.read()) == (HTTPStatus.OK, b"")
        assert "attachment" in answer.headers["Content-Disposition"]
