"""GET /admin/rejected over a store that holds some."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from collector.administration.rejected import Rejected
from collector.app import build_app
from storage.event import RejectedItem
from tests.collector.test_health import ADMIN, authenticate
from tests.contracts.samples import NOON
from tests.fakes.store import MemoryStore

Client = TestClient[Request, Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    store = MemoryStore()
    store.put(*(RejectedItem("wrong_type", f'{{"n": {n}}}', "site", NOON) for n in range(3)))
    app = build_app(Rejected(store).routes(), authenticate, body_bytes_max=1000)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_every_rejected_item_is_listed_once_over_pages(client: Client):
    found, following = [], {}
    while following is not None:
        answer = await client.get("/admin/rejected", params={"limit": "2", **following}, headers=ADMIN)
        page = msgspec.json.decode(await answer.read())
        found += page["rows"]
        following = {"cursor": page["next"]} if page["next"] else None
    assert {(row["code"], row["app_code"], row["raw_bytes"], row["has_raw"]) for row in found} == {
        ("wrong_type", "site", len('{"n": 0}'), True)
    }
    assert len({row["receipt"] for row in found}) == len(found) == 3


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=", "user_id=7", "limit=1&limit=2"])
async def test_a_wrong_parameter_is_refused(client: Client, query: str):
    assert (await client.get(f"/admin/rejected?{query}", headers=ADMIN)).status == 422


async def test_nobody_but_an_administrator_sees_rejected_items(client: Client):
    assert (await client.get("/admin/rejected")).status == 401
    assert (await client.get("/admin/rejected", headers={"Authorization": "carl"})).status == 403
