"""What becomes of events that break their definition: kept, marked or put in quarantine, as their application says."""

import random

import msgspec
import pytest
from msgspec.structs import replace

from collector.tracking.door import Door
from collector.tracking.replay import NotReplayable, Replay
from collector.tracking.visitor import SITE
from collector.wire.problem import BodyInvalid
from storage.app import AttrDefinition, EventDefinition, Mode
from storage.duckdb.store import DuckDBStore
from storage.event import Event
from storage.query.rejected import RejectedQuery, RejectedRawQuery
from tests.collector.test_tracking_apps import WEIGHTS
from tests.collector.test_tracking_loading import load, store
from tests.collector.tracking_site import EVENT_BYTES_MAX, NOW, SIGNED_IN, Members, TrackingSite, fields

__all__ = ["store"]  # the fixture

UUID = "0b7e3c9e-31c5-4f3e-9d3c-5a1f0c6d2e11"
WEIGHED = EventDefinition(
    f"weighed-{UUID}", "Weighed", (AttrDefinition("grams", "integer"), AttrDefinition("part", "string"))
)
TOKEN = {"X-Api-Token": "ft_new"}

GOOD = {"source_label": "weighed", "attrs": {"grams": 7, "part": None}}
BROKEN = {
    "an event that is not defined": ({"source_label": "eaten"}, "$.source_label", "event_undefined"),
    "a pageview that is not": ({"source_label": "pageview", "page_url": "/a"}, "$.source_label", "event_undefined"),
    "an attr that is not": ({"source_label": "Weighed", "attrs": {"g": 7}}, "$.attrs.g", "attr_undefined"),
    "a context that is none": ({"source_label": "Weighed", "context": "x"}, "$.attrs.context", "attr_undefined"),
    "an unknown member": ({"source_label": "Weighed", "color": "red"}, "$.attrs.color", "attr_undefined"),
    "another type": ({"source_label": "Weighed", "attrs": {"grams": "7"}}, "$.attrs.grams", "attr_type_wrong"),
    "another type by its code": ({"source_label": WEIGHED.event_code, "part": 7}, "$.attrs.part", "attr_type_wrong"),
}


async def define(site: TrackingSite, mode: Mode, **changed: object) -> None:
    await site.apps.add(replace(WEIGHTS, mode=mode, definitions=(WEIGHED,), **changed))


@pytest.mark.parametrize(("body", "_path", "_code"), BROKEN.values(), ids=BROKEN.keys())
async def test_off_nothing_is_looked_at(tracking: TrackingSite, body: Members, _path: str, _code: str):
    await define(tracking, "off")
    assert "violation" not in await tracking.line_of(body, **TOKEN)


@pytest.mark.parametrize(("body", "path", "code"), BROKEN.values(), ids=BROKEN.keys())
async def test_warn_keeps_it_and_says_what_is_wrong(tracking: TrackingSite, body: Members, path: str, code: str):
    await define(tracking, "warn")
    assert (await tracking.line_of(body, **TOKEN))["violation"] == f"{path} {code}"
    answer = await tracking.accepted([GOOD, body], **TOKEN)
    assert (answer["accepted"], answer["rejected"]) == (2, 0)
    *_, good, again = (await tracking.lines()).values()
    assert (good.get("violation"), again["violation"]) == (None, f"{path} {code}")


@pytest.mark.parametrize(("body", "path", "code"), BROKEN.values(), ids=BROKEN.keys())
async def test_enforce_refuses_it_names_what_is_wrong_and_keeps_all_of_it_aside(
    tracking: TrackingSite, body: Members, path: str, code: str
):
    await define(tracking, "enforce")
    answer = await tracking.post(body | {"anonymous_id": "v1", "referrer": "x" * 3000}, **TOKEN)
    assert (answer.status, fields(await answer.json())) == (422, [(path, code)])
    (line,) = (await tracking.lines()).values()
    assert (line["rejected_code"], line["app_code"]) == (code, "weights-1")
    event = msgspec.json.decode(line["rejected_raw"], type=Event)
    assert (event.source_label, event.anonymous_id, event.received_at) == (body["source_label"], "v1", NOW)
    assert (event.referrer, event.violation) == ("x" * 3000, f"{path} {code}")
    assert tracking.log.health().rejected == 1


