"""GET /admin/apps: every application, whose it is, and that an erased owner's are nobody's."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from collector.administration.apps import AdminAppAnswers
from collector.applications.built_in import built_in_app
from tests.collector.app_site import CALLERS, HOME, NOW, AppSite, open_apps
from tests.contracts.users import user
from tests.fakes.users import MemoryUsers

ANNA = replace(user("anna"), user_id=CALLERS["anna"].user_id)
BORIS = replace(user(email="boris@example.org"), user_id=CALLERS["boris"].user_id)


@pytest.fixture
async def users() -> MemoryUsers:
    kept = MemoryUsers()
    for one in (ANNA, BORIS):
        await kept.add(one)
    return kept


@pytest.fixture
async def site(tmp_path: Path, users: MemoryUsers) -> AsyncIterator[AppSite]:
    more = lambda apps: AdminAppAnswers(apps, users, built_in_app([HOME])).routes()  # noqa: E731
    async with open_apps(tmp_path, more=more) as opened:
        for name, owner in (("Shop", "anna"), ("Blog", "boris"), ("Shop 2", "anna")):
            await opened.created(name, as_=owner)
            opened.clock.advance(seconds=1)
        yield opened


async def names(site: AppSite, query: str = "") -> list[str]:
    return [one["app_name"] for one in (await site.ok("GET", f"/admin/apps{query}", as_="boss"))["apps"]]


async def test_the_built_in_application_comes_first_and_then_the_oldest_each_with_its_owner(site: AppSite):
    answer = await site.ok("GET", "/admin/apps", as_="boss")
    assert answer["total"] == 4
    assert [(one["app_name"], one["owner"]) for one in answer["apps"]] == [
        ("site", None),
        ("Shop", "anna"),
        ("Blog", "boris@example.org"),
        ("Shop 2", "anna"),
    ]
    built_in, shop = answer["apps"][:2]
    assert (built_in["app_code"], built_in["origins"], built_in["tokens"]) == ("site", [HOME], 0)
    assert (shop["owner_id"], shop["tokens"], shop["definitions"]) == (ANNA.user_id, 1, 0)
    assert "ffw_" not in str(answer)


async def test_applications_are_searched_and_cut(site: AppSite):
    assert await names(site, "?search=sHOP") == ["Shop", "Shop 2"]
    assert await names(site, f"?search={BORIS.user_id}") == ["Blog"]
    assert await names(site, "?search=site") == ["site"]
    assert await names(site, "?search=nothing") == []
    cut = await site.ok("GET", "/admin/apps?limit=2", as_="boss")
    assert (len(cut["apps"]), cut["total"]) == (2, 4)


@pytest.mark.parametrize("query", ["?limit=0", "?limit=1001", "?search=", "?owner=anna", "?limit=1&limit=2"])
async def test_a_wrong_parameter_is_422(site: AppSite, query: str):
    assert (await site.refused(422, "GET", f"/admin/apps{query}", as_="boss"))["code"] == "query_invalid"


@pytest.mark.parametrize(("as_", "status"), [(None, 401), ("anna", 403), ("ana", 403)])
async def test_only_administrators_see_all(site: AppSite, as_: str | None, status: int):
    await site.refused(status, "GET", "/admin/apps", as_=as_)


async def test_an_erased_owners_applications_stay_and_take_events_until_an_administrator_deletes_them(
    site: AppSite, users: MemoryUsers
):
    (app, _) = (await site.ok("GET", "/app"))["apps"]
    await users.remove(ANNA.user_id, datetime(2026, 11, 21, tzinfo=UTC))
    assert await site.tracked(app["api_token"]) == 202
    listed = (await site.ok("GET", "/admin/apps", as_="boss"))["apps"][1]
    assert (listed["app_code"], listed["owner"], listed["created_at"]) == (
        app["app_code"],
        None,
        NOW.isoformat().replace("+00:00", "Z"),
    )
    await site.ok("DELETE", f"/app/{app['app_code']}", as_="boss")
    assert await site.tracked(app["api_token"]) == 401
