"""POST /track with an array: one result for each item, and counts that add up."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collector.tracking_site import (
    EVENT_BYTES_MAX,
    R0,
    RAW_BYTES_MAX,
    SIGNED_IN,
    Members,
    TrackingSite,
    fields,
    open_tracking,
)

A = {"source_label": "a"}
LARGE = {"source_label": "large", "attrs": {"text": "x" * EVENT_BYTES_MAX}}


async def test_every_item_has_its_result_in_its_place(tracking: TrackingSite):
    answer = await tracking.accepted([R0, {"source_label": 5}, A | {"event_id": "e1"}, A | {"event_id": "e1"}])
    log_id = tracking.log.log_id
    assert answer == {
        "accepted": 2,
        "duplicate": 1,
        "rejected": 1,
        "results": [
            {
                "index": 0,
                "status": "accepted",
                "event_id": answer["results"][0]["event_id"],
                "receipt": f"{log_id}:0",
            },
            {"index": 1, "status": "rejected", "code": "wrong_type", "path": "$[1].source_label"},
            {"index": 2, "status": "accepted", "event_id": "e1", "receipt": f"{log_id}:2"},
            {"index": 3, "status": "duplicate", "event_id": "e1", "receipt": f"{log_id}:2"},
        ],
    }
    lines = list((await tracking.lines()).values())
    assert [line.get("source_label") for line in lines] == ["search_page", None, "a"]
    assert lines[1] == {
        "rejected_code": "wrong_type",
        "rejected_reason": "$.source_label",
        "rejected_raw": '{"source_label":5}',
        "app_code": "site",
        "received_at": "2026-11-20T12:30:15.250000Z",
        "anonymous_id": tracking.visitor,
    }


async def test_the_items_of_a_request_are_one_group_with_the_counts_in_its_header(tracking: TrackingSite):
    await tracking.accepted([A | {"event_id": "e1"}, A | {"event_id": "e1"}, {}, A])
    health = tracking.log.health()
    assert (health.groups, health.durable_offset, health.rejected, health.duplicates) == (1, 2, 1, 1)


REJECTED = {
    "no object": (b"5", "wrong_type", ""),
    "null": (b"null", "wrong_type", ""),
    "an array": (b'[{"source_label":"a"}]', "wrong_type", ""),
    "no label": (b'{"x":1}', "missing", ".source_label"),
    "a label too long": (b'{"source_label":"%s"}' % (b"a" * 129), "wrong_value", ".source_label"),
    "attrs of another type": (b'{"source_label":"a","x":1,"attrs":[]}', "wrong_type", ".attrs"),
    "257 attrs": (msgspec.json.encode(A | {str(n): n for n in range(257)}), "wrong_value", ".attrs"),
    "33 levels": (b'{"source_label":"a","x":%s%s}' % (b"[" * 32, b"]" * 32), "attrs_too_deep", ".attrs"),
    "a number no double holds": (b'{"source_label":"a","attrs":{"x":1e400}}', "wrong_value", ".attrs[...]"),
    "another application": (b'{"source_label":"a","app_code":"shop"}', "app_unknown", ".app_code"),
    "no time": (b'{"source_label":"a","date_created":"noon"}', "wrong_value", ".date_created"),
    "a time before all times": (
        b'{"source_label":"a","sent_at":"0001-01-01T00:00:00+14:00"}',
        "wrong_value",
        ".sent_at",
    ),
    "a large event": (msgspec.json.encode(LARGE), "event_too_large", ""),
}


@pytest.mark.parametrize(("item", "code", "path"), REJECTED.values(), ids=REJECTED.keys())
@pytest.mark.parametrize("first", [b'{"source_label":"a"}', b'{"source_label":"a","unknown":1}'])
async def test_a_rejected_item_is_named_and_its_first_bytes_are_kept_as_sent(
    tracking: TrackingSite, first: bytes, item: bytes, code: str, path: str
):
    answer = await tracking.accepted(b"[%s , %s]" % (first, item))
    assert (answer["accepted"], answer["rejected"]) == (1, 1)
    assert answer["results"][1] == {"index": 1, "status": "rejected", "code": code, "path": f"$[1]{path}"}
    line = list((await tracking.lines()).values())[1]
    assert line["rejected_code"] == code
    assert str(line["rejected_raw"]).encode() == item[:RAW_BYTES_MAX]
    problem = await tracking.refused(b"[%s]" % item, 422)
    assert fields(problem) == [(f"$[0]{path}", code)]


async def test_a_character_at_the_cut_is_dropped_whole(tracking: TrackingSite):
    for shift in range(4):
        await tracking.accepted([A, "a" * shift + "😀" * 20])
    raws = [str(line["rejected_raw"]) for line in (await tracking.lines()).values() if "rejected_raw" in line]
    assert all(RAW_BYTES_MAX - 3 <= len(raw.encode()) <= RAW_BYTES_MAX for raw in raws)
    assert [set(raw) <= set('"a😀') for raw in raws] == [True] * 4


async def test_nothing_storable_is_422_and_every_item_is_named(tracking: TrackingSite):
    problem = await tracking.refused([{}, LARGE, 5], 422)
    assert problem["code"] == "body_invalid"
    assert fields(problem) == [("$[0].source_label", "missing"), ("$[1]", "event_too_large"), ("$[2]", "wrong_type")]
    health = tracking.log.health()
    assert (health.groups, health.rejected) == (0, 0)


async def test_repeats_and_rejected_items_alone_are_an_answer(tracking: TrackingSite):
    first = await tracking.accepted(A | {"event_id": "e1"})
    answer = await tracking.accepted([A | {"event_id": "e1"}, {}, A | {"event_id": "e1"}])
    assert (answer["accepted"], answer["duplicate"], answer["rejected"]) == (0, 2, 1)
    assert [result.get("receipt") for result in answer["results"]] == [first["receipt"], None, first["receipt"]]
    assert (await tracking.accepted([A | {"event_id": "e1"}]))["duplicate"] == 1
    assert tracking.log.health().duplicates == 3
    assert len(await tracking.lines()) == 2


async def test_the_first_copy_of_an_array_is_known_to_later_requests(tracking: TrackingSite):
    answer = await tracking.accepted([A, {}, A | {"event_id": "e1"}])
    again = await tracking.accepted(A | {"event_id": "e1"})
    assert again == {"status": "duplicate", "event_id": "e1", "receipt": answer["results"][2]["receipt"]}


async def test_repeats_have_no_line_and_shift_no_receipt(tracking: TrackingSite):
    items = [A | {"event_id": one} for one in ("e1", "e1", "e2", "e2", "e1", "e3")]
    answer = await tracking.accepted(items)
    lines = await tracking.lines()
    assert [lines[result["receipt"]]["event_id"] for result in answer["results"]] == [
        "e1",
        "e1",
        "e2",
        "e2",
        "e1",
        "e3",
    ]
    for number in (2, 3):
        again = await tracking.accepted(A | {"event_id": f"e{number}"})
        assert (again["status"], lines[again["receipt"]]["event_id"]) == ("duplicate", f"e{number}")


async def test_a_rejected_copy_is_no_first_copy(tracking: TrackingSite):
    answer = await tracking.accepted([LARGE | {"event_id": "e1"}, A | {"event_id": "e1"}])
    assert [result["status"] for result in answer["results"]] == ["rejected", "accepted"]
    refused = [A | {"event_id": "e2", "app_code": "shop"}]
    assert (await tracking.post(refused)).status == 422
    assert (await tracking.accepted([A | {"event_id": "e2"}]))["accepted"] == 1


async def test_an_id_of_another_application_is_no_repeat(tracking: TrackingSite):
    answer = await tracking.accepted([A | {"event_id": "e1"}, A | {"event_id": "e1", "app_code": "shop"}])
    assert [result["status"] for result in answer["results"]] == ["accepted", "rejected"]
    assert answer["results"][1]["code"] == "app_unknown"


async def test_1000_items_are_taken_and_1001_are_413(tracking: TrackingSite):
    answer = await tracking.accepted([A] * 1000)
    assert (answer["accepted"], len(answer["results"])) == (1000, 1000)
    for items in ([A] * 1001, [{}] * 1001, [A | {"x": 1}] * 1001):
        assert (await tracking.refused(items, 413))["code"] == "too_many_items"


async def test_1000_wrong_items_are_all_named(tracking: TrackingSite):
    problem = await tracking.refused([A | {"app_code": "shop"}] * 1000, 422)
    assert fields(problem) == [(f"$[{index}].app_code", "app_unknown") for index in range(1000)]


async def test_the_items_of_a_signed_in_user_are_his(tracking: TrackingSite):
    await tracking.accepted([A, R0, A | {"unknown": 1}], **SIGNED_IN)
    assert [line["user_id"] for line in (await tracking.lines()).values()] == ["7"] * 3


async def test_all_items_of_a_request_were_received_at_once(tracking: TrackingSite):
    await tracking.accepted([A, {}, A])
    assert len({str(line["received_at"]) for line in (await tracking.lines()).values()}) == 1


NAMES = st.sampled_from(["e1", "e2", "e3", "ё", "00000000-0000-7000-8000-000000000001"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
TIMES = st.sampled_from(["2018-04-10 12:09:07", "2026-11-20T12:00:00+03:00", "0001-01-01T00:00:00+14:00", "", "noon"])
ITEMS = st.fixed_dictionaries(
    {"source_label": st.sampled_from(["a", "pageview", "метка", "\0", "x" * 128])},
    optional={
        "event_id": NAMES,
        "id_user": st.integers() | st.text(max_size=70),
        "anonymous_id": st.text(max_size=70),
        "date_created": TIMES,
        "page_url": st.sampled_from(["/a", "", "/" * 4097]),
        "app_code": st.sampled_from(["site", "site", "shop"]),
        "attrs": st.dictionaries(st.text(max_size=3), VALUES, max_size=3) | VALUES,
        "unknown": VALUES,
    },
)
BODIES = st.lists(ITEMS | VALUES | st.just({"source_label": "a"}), max_size=12)


@contextlib.contextmanager
def loop_with(directory: Path) -> Iterator[tuple[asyncio.Runner, TrackingSite]]:
    with asyncio.Runner() as runner:
        opened = open_tracking(directory)
        site = runner.run(opened.__aenter__())
        try:
            yield runner, site
        finally:
            runner.run(opened.__aexit__(None, None, None))


def test_counts_add_up_and_every_receipt_is_its_own_line_whatever_is_sent(tmp_path: Path):
    with loop_with(tmp_path) as (runner, site):

        @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
        @given(items=BODIES)
        def check(items: list[object]) -> None:
            runner.run(check_array(site, items))

        check()


async def check_array(site: TrackingSite, items: list[object]) -> None:
    before = site.log.health()
    answer = await site.post(items)
    assert answer.status in {202, 422}, await answer.text()
    body = await answer.json()
    if answer.status == 422:
        assert [error["path"].partition("]")[0] for error in body["errors"]] == (
            [f"$[{index}" for index in range(len(items))] or ["$"]
        )
        assert site.log.health() == before
        return
    results = body["results"]
    assert [result["index"] for result in results] == list(range(len(items)))
    counts = Counter(result["status"] for result in results)
    assert counts == Counter({name: body[name] for name in ("accepted", "duplicate", "rejected")})
    await check_lines(site, items, results, before.durable_offset)


async def check_lines(site: TrackingSite, items: list[object], results: list[Members], durable_offset: int) -> None:
    lines = await site.lines()
    added = [receipt for receipt in lines if int(receipt.partition(":")[2]) > durable_offset]
    accepted = [result for result in results if result["status"] == "accepted"]
    rejected = [result for result in results if result["status"] == "rejected"]
    assert len(added) == len(accepted) + len(rejected)
    assert len({result["receipt"] for result in accepted}) == len(accepted)
    for result in accepted:
        line, item = lines[result["receipt"]], items[result["index"]]
        assert result["receipt"] in added
        assert (line["event_id"], line["source_label"]) == (result["event_id"], item["source_label"])
    for result in (one for one in results if one["status"] == "duplicate"):
        assert lines[result["receipt"]]["event_id"] == result["event_id"]
    kept = [lines[receipt] for receipt in added if "rejected_code" in lines[receipt]]
    assert [line["rejected_code"] for line in kept] == [result["code"] for result in rejected]
    for line, result in zip(kept, rejected, strict=True):
        sent = msgspec.json.encode(items[result["index"]])
        assert sent.startswith(line["rejected_raw"].encode())
        assert len(sent[:RAW_BYTES_MAX]) - len(line["rejected_raw"].encode()) in range(4)
