"""/admin/rejected over a store that holds some."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from collector.administration.rejected import Rejected
from collector.app import build_app
from collector.tracking.door import Door
from collector.tracking.replay import Replay
from collector.tracking.visitor import SITE
from storage.app_files import AppFiles
from storage.event import RejectedItem
from tests.collector.test_health import ADMIN, authenticate
from tests.contracts.samples import NOON
from tests.fakes.log import MemoryLog
from tests.fakes.store import LOG_ID, MemoryStore

Client = TestClient[Request, Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    store = MemoryStore()
    sent = ('{"source_label": "a"}', '{"source_label": 7}', '{"source_label": "')
    store.put(*(RejectedItem("wrong_type", raw, "site", NOON) for raw in sent))
    door = Door(lambda: NOON, random.Random(1).getrandbits, event_bytes_max=1000)
    app = build_app(
        Rejected(store, Replay(MemoryLog(), door, AppFiles(Path()), SITE)).routes(), authenticate, body_bytes_max=1000
    )
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_every_rejected_item_is_listed_once_over_pages(client: Client):
    found, following = [], {}
    while following is not None:
        answer = await client.get("/admin/rejected", params={"limit": "2", **following}, headers=ADMIN)
        page = msgspec.json.decode(await answer.read())
        found += page["rows"]
        following = {"cursor": page["next"]} if page["next"] else None
    assert {(row["code"], row["app_code"], row["has_raw"]) for row in found} == {("wrong_type", "site", True)}
    assert [row["raw_bytes"] for row in found] == [18, 19, 21]
    assert len({row["receipt"] for row in found}) == len(found) == 3


async def test_one_item_is_shown_with_what_was_sent(client: Client):
    answer = await client.get(f"/admin/rejected/{LOG_ID}:1", headers=ADMIN)
    shown = msgspec.json.decode(await answer.read())
    assert (shown["item"]["receipt"], shown["raw"]) == (f"{LOG_ID}:1", '{"source_label": 7}')


@pytest.mark.parametrize(
    ("offset", "status", "code"),
    [(0, 202, None), (1, 422, "body_invalid"), (2, 409, "not_replayable"), (3, 404, "rejected_unknown")],
)
async def test_a_replay_says_what_became_of_the_item(client: Client, offset: int, status: int, code: str | None):
    answer = await client.post(f"/admin/rejected/{LOG_ID}:{offset}/replay", headers=ADMIN)
    body = msgspec.json.decode(await answer.read())
    assert (answer.status, body.get("code")) == (status, code)
    assert code is not None or body["receipt"] == "0000000001-memory00:0"


@pytest.mark.parametrize(
    ("query", "found"),
    [("app_code=site", 3), ("code=wrong_type", 3), ("app_code=site&code=missing", 0), ("app_code=weights", 0)],
)
async def test_only_those_of_an_application_or_a_code_are_listed_where_asked(client: Client, query: str, found: int):
    answer = await client.get(f"/admin/rejected?{query}", headers=ADMIN)
    assert len((await answer.json())["rows"]) == found


async def test_a_replay_of_all_goes_on_where_it_was_and_says_what_was_refused_again(client: Client):
    pages, query = [], "app_code=site&code=wrong_type&limit=2"
    following = ""
    while following is not None:
        answer = await client.post(f"/admin/rejected/replay?{query}{following}", headers=ADMIN)
        assert answer.status == 202
        pages.append(await answer.json())
        following = f"&cursor={pages[-1]['next']}" if pages[-1]["next"] else None
    assert [page["replayed"] for page in pages] == [0, 1]
    refused = [(one["receipt"], one["code"]) for page in pages for one in page["refused"]]
    assert refused == [(f"{LOG_ID}:2", "not_replayable"), (f"{LOG_ID}:1", "wrong_type")]


@pytest.mark.parametrize("query", ["limit=0", "app_code=", "code=", "cursor=0", "receipt=x", "code=a&code=b"])
async def test_a_wrong_parameter_replays_nothing(client: Client, query: str):
    answer = await client.post(f"/admin/rejected/replay?{query}", headers=ADMIN)
    assert (answer.status, (await answer.json())["code"]) == (422, "query_invalid")


@pytest.mark.parametrize("path", ["/admin/rejected/x", "/admin/rejected/x/replay"])
async def test_what_is_no_receipt_is_refused(client: Client, path: str):
    method = "POST" if path.endswith("replay") else "GET"
    assert (await client.request(method, path, headers=ADMIN)).status == 422


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "cursor=", "cursor=0", "user_id=7", "limit=1&limit=2"]
)
async def test_a_wrong_parameter_is_refused(client: Client, query: str):
    assert (await client.get(f"/admin/rejected?{query}", headers=ADMIN)).status == 422


async def test_nobody_but_an_administrator_sees_rejected_items(client: Client):
    assert (await client.get("/admin/rejected")).status == 401
    assert (await client.get("/admin/rejected", headers={"Authorization": "carl"})).status == 403
