"""GET /live over a real log in this process: who may listen, how many, and what becomes of one who does not read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from collector.app import build_app
from collector.identity.caller import Caller, TokenInvalid
from collector.statistics.live import STREAM_HEADERS, Live
from collector.wire.live import LiveBatch
from console.sse import Messages
from storage.event import Event, RejectedItem, encode
from storage.wal.tail import WalTail
from tests.logs import open_log

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class LiveSite:
    """The route over a log; `callers` says who a token is."""

    def __init__(self, client, log, live):
        self.client = client
        self.log = log
        self.live = live

    callers: dict[str, Caller]

    async def append(self, count=1, **members):
        lines = [
            encode(Event(event_id=f"{n}", app_code="site", source_label="a", received_at=NOW, **members))
            for n in range(count)
        ]
        return await self.log.append(lines)

    @contextlib.asynccontextmanager
    async def listening(self, token="analyst", **headers):
        async with self.client.get("/live", headers={"Authorization": token} | headers) as response:
            yield Stream(response)


class Stream:
    """One open stream, or what was answered instead."""

    def __init__(self, response):
        self.response = response
        self._messages = Messages()
        self._found = []

    async def message(self):
        async with asyncio.timeout(20):
            while not self._found:
                piece = await self.response.content.readany()
                assert piece, "the stream ended"
                self._found += self._messages.take(piece)
        return self._found.pop(0)

    async def batch(self):
        return msgspec.json.decode((await self.message()).data, type=LiveBatch)


@pytest.fixture
async def site(tmp_path: Path, monkeypatch) -> AsyncIterator[LiveSite]:
    monkeypatch.setattr("collector.statistics.live.HEARTBEAT_S", 0.1)
    callers = {role: Caller("7", role, "s") for role in ("user", "analyst", "admin")}

    async def authenticate(request):
        token = request.headers.get("Authorization")
        if token is not None and token not in callers:
            raise TokenInvalid("no longer")
        return callers.get(token)

    async with open_log(tmp_path) as log:
        tail = WalTail(tmp_path / "log", log.log_id, resume_bytes_max=1 << 20)
        live = Live(log, tail, authenticate, lambda: NOW, readers_max=2, events_max=10, interval_s=0.05)
        app = build_app(live.routes(), authenticate, body_bytes_max=1024)
        app.on_shutdown.append(live.stop)
        watching = asyncio.create_task(live.watch())
        async with TestClient(TestServer(app)) as client:
            found = LiveSite(client, log, live)
            found.callers = callers
            yield found
        watching.cancel()


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("forged", 401), ("user", 403)])
async def test_only_analysts_and_administrators_listen(site: LiveSite, token, status):
    answer = await site.client.get("/live", headers={"Authorization": token} if token else {})
    assert answer.status == status
    for role in ("analyst", "admin"):
        async with site.listening(role) as stream:
            assert stream.response.status == 200


async def test_the_headers_keep_proxies_and_caches_away(site: LiveSite):
    async with site.listening() as stream:
        found = stream.response.headers
        assert {name: found[name] for name in STREAM_HEADERS} == STREAM_HEADERS
        assert found["Cache-Control"] == "no-store"


async def test_head_opens_no_stream(site: LiveSite):
    answer = await site.client.head("/live", headers={"Authorization": "analyst"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")
    assert await answer.read() == b""


async def test_silence_is_filled_with_empty_messages(site: LiveSite):
    async with site.listening() as stream:
        for _ in range(3):
            assert await stream.batch() == LiveBatch(at=NOW, events=[], accepted=0, skipped=0, rejected=0, duplicates=0)


async def test_more_readers_than_there_is_room_for_are_refused_until_one_leaves(site: LiveSite):
    async with site.listening():
        async with site.listening(), site.listening() as third:
            problem = await third.response.json()
            assert (third.response.status, problem["code"]) == (503, "live_full")
            assert int(third.response.headers["Retry-After"]) > 0
        async with asyncio.timeout(20):
            while True:
                async with site.listening() as third:
                    if third.response.status == 200:
                        break
                await asyncio.sleep(0.05)  # between two looks, until the deadline


@pytest.mark.parametrize("change", ["user", None])
async def test_a_caller_that_loses_its_role_or_its_session_is_cut_off(site: LiveSite, change):
    async with site.listening() as stream:
        await stream.batch()
        site.callers.pop("analyst")
        if change:
            site.callers["analyst"] = Caller("7", change, "s")
        while (message := await stream.message()).event != "end":
            pass
        assert message.data == (b'{"code":"insufficient_scope"}' if change else b'{"code":"invalid_token"}')
        assert await stream.response.content.read() == b""


async def test_rejected_items_and_repeats_are_counted_and_not_shown(site: LiveSite):
    async with site.listening() as stream:
        await stream.batch()
        rejected = encode(RejectedItem("x", "{", "site", NOW))
        event = encode(Event(event_id="e", app_code="site", source_label="a", received_at=NOW, user_id="7"))
        await site.log.append([rejected, event, rejected], rejected=2, duplicates=3)
        while not (batch := await stream.batch()).accepted:
            pass
        assert (batch.accepted, batch.rejected, batch.duplicates, batch.skipped) == (1, 2, 3, 0)
        assert [(one.receipt, one.id_user) for one in batch.events] == [(f"{site.log.log_id}:1", "7")]


async def test_a_reader_that_does_not_read_is_dropped_and_the_others_go_on(site: LiveSite, monkeypatch):
    monkeypatch.setattr("collector.statistics.live.WRITE_TIMEOUT_S", 0.3)
    host, port = site.client.host, site.client.port
    reader, writer = await asyncio.open_connection(host, port, limit=1024)
    writer.write(f"GET /live HTTP/1.1\r\nHost: {host}\r\nAuthorization: analyst\r\n\r\n".encode())
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    async with site.listening() as stream:
        sent = accepted = 0
        async with asyncio.timeout(30):
            while site.live._readers == 2 or accepted < sent:
                if site.live._readers == 2:
                    await site.append(10, title="x" * 30_000)
                    sent += 10
                accepted += (await stream.batch()).accepted
        assert accepted == sent
    writer.close()