async def test_what_is_as_defined_is_accepted_by_all_its_names(tracking: TrackingSite):
    await define(tracking, "enforce")
    for label in ("Weighed", "weighed", WEIGHED.event_code):
        await tracking.accepted(GOOD | {"source_label": label}, **TOKEN)


async def test_in_an_array_the_others_are_stored_and_the_broken_one_is_named(tracking: TrackingSite):
    await define(tracking, "enforce")
    body, _, code = BROKEN["another type"]
    answer = await tracking.accepted([GOOD, body, {"source_label": ""}, GOOD], **TOKEN)
    assert (answer["accepted"], answer["rejected"]) == (2, 2)
    assert [(one["status"], one.get("code"), one.get("path")) for one in answer["results"]] == [
        ("accepted", None, None),
        ("rejected", code, "$[1].attrs.grams"),
        ("rejected", "wrong_value", "$[2].source_label"),
        ("accepted", None, None),
    ]
    kept = [line["rejected_raw"] for line in (await tracking.lines()).values() if "rejected_raw" in line]
    assert msgspec.json.decode(kept[0])["attrs"] == {"grams": "7"}
    assert kept[1] == '{"source_label":""}'
    assert tracking.log.health().rejected == 2


async def test_an_array_of_broken_ones_only_is_422_and_kept_aside_all_the_same(tracking: TrackingSite):
    await define(tracking, "enforce")
    answer = await tracking.post([{"source_label": "eaten"}, {"source_label": 7}], **TOKEN)
    found = [("$[0].source_label", "event_undefined"), ("$[1].source_label", "wrong_type")]
    assert (answer.status, fields(await answer.json())) == (422, found)
    codes = [line["rejected_code"] for line in (await tracking.lines()).values()]
    assert codes == ["event_undefined", "wrong_type"]
    assert tracking.log.health().rejected == 2


async def test_a_broken_event_over_the_limit_is_too_large_and_not_kept(tracking: TrackingSite):
    await define(tracking, "enforce")
    body = {"source_label": "eaten", "attrs": {"x": "y" * EVENT_BYTES_MAX}}
    assert (await tracking.refused(body, 413, **TOKEN))["code"] == "event_too_large"


async def test_a_claim_of_the_door_is_no_attr_of_the_event(tracking: TrackingSite):
    await define(tracking, "enforce")
    line = await tracking.line_of(GOOD | {"id_user": "9841"}, **TOKEN, **SIGNED_IN)
    assert line["attrs"]["claimed_id_user"] == "9841"


async def test_the_site_itself_and_other_applications_are_as_they_were(tracking: TrackingSite):
    await define(tracking, "enforce")
    assert "violation" not in await tracking.line_of({"source_label": "eaten"})


async def test_a_definition_that_changes_is_the_one_that_counts(tracking: TrackingSite):
    await define(tracking, "enforce")
    body = BROKEN["another type"][0]
    assert (await tracking.post(body, **TOKEN)).status == 422
    text = replace(WEIGHED, attrs=(AttrDefinition("grams", "string"),))
    await tracking.apps.update("weights-1", lambda app: replace(app, definitions=(text,)))
    assert (await tracking.post(body, **TOKEN)).status == 202


def replay_of(site: TrackingSite) -> Replay:
    door = Door(lambda: NOW, random.Random(2).getrandbits, event_bytes_max=EVENT_BYTES_MAX)
    return Replay(site.log, door, site.apps, SITE)


async def quarantined(site: TrackingSite, store: DuckDBStore, code: str) -> tuple:
    """Load everything, and return the rejected item of the code with its bytes."""
    await load(site, store)
    with store.reader() as asked:
        (row,) = asked.rejected(RejectedQuery(limit=9, app_code="weights-1", code=code)).rows
        log_id, _, offset = row.receipt.partition(":")
        return row, asked.rejected_raw(RejectedRawQuery(log_id, int(offset))).raw


