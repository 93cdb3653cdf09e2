"""Whose action it was: what is proved, what is claimed, what is refused."""

from datetime import UTC, datetime

import pytest

from storage.app import App, WriteToken
from tests.collector.tracking_site import SIGNED_IN, Members, TrackingSite, fields


def who(line: Members) -> tuple[object, object]:
    return line.get("user_id"), (line.get("attrs") or {}).get("claimed_id_user")


@pytest.mark.parametrize(
    ("headers", "id_user", "user_id", "claimed"),
    [
        ({}, None, None, None),
        ({}, 9841, None, "9841"),
        ({}, "9841", None, "9841"),
        ({}, 0, None, "0"),
        ({}, -5, None, "-5"),
        ({}, 2**63 - 1, None, str(2**63 - 1)),
        ({}, "u" * 64, None, "u" * 64),
        (SIGNED_IN, None, "7", None),
        (SIGNED_IN, 7, "7", None),
        (SIGNED_IN, "7", "7", None),
        (SIGNED_IN, "07", "7", "07"),
        (SIGNED_IN, 9841, "7", "9841"),
    ],
)
async def test_the_user_is_the_signed_in_one_and_any_other_a_claim(
    tracking: TrackingSite, headers: dict[str, str], id_user: object, user_id: str | None, claimed: str | None
):
    action = {"source_label": "a"} | ({} if id_user is None else {"id_user": id_user})
    assert who(await tracking.line_of(action, **headers)) == (user_id, claimed)
    await tracking.accepted([action], **headers)
    assert who(list((await tracking.lines()).values())[-1]) == (user_id, claimed)


async def test_a_claim_replaces_an_attr_of_its_name(tracking: TrackingSite):
    line = await tracking.line_of({"source_label": "a", "id_user": 5, "attrs": {"claimed_id_user": "6", "n": 1}})
    assert line["attrs"] == {"claimed_id_user": "5", "n": 1}


@pytest.mark.parametrize("id_user", ["", "u" * 65, 2**63, -(2**63) - 1, 10**64, 7.0, 7.5, True, [7], {"id": 7}])
async def test_what_is_no_id_of_a_user_is_named(tracking: TrackingSite, id_user: object):
    body = {"source_label": "a", "id_user": id_user}
    assert [path for path, _ in fields(await tracking.refused(body, 422))] == ["$.id_user"]
    problem = await tracking.refused({"page_url": "/a", "user_id": id_user}, 422, "/visits")
    assert [path for path, _ in fields(problem)] == ["$.user_id"]


@pytest.mark.parametrize("path", ["/track", "/visits"])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-Api-Token": "ff_unknown"}, "api_token_unknown"),
        ({"X-Api-Token": ""}, "api_token_unknown"),
        ({"X-Api-Token": "ff_unknown"} | SIGNED_IN, "api_token_unknown"),
        ({"Authorization": "Bearer forged"}, "invalid_token"),
    ],
)
async def test_a_bad_token_is_401_and_not_an_unknown_visitor(
    tracking: TrackingSite, path: str, headers: dict[str, str], code: str
):
    before = tracking.log.health()
    answer = await tracking.post({"source_label": "a", "page_url": "/a"}, path, **headers)
    assert (answer.status, (await answer.json())["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert tracking.log.health() == before


async def test_the_users_that_an_application_names_in_one_request_share_no_visitor(tracking: TrackingSite):
    made_at = datetime(2026, 11, 1, tzinfo=UTC)
    tokens = (WriteToken("t", "the-token", made_at),)
    await tracking.apps.add(
        App(app_code="shop", app_name="shop", owner_id="u", created_at=made_at, write_tokens=tokens)
    )
    sent = [{"source_label": "a", "id_user": user} for user in ("ada", "bob")]
    answer = await tracking.post(sent, **{"X-Api-Token": "the-token"})
    assert "Set-Cookie" not in answer.headers
    lines = list((await tracking.lines()).values())
    assert [(line["user_id"], line.get("anonymous_id")) for line in lines] == [("ada", None), ("bob", None)]
