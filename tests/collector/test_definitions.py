"""Event definitions: made, repaired, read and deleted as R1 asks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.collector.app_site import DEFINITIONS_MAX, AppSite, open_apps

R1 = {
    "events": [{"name": "Part Count", "attrs": [{"name": "part", "type": "string"}, {"name": "n", "type": "integer"}]}]
}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[AppSite]:
    async with open_apps(tmp_path) as opened:
        yield opened


@pytest.fixture
async def app_code(site: AppSite) -> str:
    return (await site.created())["app_code"]


def named(*names: str) -> dict[str, object]:
    return {"events": [{"name": name} for name in names]}


async def names_of(site: AppSite, app_code: str) -> list[str]:
    return [one["name"] for one in (await site.ok("GET", f"/app/{app_code}/events"))["events"]]


async def test_one_event_is_defined_and_read_back_as_r1_shows(site: AppSite, app_code: str):
    made = await site.ok("POST", f"/app/create_event/{app_code}", R1)
    assert made.keys() == {"event_code", "app_code"}
    assert made["event_code"].startswith("part-count-")
    assert len(made["event_code"]) <= 64
    shown = await site.ok("GET", f"/app/{app_code}/events")
    assert shown == {
        "app_code": app_code,
        "mode": "off",
        "events": [{"event_code": made["event_code"], **R1["events"][0]}],
    }


async def test_of_several_events_every_code_is_answered(site: AppSite, app_code: str):
    made = await site.ok("POST", f"/app/create_event/{app_code}", named("a", "b"))
    assert made["event_codes"][0] == made["event_code"]
    shown = (await site.ok("GET", f"/app/{app_code}/events"))["events"]
    assert [one["event_code"] for one in shown] == made["event_codes"]


async def test_a_name_that_is_defined_again_is_repaired_and_keeps_its_code_and_place(site: AppSite, app_code: str):
    first = await site.ok("POST", f"/app/create_event/{app_code}", named("a", "b"))
    repaired = {"name": "a", "attrs": [{"name": "n", "type": "number"}]}
    again = await site.ok("POST", f"/app/create_event/{app_code}", {"events": [{"name": "c"}, repaired]})
    assert again["event_codes"][1] == first["event_code"]
    shown = (await site.ok("GET", f"/app/{app_code}/events"))["events"]
    assert [one["name"] for one in shown] == ["a", "b", "c"]
    assert shown[0] == {"event_code": first["event_code"], **repaired}


async def test_the_same_definition_again_changes_nothing_and_is_not_on_record(site: AppSite, app_code: str):
    first = await site.ok("POST", f"/app/create_event/{app_code}", R1)
    assert await site.ok("POST", f"/app/create_event/{app_code}", R1) == first
    assert [row.event for row in await site.audited()] == ["app_created", "app_updated"]


async def test_a_definition_is_deleted_and_its_name_gets_another_code(site: AppSite, app_code: str):
    first = (await site.ok("POST", f"/app/create_event/{app_code}", named("a")))["event_code"]
    await site.ok("DELETE", f"/app/{app_code}/events/{first}")
    problem = await site.refused(404, "DELETE", f"/app/{app_code}/events/{first}")
    assert problem["code"] == "definition_unknown"
    assert (await site.ok("POST", f"/app/create_event/{app_code}", named("a")))["event_code"] != first


async def test_an_application_has_so_many_definitions_and_of_a_body_all_or_none(site: AppSite, app_code: str):
    names = [f"e{number}" for number in range(DEFINITIONS_MAX)]
    await site.ok("POST", f"/app/create_event/{app_code}", named(*names[:-1]))
    problem = await site.refused(409, "POST", f"/app/create_event/{app_code}", named("x", "y"))
    assert problem["code"] == "too_many_definitions"
    assert await names_of(site, app_code) == names[:-1]
    await site.ok("POST", f"/app/create_event/{app_code}", named(*names))
    assert await names_of(site, app_code) == names


async def test_definitions_outlive_a_restart(tmp_path: Path):
    async with open_apps(tmp_path) as site:
        app_code = (await site.created())["app_code"]
        await site.ok("POST", f"/app/create_event/{app_code}", R1)
        before = await site.ok("GET", f"/app/{app_code}/events")
    async with open_apps(tmp_path) as site:
        assert await site.ok("GET", f"/app/{app_code}/events") == before


@pytest.mark.parametrize(
    ("events", "path", "code"),
    [
        ([], "$.events", "wrong_value"),
        ({}, "$.events", "wrong_type"),
        ([{}], "$.events[0].name", "missing"),
        ([{"name": ""}], "$.events[0].name", "wrong_value"),
        ([{"name": "x" * 129}], "$.events[0].name", "wrong_value"),
        ([{"name": "a"}, {"name": "b"}, {"name": "a"}], "$.events[2].name", "repeated"),
        ([{"name": "a", "code": "mine"}], "$.events[0].code", "extra_forbidden"),
        ([{"name": "a", "attrs": [{"name": "n"}]}], "$.events[0].attrs[0].type", "missing"),
        ([{"name": "a", "attrs": [{"name": "n", "type": "text"}]}], "$.events[0].attrs[0].type", "wrong_value"),
        ([{"name": "a", "attrs": [{"name": "", "type": "string"}]}], "$.events[0].attrs[0].name", "wrong_value"),
        ([{"name": "a", "attrs": [{"name": "n", "type": "string"}] * 2}], "$.events[0].attrs[1].name", "repeated"),
        ([{"name": "a", "attrs": [{"name": "n", "type": "string"}] * 257}], "$.events[0].attrs", "wrong_value"),
        ([{"name": f"e{number}"} for number in range(101)], "$.events", "wrong_value"),
    ],
)
async def test_a_definition_that_cannot_be_is_422(site: AppSite, app_code: str, events: object, path: str, code: str):
    problem = await site.refused(422, "POST", f"/app/create_event/{app_code}", {"events": events})
    assert [(one["path"], one["code"]) for one in problem["errors"]] == [(path, code)]