async def test_a_replay_after_the_definition_is_repaired_is_the_event_as_it_came(
    tracking: TrackingSite, store: DuckDBStore
):
    await define(tracking, "enforce")
    sent = {"source_label": "weighed", "id_user": "u1", "anonymous_id": "v1", "grams": "7", "event_id": "e1"}
    assert (await tracking.post(sent, **TOKEN)).status == 422
    row, raw = await quarantined(tracking, store, "attr_type_wrong")
    assert row.reason == "$.attrs.grams"
    with pytest.raises(BodyInvalid) as refusal:
        await replay_of(tracking).replay(row, raw)
    assert refusal.value.errors[0].path == "$.attrs.grams"
    text = replace(WEIGHED, attrs=(AttrDefinition("grams", "string"),))
    await tracking.apps.update("weights-1", lambda app: replace(app, definitions=(text,)))
    accepted = await replay_of(tracking).replay(row, raw)
    line = (await tracking.lines())[accepted.receipt]
    assert (line["app_code"], line["user_id"], line["anonymous_id"]) == ("weights-1", "u1", "v1")
    assert (line["event_id"], line["id_given"], line["attrs"]) == ("e1", True, {"grams": "7"})
    assert line["occurred_at"] == line["received_at"]
    assert "violation" not in line


async def test_the_context_that_segments_calls_bring_breaks_nothing_and_no_replay_of_one(
    tracking: TrackingSite, store: DuckDBStore
):
    await define(tracking, "enforce")
    context = {"library": {"name": "node"}, "grams": "7"}
    calls = [
        {"event": "weighed", "userId": "u", "properties": {"grams": grams}, "context": context} for grams in (7, "7")
    ]
    body = {"batch": [{"type": "track"} | call for call in calls]}
    assert (await tracking.post(body, "/v1/batch", **TOKEN)).status == 200
    good, broken = (await tracking.lines()).values()
    assert good["attrs"] == {"grams": 7, "context": context}
    assert broken["rejected_reason"] == "$.attrs.grams"
    row, raw = await quarantined(tracking, store, "attr_type_wrong")
    text = replace(WEIGHED, attrs=(AttrDefinition("grams", "string"),))
    await tracking.apps.update("weights-1", lambda app: replace(app, definitions=(text,)))
    accepted = await replay_of(tracking).replay(row, raw)
    assert (await tracking.lines())[accepted.receipt]["attrs"] == {"grams": "7", "context": context}


async def test_a_replay_in_mode_warn_is_marked_and_off_it_is_not(tracking: TrackingSite, store: DuckDBStore):
    await define(tracking, "enforce")
    assert (await tracking.post({"source_label": "eaten"}, **TOKEN)).status == 422
    row, raw = await quarantined(tracking, store, "event_undefined")
    marks, ids = [], set()
    for mode in ("warn", "off"):
        await tracking.apps.update("weights-1", lambda app, mode=mode: replace(app, mode=mode))
        accepted = await replay_of(tracking).replay(row, raw)
        line = (await tracking.lines())[accepted.receipt]
        marks.append(line.get("violation"))
        ids.add((line["event_id"], line["id_given"], line["occurred_at"]))
    assert marks == ["$.source_label event_undefined", None]
    assert len(ids) == 1  # the second is a repeat of the first, which the store removes


async def test_without_its_application_an_item_is_not_replayable(tracking: TrackingSite, store: DuckDBStore):
    await define(tracking, "enforce")
    assert (await tracking.post({"source_label": "eaten"}, **TOKEN)).status == 422
    row, raw = await quarantined(tracking, store, "event_undefined")
    await tracking.apps.remove("weights-1")
    with pytest.raises(NotReplayable):
        await replay_of(tracking).replay(row, raw)


async def test_an_item_of_an_application_is_replayed_as_that_applications(tracking: TrackingSite, store: DuckDBStore):
    await define(tracking, "off")
    await tracking.accepted([GOOD, {"source_label": "a", "title": "x" * 1025}], **TOKEN)
    row, _ = await quarantined(tracking, store, "wrong_value")
    assert row.reason == "$.title"
    accepted = await replay_of(tracking).replay(row, b'{"source_label":"a","id_user":"u1"}')
    line = (await tracking.lines())[accepted.receipt]
    assert (line["app_code"], line["user_id"]) == ("weights-1", "u1")
