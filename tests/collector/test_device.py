"""R1's device service: what devices send in each of its shapes, and whose it is."""

import msgspec
import pytest
from msgspec.structs import replace

from storage.app import AttrDefinition, EventDefinition, Mode
from tests.collector.test_tracking_apps import NOBODYS, WEIGHTS
from tests.collector.tracking_site import SIGNED_IN, Members, TrackingSite, fields

PARTS = EventDefinition(
    "part-count-0b7e3c9e-31c5-4f3e-9d3c-5a1f0c6d2e11",
    "Part Count",
    (AttrDefinition("part", "string"), AttrDefinition("n", "integer")),
)
PATH = "/device/weights-1"
TOKEN = {"X-Api-Token": "ft_new"}
MESSAGE = {"user_code": "u1", "event_name": "part-count"}
AS_PRINTED = MESSAGE | {"attrs": [{"name": "part"}, {"name": "n"}]}


async def define(site: TrackingSite, mode: Mode = "off") -> None:
    await site.apps.add(replace(WEIGHTS, mode=mode, definitions=(PARTS,)))


async def line_of(site: TrackingSite, body: object, path: str = PATH, **headers: str) -> Members:
    answer = await site.post(body, path, **(TOKEN | headers))
    assert answer.status == 200, await answer.text()
    assert "Set-Cookie" not in answer.headers
    return (await site.lines())[(await answer.json())["receipt"]]


SHAPES = {
    "as printed": ([{"name": "part"}, {"name": "n"}], {"part": None, "n": None}),
    "names and values": ([{"name": "part", "value": "diode"}, {"name": "n", "value": 7}], {"part": "diode", "n": 7}),
    "names, types and values": ([{"name": "n", "type": "integer", "value": 7}], {"n": 7}),
    "names and types": ([{"name": "n", "type": "integer"}], {"n": None}),
    "an object": ({"part": "diode", "n": 7}, {"part": "diode", "n": 7}),
    "no attrs": ([], {}),
    "an object of none": ({}, {}),
    "null": (None, {}),
    "a name like a member": ([{"name": "user_code", "value": "x"}], {"user_code": "x"}),
}


@pytest.mark.parametrize(("attrs", "kept"), SHAPES.values(), ids=SHAPES.keys())
async def test_a_message_is_an_action_of_its_user(tracking: TrackingSite, attrs: object, kept: dict[str, object]):
    await define(tracking)
    line = await line_of(tracking, MESSAGE | {"attrs": attrs})
    assert (line["app_code"], line["user_id"], line["source_label"]) == ("weights-1", "u1", "part-count")
    assert line["attrs"] == kept
    assert line.get("anonymous_id") is None


async def test_a_message_says_its_time_and_id_as_an_action_does_and_what_has_no_name_is_an_attr(
    tracking: TrackingSite,
):
    await define(tracking)
    sent = MESSAGE | {"user_code": 9841, "event_id": "e1", "date_created": "2018-04-10 12:09:07", "lab": 3, "attrs": {}}
    line = await line_of(tracking, sent)
    assert (line["user_id"], line["event_id"], line["attrs"]) == ("9841", "e1", {"lab": 3})
    assert line["occurred_at"] == "2018-04-10T12:09:07Z"
    answer = await (await tracking.post(sent, PATH, **TOKEN)).json()
    assert answer["status"] == "duplicate"


async def test_an_attr_wins_over_another_member_of_its_name(tracking: TrackingSite):
    await define(tracking)
    assert (await line_of(tracking, MESSAGE | {"n": 1, "attrs": [{"name": "n", "value": 2}]}))["attrs"] == {"n": 2}


async def test_it_comes_packed_and_as_a_form_too(tracking: TrackingSite):
    await define(tracking)
    packed = msgspec.msgpack.encode(MESSAGE | {"attrs": {"n": 7}})
    assert (await line_of(tracking, packed, **{"Content-Type": "application/msgpack"}))["attrs"] == {"n": 7}
    form = b"user_code=u1&event_name=part-count&part=diode"
    line = await line_of(tracking, form, **{"Content-Type": "application/x-www-form-urlencoded"})
    assert line["attrs"] == {"part": "diode"}


async def test_the_token_may_stand_in_the_query(tracking: TrackingSite):
    await define(tracking)
    assert (await tracking.post(AS_PRINTED, f"{PATH}?api_token=ft_old")).status == 200


