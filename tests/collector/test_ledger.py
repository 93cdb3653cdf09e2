"""The equation of promise P2, GET /admin/log and /metrics, and what became of a single receipt."""

from collections import Counter

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from collector.administration.ledger import is_exact, ledger_of
from collector.administration.log import LogAnswers
from collector.administration.metrics import FORWARDED, Counters, Metrics
from collector.administration.receipts import Receipts
from collector.app import build_app
from collector.wire.health import Ledger
from storage.errors import StoreDown
from storage.event import Event
from storage.health import LogCounts, StoreHealth
from storage.query.receipts import ReceiptAnswer, ReceiptQuery
from tests.collector.test_health import ADMIN, AwayStore, authenticate
from tests.contracts.samples import NOON
from tests.fakes.disk import MemoryDisk
from tests.fakes.log import MemoryLog
from tests.fakes.store import MemoryStore

TAKEN = StoreHealth(
    position=4,
    n_rows=10,
    n_rejected=2,
    n_duplicates=5,
    n_lost=3,
    door_duplicates=4,
    lines=16,
    loaded_at=NOON,
    ended=LogCounts(lines=14, rejected=1, duplicates=3),
)


async def log_of(lines: int, duplicates: int) -> MemoryLog:
    log = MemoryLog()
    await log.append([b"{}"] * lines, duplicates=duplicates)
    return log


async def test_what_the_logs_hold_and_the_store_has_not_is_pending():
    ledger = ledger_of(TAKEN, (await log_of(lines=6, duplicates=2)).health())
    assert ledger == Ledger(answered=25, stored=10, duplicate=5, rejected=2, lost=3, pending=5)
    assert is_exact(ledger)


async def test_an_item_that_the_store_took_and_counted_nowhere_breaks_the_equation():
    store = StoreHealth(
        position=1, n_rows=1, n_rejected=0, n_duplicates=0, n_lost=0, door_duplicates=0, lines=2, loaded_at=NOON
    )
    assert not is_exact(ledger_of(store, (await log_of(lines=2, duplicates=0)).health()))


class Told(MemoryStore):
    """A store with one answer to every receipt."""

    def __init__(self, answer: ReceiptAnswer) -> None:
        super().__init__()
        self.answer = answer

    async def receipt(self, query: ReceiptQuery) -> ReceiptAnswer:
        return self.answer


class Gone(AwayStore):
    async def receipt(self, query: ReceiptQuery) -> ReceiptAnswer:
        raise StoreDown("nobody answers")


async def ask(path: str, store: MemoryStore | None = None, **headers: str) -> tuple[int, bytes]:
    log = await log_of(lines=3, duplicates=1)
    store, disk, refused = store or MemoryStore(), MemoryDisk({"0000000000-before": 5}), Counter[int]()
    logs = LogAnswers(log, store, disk)
    routes = [
        *logs.routes(),
        *Metrics(logs, authenticate, Counters(refused, Counter())).routes(),
        *Receipts(log, store, disk).routes(),
    ]
    app = build_app(routes, authenticate, body_bytes_max=1000, refused=refused)
    async with TestClient(TestServer(app)) as client:
        await client.get("/nowhere")
        answer = await client.get(path, headers=headers)
        return answer.status, await answer.read()


async def test_the_log_page_has_the_equation_and_what_lies_on_the_disk():
    store = MemoryStore(lambda: NOON)
    store.put(Event("e1", "site", "a", NOON))
    status, raw = await ask("/admin/log", store, **ADMIN)
    assert status == 200
    assert b'"ledger":{"answered":4,"stored":1,' in raw
    assert b'"live_bytes":300' in raw


async def test_while_the_store_is_away_the_log_page_says_what_it_knows():
    status, raw = await ask("/admin/log", AwayStore(), **ADMIN)
    assert (status, b'"ledger":null' in raw, b'"durable_offset":2' in raw) == (200, True, True)


@pytest.mark.parametrize("path", ["/admin/log", "/admin/receipts/0000000001-memory00:0"])
@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"Authorization": "carl"}, 403)])
async def test_administration_is_for_administrators(path: str, headers: dict[str, str], status: int):
    assert (await ask(path, **headers))[0] == status


def samples(raw: bytes) -> dict[str, float]:
    families = text_string_to_metric_families(raw.decode())
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


async def test_metrics_have_the_equation_and_count_refused_requests_by_status():
    found = samples((await ask("/metrics", Told(ReceiptAnswer(status="stored"))))[1])
    assert found["footfall_requests_refused_total 404"] == 1
    assert found["footfall_items_answered_total"] == 4
    assert found["footfall_disk_free_bytes"] == 1 << 30
    assert found["footfall_store_up"] == 1


async def test_metrics_of_a_store_that_is_away_say_so_and_still_have_the_log():
    found = samples((await ask("/metrics", AwayStore()))[1])
    assert (found["footfall_store_up"], found["footfall_log_groups_total"]) == (0, 1)
    assert found["footfall_store_lag_bytes"] == found["footfall_disk_used_bytes live"]
    assert "footfall_items_answered_total" not in found


@pytest.mark.parametrize("header", FORWARDED)
async def test_h9_what_came_through_a_proxy_on_this_machine_needs_a_token(header: str):
    assert (await ask("/metrics", **{header: "for=192.0.2.1"}))[0] == 401
    assert (await ask("/metrics", **{header: "for=192.0.2.1"}, **ADMIN))[0] == 200


async def test_h9_through_a_proxy_the_token_of_an_analyst_is_not_enough():
    assert (await ask("/metrics", Authorization="carl", Via="1.1 proxy"))[0] == 403


UNLOADED = ReceiptAnswer(status="unloaded")
RECEIPTS = [
    ("0000000001-memory00:1", ReceiptAnswer(status="stored", position=7), b'"status":"stored","position":7'),
    ("0000000001-memory00:1", ReceiptAnswer(status="duplicate", first="a:1"), b'"first":"a:1"'),
    ("0000000001-memory00:1", ReceiptAnswer(status="rejected", code="wrong_type"), b'"code":"wrong_type"'),
    ("0000000001-memory00:1", ReceiptAnswer(status="lost"), b'"status":"lost"'),
    ("0000000001-memory00:2", UNLOADED, b'"status":"pending"'),
    ("0000000001-memory00:3", UNLOADED, b'"status":"unknown"'),
    ("0000000000-before:4", UNLOADED, b'"status":"pending"'),
    ("0000000000-before:5", UNLOADED, b'"status":"unknown"'),
    ("0000000009-never:0", UNLOADED, b'"status":"unknown"'),
]


@pytest.mark.parametrize(("receipt", "answer", "expected"), RECEIPTS)
async def test_a_receipt_resolves(receipt: str, answer: ReceiptAnswer, expected: bytes):
    status, raw = await ask(f"/admin/receipts/{receipt}", Told(answer), **ADMIN)
    assert status == 200
    assert expected in raw


@pytest.mark.parametrize(
    "text", ["x", ":1", "a:", "a:-1", "a:01", "a:1e3", "a:1:2", "..:1", "a" * 65 + ":1", "a:" + "9" * 19]
)
async def test_what_is_no_receipt_is_refused(text: str):
    assert (await ask(f"/admin/receipts/{text}", **ADMIN))[0] == 422


async def test_without_a_store_a_receipt_is_503():
    assert (await ask("/admin/receipts/0000000001-memory00:1", Gone(), **ADMIN))[0] == 503
