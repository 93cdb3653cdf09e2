"""Whose application an action goes to: the api_token says it, and what is none is refused as every other one."""

import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from collector.tracking.visitor import of_app
from storage.app import App, WriteToken
from tests.collector.tracking_site import R0, SIGNED_IN, TrackingSite, fields, open_tracking

CREATED = datetime(2026, 11, 1, tzinfo=UTC)
WEIGHTS = App(
    app_code="weights-1",
    app_name="Weights",
    owner_id="7",
    created_at=CREATED,
    write_tokens=(WriteToken("new", "ft_new", CREATED), WriteToken("old", "ft_old", CREATED)),
)


@pytest.fixture
async def site(tracking: TrackingSite) -> TrackingSite:
    await tracking.apps.add(WEIGHTS)
    return tracking


@pytest.mark.parametrize("token", ["ft_new", "ft_old"])
async def test_a_token_in_the_query_does_what_one_in_the_header_does(site: TrackingSite, token: str):
    for path, headers in ((f"/track?api_token={token}", {}), ("/track", {"X-Api-Token": token})):
        line = await site.line_of(R0, path, **headers)
        assert (line["app_code"], line["user_id"], line.get("attrs")) == ("weights-1", "9841", None)


async def test_it_does_for_an_array_a_visit_and_a_page_too(site: TrackingSite):
    await site.accepted([R0, R0], "/track?api_token=ft_new")
    await site.accepted({"page_url": "/a"}, "/visits?api_token=ft_new")
    assert (await site.client.get("/pages/a?api_token=ft_new")).status == 202
    lines = (await site.lines()).values()
    assert [line["app_code"] for line in lines] == ["weights-1"] * 4
    assert list(lines)[-1]["page_url"] == "/pages/a"


async def test_an_application_learns_not_by_what_the_site_or_another_knows_a_visitor(site: TrackingSite):
    """Whoever signs in with a visitor's id gets the visitor's past: a link to `?api_token=` must not tell it."""
    await site.apps.add(
        replace(WEIGHTS, app_code="shop-1", app_name="Shop", write_tokens=(WriteToken("shop", "ft_shop", CREATED),))
    )
    for query in ("?api_token=ft_new", "?api_token=ft_shop", "", "?api_token=ft_old", "?api_token=ft_shop", ""):
        assert (await site.client.get(f"/pages/a{query}")).status == 202
    kept, lines = site.visitor, list((await site.lines()).values())
    assert kept is not None
    by_app = {line["app_code"]: line["anonymous_id"] for line in lines}
    assert [line["anonymous_id"] for line in lines] == [by_app[line["app_code"]] for line in lines]
    assert by_app == {app_code: of_app(kept, app_code) for app_code in ("weights-1", "shop-1", "site")}
    assert by_app["site"] == kept
    assert len(set(by_app.values())) == 3
    assert {uuid.UUID(one).version for one in by_app.values()} == {4}


async def test_the_header_wins(site: TrackingSite):
    assert (await site.line_of(R0, "/track?api_token=nobody", **{"X-Api-Token": "ft_new"}))["app_code"] == "weights-1"
    await site.refused(R0, 401, "/track?api_token=ft_new", **{"X-Api-Token": "nobody"})


async def test_a_signed_in_caller_stays_the_user_and_what_the_token_names_a_claim(site: TrackingSite):
    line = await site.line_of(R0, "/track?api_token=ft_new", **SIGNED_IN)
    assert (line["app_code"], line["user_id"], line["attrs"]) == ("weights-1", "7", {"claimed_id_user": "9841"})


async def test_a_session_token_in_the_query_is_nobody(site: TrackingSite):
    assert (await site.line_of({"source_label": "a"}, "/track?jwt_token=anna&token=anna")).get("user_id") is None


NOBODYS = {
    "unknown": "ft_nobody",
    "empty": "",
    "blank": "%20",
    "in another case": "FT_NEW",
    "with a space": "%20ft_new",
    "cut": "ft_ne",
    "not UTF-8": "%ff",
    "a NUL": "ft_new%00",
    "an app_code": "weights-1",
    "the built-in app": "site",
    "of 4,000 characters": "f" * 4000,
}


async def refusal(site: TrackingSite, token: str) -> tuple[int, bytes, dict[str, str]]:
    answer = await site.post(R0, f"/track?api_token={token}")
    headers = {name: value for name, value in answer.headers.items() if name != "Date"}
    return answer.status, await answer.read(), headers


async def test_every_token_that_is_nobodys_is_answered_alike_also_a_revoked_one_and_a_deleted_applications(
    site: TrackingSite,
):
    refused = [await refusal(site, token) for token in NOBODYS.values()]
    await site.apps.update("weights-1", lambda app: replace(app, write_tokens=app.write_tokens[:1]))
    refused.append(await refusal(site, "ft_old"))
    assert (await site.line_of(R0, "/track?api_token=ft_new"))["app_code"] == "weights-1"
    await site.apps.remove("weights-1")
    refused.append(await refusal(site, "ft_new"))
    assert refused[0][0] == 401
    assert b'"api_token_unknown"' in refused[0][1]
    assert all(one == refused[0] for one in refused)


@pytest.mark.parametrize("app_code", ["weights-2", "site", "WEIGHTS-1"])
async def test_a_token_opens_no_other_application(site: TrackingSite, app_code: str):
    problem = await site.refused(R0 | {"app_code": app_code}, 422, "/track?api_token=ft_new")
    assert fields(problem) == [("$.app_code", "app_unknown")]


async def test_without_a_token_the_application_is_not_to_be_had(site: TrackingSite):
    problem = await site.refused(R0 | {"app_code": "weights-1"}, 422)
    assert fields(problem) == [("$.app_code", "app_unknown")]


@pytest.mark.parametrize("path", ["/track", "/track?x=1", "/visits", "/track?api_token"])
async def test_where_tokens_are_required_nothing_comes_in_without(tmp_path: Path, path: str):
    async with open_tracking(tmp_path, token_required=True) as site:
        await site.apps.add(WEIGHTS)
        code = "api_token_unknown" if "api_token" in path else "api_token_missing"
        body = R0 | {"page_url": "/a"}
        assert (await site.refused(body, 401, path))["code"] == code
        assert (await site.refused(body, 401, path, **SIGNED_IN))["code"] == code
        assert (await site.client.get("/pages/a")).status == 401
        assert (await site.accepted(R0, "/track?api_token=ft_new"))["status"] == "accepted"
