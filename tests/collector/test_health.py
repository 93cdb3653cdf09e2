"""GET /health, /ready and /version: what strangers are told, and what administrators."""

import importlib.metadata

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Request

from collector.administration.health import HealthAnswers
from collector.app import build_app
from collector.identity.caller import Caller, TokenInvalid
from collector.wire import health as wire
from storage.errors import StoreDown
from storage.event import Event
from storage.health import StoreHealth
from tests.contracts.samples import NOON
from tests.fakes.disk import MemoryDisk
from tests.fakes.log import MemoryLog
from tests.fakes.store import MemoryStore

CALLERS = {
    "ann": Caller("7", "user", "s1"),
    "carl": Caller("9", "analyst", "s2"),
    "dora": Caller("10", "admin", "s3"),
}
ADMIN = {"Authorization": "dora"}
SECRET = "/var/lib/footfall"


async def authenticate(request: Request) -> Caller | None:
    token = request.headers.get("Authorization")
    if token is None:
        return None
    if token not in CALLERS:
        raise TokenInvalid("the token is not ours")
    return CALLERS[token]


class AwayStore(MemoryStore):
    async def health(self) -> StoreHealth:
        raise StoreDown(f"nobody answers at {SECRET}")


class HalfBlindStore(MemoryStore):
    async def health(self) -> StoreHealth:
        return msgspec.structs.replace(await super().health(), unreadable=("log 7, segment 2: I/O error",))


class StuckStore(MemoryStore):
    async def health(self) -> StoreHealth:
        return msgspec.structs.replace(await super().health(), lag_bytes=512, last_error=f"{SECRET} is corrupt")


async def ask(
    path: str, log: MemoryLog | None = None, store: MemoryStore | None = None, **headers: str
) -> tuple[int, dict[str, object]]:
    answers = HealthAnswers(log or MemoryLog(), store or MemoryStore(), MemoryDisk(), authenticate)
    app = build_app(answers.routes(), authenticate, body_bytes_max=1000)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(path, headers=headers)
        assert (answer.headers["Cache-Control"], answer.headers["Server"]) == ("no-store", "footfall")
        assert ("Retry-After" in answer.headers) == (answer.status == 503)
        return answer.status, await answer.json()


def full_log() -> MemoryLog:
    log = MemoryLog()
    log.full = f"no space left on {SECRET}"
    return log


async def loaded() -> tuple[MemoryLog, MemoryStore]:
    log, store = MemoryLog(), MemoryStore(lambda: NOON)
    await log.append([b"{}", b"{}"], rejected=1, duplicates=3)
    store.put(Event("e1", "site", "a", NOON))
    return log, store


DEGRADED = {
    "a full log": (full_log, MemoryStore, f"tracking is refused: no space left on {SECRET}"),
    "no store": (MemoryLog, AwayStore, f"statistics are away: nobody answers at {SECRET}"),
    "a store that loads nothing": (MemoryLog, StuckStore, f"events are not loaded: {SECRET} is corrupt"),
    "a log that cannot be read": (
        MemoryLog,
        HalfBlindStore,
        "events of one log are not loaded: log 7, segment 2: I/O error",
    ),
}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "ann"}, {"Authorization": "carl"}])
async def test_all_but_administrators_are_told_the_status_only(headers: dict[str, str]):
    assert await ask("/health", **headers) == (200, {"status": "ok"})
    assert await ask("/health", full_log(), AwayStore(), **headers) == (200, {"status": "degraded"})


@pytest.mark.parametrize(("log", "store", "reason"), DEGRADED.values(), ids=DEGRADED.keys())
async def test_what_is_wrong_is_degraded_and_an_administrator_is_told_why(
    log: type[MemoryLog], store: type[MemoryStore], reason: str
):
    assert await ask("/health", log(), store()) == (200, {"status": "degraded"})
    status, health = await ask("/health", log(), store(), **ADMIN)
    assert (status, health["status"], health["reasons"]) == (200, "degraded", [reason])


async def test_an_administrator_sees_the_figures_of_log_and_store():
    log, store = await loaded()
    _, answer = await ask("/health", log, store, **ADMIN)
    health = msgspec.convert(answer, wire.Health)
    assert (health.status, health.reasons) == ("ok", [])
    assert health.log == msgspec.convert(log.health(), wire.LogHealth, from_attributes=True)
    assert health.store == msgspec.convert(await store.health(), wire.StoreHealth, from_attributes=True)
    assert answer["log"]["duplicates"] == 3
    assert answer["store"]["loaded_at"] == "2026-11-18T12:00:00Z"


async def test_a_store_that_is_away_is_null_and_the_log_is_told_all_the_same():
    log, _ = await loaded()
    _, health = await ask("/health", log, AwayStore(), **ADMIN)
    assert (health["store"], health["log"]["durable_offset"]) == (None, 1)
    assert health["lag"] == {"events": None, "bytes": health["disk"]["live_bytes"], "seconds": None}


async def test_a_bad_token_is_401_at_health_too():
    status, problem = await ask("/health", Authorization="eve")
    assert (status, problem["code"]) == (401, "invalid_token")


async def test_ready_means_that_tracking_is_accepted_whatever_the_store_does():
    assert await ask("/ready") == (200, {"status": "ready"})
    assert await ask("/ready", store=AwayStore()) == (200, {"status": "ready"})


async def test_a_log_that_refuses_is_not_ready_and_strangers_are_not_told_why():
    status, problem = await ask("/ready", full_log())
    assert (status, problem["code"]) == (503, "log_full")
    assert SECRET not in str(problem)


async def test_the_version_of_the_daemon_and_its_client_can_be_asked():
    build = {"version": importlib.metadata.version("footfall"), "commit": None, "build_date": None}
    assert await ask("/version") == (200, {"server": build, "client": build, "tracker": build})
