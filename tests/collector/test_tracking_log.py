"""Tracking and its log: ids, receipts, groups, and what is answered when the log does not take more."""

import asyncio
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from tests.collector.tracking_site import NOW, R0, TrackingSite, app_over, open_tracking
from tests.fakes.log import MemoryLog
from tests.logs import open_log

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ACTION = {"source_label": "a", "event_id": "order-1"}


async def test_the_ids_we_make_are_canonical_uuids_of_version_7_and_unique(tracking: TrackingSite):
    for _ in range(3):
        await tracking.accepted([{"source_label": "a"}] * 1000)
    ids = [str(line["event_id"]) for line in (await tracking.lines()).values()]
    assert len(set(ids)) == 3000
    for one in ids:
        made = uuid.UUID(one)
        assert UUID7.fullmatch(one)
        assert (made.version, made.variant) == (7, uuid.RFC_4122)
        assert datetime.fromtimestamp((made.int >> 80) / 1000, UTC) == NOW


async def test_receipts_are_dense_offsets_of_the_log(tracking: TrackingSite):
    receipts = [(await tracking.accepted(R0))["receipt"] for _ in range(3)]
    batch = await tracking.accepted([R0, R0])
    receipts += [result["receipt"] for result in batch["results"]]
    assert receipts == [f"{tracking.log.log_id}:{offset}" for offset in range(5)]


async def test_requests_at_once_share_groups_and_each_receipt_is_its_own_line(tracking: TrackingSite):
    async def send(number: int) -> tuple[str, str]:
        label = f"label {number}"
        return label, str((await tracking.accepted({"source_label": label}))["receipt"])

    sent = await asyncio.gather(*(send(number) for number in range(200)))
    lines = await tracking.lines()
    assert [lines[receipt]["source_label"] for _, receipt in sent] == [label for label, _ in sent]
    assert len({receipt for _, receipt in sent}) == 200
    assert tracking.log.health().groups < 200


async def test_one_request_is_never_split_over_two_groups(tmp_path: Path):
    def label(request: int) -> list[dict[str, str]]:
        return [{"source_label": str(request)}] * 7

    async with open_log(tmp_path, group_events_max=10) as log, TestClient(TestServer(app_over(log))) as client:
        site = TrackingSite(client, log, tmp_path)
        await asyncio.gather(*(site.accepted(label(request)) for request in range(20)))
    (segment,) = tmp_path.glob("log/*/*.ndjson")
    lines = [msgspec.json.decode(line) for line in segment.read_bytes().splitlines()]
    groups = [line["count"] for line in lines if line.get("frame") == "DATA"]
    assert groups == [7] * 20
    labels = [line["source_label"] for line in lines if "source_label" in line]
    assert [len(set(labels[start : start + 7])) for start in range(0, 140, 7)] == [1] * 20


async def test_copies_that_come_at_once_are_answered_with_the_first_receipt_afterwards(tracking: TrackingSite):
    answers = await asyncio.gather(*(tracking.accepted(ACTION) for _ in range(20)))
    accepted = [answer["receipt"] for answer in answers if answer["status"] == "accepted"]
    first = min(accepted, key=lambda receipt: int(str(receipt).partition(":")[2]))
    assert (await tracking.accepted(ACTION)) == {"status": "duplicate", "event_id": "order-1", "receipt": first}
    assert len(await tracking.lines()) == len(accepted)
    assert tracking.log.health().duplicates == 21 - len(accepted)


async def test_ids_are_remembered_up_to_a_limit_and_the_oldest_leaves(tmp_path: Path):
    async with open_tracking(tmp_path, recent_ids_max=2) as site:
        ids = ["a", "b", "c", "b", "a"]
        answers = [await site.accepted({"source_label": "x", "event_id": one}) for one in ids]
        assert [answer["status"] for answer in answers] == ["accepted", "accepted", "accepted", "duplicate", "accepted"]


async def test_no_ids_are_remembered_where_the_limit_is_0(tmp_path: Path):
    async with open_tracking(tmp_path, recent_ids_max=0) as site:
        assert [(await site.accepted(ACTION))["status"] for _ in range(2)] == ["accepted", "accepted"]


async def ask(log: MemoryLog, body: object) -> ClientResponse:
    async with TestClient(TestServer(app_over(log))) as client:
        answer = await TrackingSite(client, log, Path()).post(body)
        await answer.read()
        return answer


@pytest.mark.parametrize("body", [R0, [R0, {}], ACTION])
async def test_a_full_log_is_503_with_a_time_to_come_back_and_nothing_is_kept(body: object):
    log = MemoryLog()
    log.full = "no space left on /var/lib/footfall"
    waits = set()
    for _ in range(60):
        answer = await ask(log, body)
        problem = await answer.json()
        assert (answer.status, answer.content_type, problem["code"]) == (503, "application/problem+json", "log_full")
        assert "/var" not in await answer.text()
        waits.add(answer.headers["Retry-After"])
    assert waits <= {"1", "2", "3", "4", "5"}
    assert len(waits) > 1
    assert log.lines == []


async def test_what_a_full_log_refused_is_no_repeat_later():
    log = MemoryLog()
    async with TestClient(TestServer(app_over(log))) as client:
        site = TrackingSite(client, log, Path())
        log.full = "full"
        for body in (ACTION, [ACTION]):
            assert (await site.post(body)).status == 503
        log.full = None
        assert (await site.accepted(ACTION))["status"] == "accepted"
        log.full = "full"
        for body in (ACTION, [ACTION]):
            assert (await site.post(body)).status == 503


async def test_a_closing_log_is_503(tmp_path: Path):
    async with open_log(tmp_path) as log:
        app = app_over(log)
    async with TestClient(TestServer(app)) as client:
        answer = await TrackingSite(client, log, tmp_path).post(R0)
        assert (answer.status, (await answer.json())["code"]) == (503, "log_failed")
        assert 1 <= int(answer.headers["Retry-After"]) <= 5