@pytest.mark.parametrize("mode", ["off", "warn", "enforce"])
async def test_an_event_that_is_not_defined_goes_by_the_mode(tracking: TrackingSite, mode: Mode):
    await define(tracking, mode)
    assert (await tracking.post(AS_PRINTED, PATH, **TOKEN)).status == 200
    answer = await tracking.post(AS_PRINTED | {"event_name": "eaten"}, PATH, **TOKEN)
    last = list((await tracking.lines()).values())[-1]
    if mode == "enforce":
        assert (answer.status, fields(await answer.json())) == (422, [("$.source_label", "event_undefined")])
        assert last["rejected_code"] == "event_undefined"
    else:
        assert answer.status == 200
        assert last.get("violation") == ("$.source_label event_undefined" if mode == "warn" else None)


async def refusal(site: TrackingSite, path: str, **headers: str) -> tuple[int, bytes]:
    answer = await site.post(AS_PRINTED, path, **headers)
    return answer.status, await answer.read()


async def test_every_token_that_is_not_the_applications_is_answered_alike(tracking: TrackingSite):
    await define(tracking)
    await tracking.apps.add(replace(WEIGHTS, app_code="other-1", owner_id="8", write_tokens=()))
    refused = [await refusal(tracking, f"{PATH}?api_token={token}") for token in NOBODYS.values()]
    refused += [await refusal(tracking, path, **TOKEN) for path in ("/device/other-1", "/device/site", "/device/x")]
    refused += [await refusal(tracking, path) for path in (PATH, "/device/site", "/device/%00")]
    refused.append(await refusal(tracking, PATH, **{"X-Api-Token": "ft_nobody"}))
    assert refused[0][0] == 401
    assert b'"api_token_unknown"' in refused[0][1]
    assert all(one == refused[0] for one in refused)
    assert await tracking.lines() == {}


async def test_a_signed_in_caller_stays_the_user(tracking: TrackingSite):
    await define(tracking)
    line = await line_of(tracking, AS_PRINTED, **SIGNED_IN)
    assert (line["user_id"], line["attrs"]["claimed_id_user"]) == ("7", "u1")


WRONG = {
    "an array": ([AS_PRINTED], "$", "wrong_type"),
    "no user": ({"event_name": "a"}, "$.user_code", "missing"),
    "an empty user": (MESSAGE | {"user_code": ""}, "$.user_code", "wrong_value"),
    "a user of 65": (MESSAGE | {"user_code": "u" * 65}, "$.user_code", "wrong_value"),
    "a user that is none": (MESSAGE | {"user_code": [7]}, "$.user_code", "wrong_type"),
    "no event": ({"user_code": "u1"}, "$.event_name", "missing"),
    "an event of 129": (MESSAGE | {"event_name": "a" * 129}, "$.event_name", "wrong_value"),
    "attrs that are a text": (MESSAGE | {"attrs": "a"}, "$.attrs", "wrong_type"),
    "an attr that is a text": (MESSAGE | {"attrs": ["a"]}, "$.attrs[0]", "wrong_type"),
    "an attr without a name": (MESSAGE | {"attrs": [{"value": 1}]}, "$.attrs[0].name", "missing"),
    "an attr of an empty name": (MESSAGE | {"attrs": [{"name": ""}]}, "$.attrs[0].name", "wrong_value"),
    "an attr of another type": (MESSAGE | {"attrs": [{"name": "n", "type": "int"}]}, "$.attrs[0].type", "wrong_value"),
    "an attr with more": (MESSAGE | {"attrs": [{"name": "n", "unit": "g"}]}, "$.attrs[0].unit", "extra_forbidden"),
    "an attr twice": (MESSAGE | {"attrs": [{"name": "n"}, {"name": "n"}]}, "$.attrs[1].name", "repeated"),
    "257 attrs": (MESSAGE | {"attrs": [{"name": f"n{at}"} for at in range(257)]}, "$.attrs", "wrong_value"),
    "257 of both": (MESSAGE | {"x": 1, "attrs": [{"name": f"n{at}"} for at in range(256)]}, "$.attrs", "wrong_value"),
    "a time that is none": (MESSAGE | {"date_created": "soon"}, "$.date_created", "wrong_value"),
}


@pytest.mark.parametrize(("body", "path", "code"), WRONG.values(), ids=WRONG.keys())
async def test_what_is_no_message_is_422_and_named(tracking: TrackingSite, body: object, path: str, code: str):
    await define(tracking)
    assert fields(await tracking.refused(body, 422, PATH, **TOKEN)) == [(path, code)]


@pytest.mark.parametrize("raw", [b"", b"{", b"nothing", b'{"user_code":"\xff"}'])
async def test_what_is_no_json_is_400(tracking: TrackingSite, raw: bytes):
    await define(tracking)
    await tracking.refused(raw, 400, PATH, **TOKEN)
