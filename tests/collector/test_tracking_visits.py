"""POST /visits: R3's pageview."""

import pytest

from tests.collector.tracking_site import SIGNED_IN, Members, TrackingSite, fields


async def test_a_visit_is_a_pageview(tracking: TrackingSite):
    answer = await tracking.accepted({"page_url": "/a", "timestamp": "2026-11-19T10:00:00+03:00"}, "/visits")
    assert answer["status"] == "accepted"
    assert (await tracking.lines())[str(answer["receipt"])] == {
        "event_id": answer["event_id"],
        "app_code": "site",
        "source_label": "pageview",
        "received_at": "2026-11-20T12:30:15.250000Z",
        "occurred_at": "2026-11-19T07:00:00Z",
        "anonymous_id": tracking.visitor,
        "page_url": "/a",
    }


@pytest.mark.parametrize("user_id", [7, "7"])
async def test_a_visit_with_ones_own_user_id_is_ones_own(tracking: TrackingSite, user_id: object):
    line = await tracking.line_of({"page_url": "/a", "user_id": user_id}, "/visits", **SIGNED_IN)
    assert line["user_id"] == "7"
    assert "attrs" not in line


async def test_a_visit_without_user_id_is_the_signed_in_users(tracking: TrackingSite):
    assert (await tracking.line_of({"page_url": "/a"}, "/visits", **SIGNED_IN))["user_id"] == "7"


@pytest.mark.parametrize("user_id", [8, "8", "07"])
async def test_a_visit_with_anothers_user_id_is_403(tracking: TrackingSite, user_id: object):
    problem = await tracking.refused({"page_url": "/a", "user_id": user_id}, 403, "/visits", **SIGNED_IN)
    assert problem["code"] == "not_yours"


async def test_the_user_id_of_a_stranger_is_a_claim(tracking: TrackingSite):
    line = await tracking.line_of({"page_url": "/a", "user_id": 8}, "/visits")
    assert line["attrs"] == {"claimed_id_user": "8"}
    assert "user_id" not in line


async def test_unknown_members_of_a_visit_become_attrs(tracking: TrackingSite):
    visit = {"page_url": "/a", "source_label": "mine", "x": 1, "attrs": {"y": 2}}
    line = await tracking.line_of(visit, "/visits")
    assert line["source_label"] == "pageview"
    assert line["attrs"] == {"source_label": "mine", "x": 1, "y": 2}


@pytest.mark.parametrize(
    ("visit", "path", "code"),
    [
        ({}, "$.page_url", "missing"),
        ({"page_url": ""}, "$.page_url", "wrong_value"),
        ({"page_url": "/" * 4097}, "$.page_url", "wrong_value"),
        ({"page_url": None}, "$.page_url", "wrong_type"),
        ({"page_url": "/a", "timestamp": "noon"}, "$.timestamp", "wrong_value"),
        ({"page_url": "/a", "timestamp": "0001-01-01T00:00:00+14:00"}, "$.timestamp", "wrong_value"),
        ({"page_url": "/a", "attrs": {str(n): n for n in range(257)}}, "$.attrs", "wrong_value"),
        ({"page_url": "/a", "attrs": "x"}, "$.attrs", "wrong_type"),
        ([{"page_url": "/a"}], "$", "wrong_type"),
    ],
)
async def test_what_is_wrong_with_a_visit_is_named(tracking: TrackingSite, visit: Members, path: str, code: str):
    assert fields(await tracking.refused(visit, 422, "/visits")) == [(path, code)]
