"""GET /live of a real daemon: nothing is lost over a break, a restart or a kill; streams hold up no stop."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from collector.wire.live import LiveBatch
from console.sse import Message, Messages
from tests.house.daemon import PASSWORD, Daemon

DEADLINE_S = 30.0
RESUMED_MAX = 1000


class Listener:
    """A reader of one stream; `heard` keeps every message."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.heard: list[Message] = []
        self._messages = Messages()

    @property
    def batches(self) -> list[LiveBatch]:
        return [msgspec.json.decode(one.data, type=LiveBatch) for one in self.heard if one.event == "message"]

    @property
    def receipts(self) -> list[str]:
        return [event.receipt for batch in self.batches for event in batch.events]

    @property
    def accepted(self) -> int:
        return sum(batch.accepted for batch in self.batches)

    async def until(self, holds) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                piece = await self.response.content.readany()
                assert piece, "the stream ended"
                self.heard += self._messages.take(piece)

    async def ended(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            async for piece in self.response.content.iter_any():
                self.heard += self._messages.take(piece)


@contextlib.asynccontextmanager
async def listening(daemon: Daemon, token: str, last_id: str = "") -> AsyncIterator[Listener]:
    headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": last_id} if last_id else {})
    async with aiohttp.ClientSession() as session, session.get(f"{daemon.url}/live", headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        listener = Listener(response)
        await listener.until(lambda: listener.heard)
        yield listener


async def track(daemon: Daemon, count: int, **members: str) -> list[str]:
    """Track that many actions in requests of 500 at most, and return their receipts."""
    receipts: list[str] = []
    async with aiohttp.ClientSession() as session:
        for start in range(0, count, 500):
            items = [{"source_label": "a", "title": f"{start + n}", **members} for n in range(min(500, count - start))]
            async with session.post(f"{daemon.url}/track", json=items) as answer:
                assert answer.status == 202
                receipts += [one["receipt"] for one in (await answer.json())["results"]]
    return receipts


@pytest.fixture
def daemon(tmp_path: Path):
    with Daemon.fresh(tmp_path / "house") as running:
        yield running


async def test_what_is_tracked_is_heard_in_order_and_counted(daemon: Daemon):
    token = daemon.admin_token()
    before = await track(daemon, 3, page_url="/before")
    async with listening(daemon, token) as listener:
        assert listener.receipts == before
        assert listener.accepted == 0
        sent = [receipt for _ in range(15) for receipt in await track(daemon, 5)]
        daemon.post("/track", [{"source_label": "a"}, {"title": "no label"}])
        await listener.until(lambda: listener.accepted == 76)
        assert listener.receipts[3:-1] == sent
        assert sum(batch.rejected for batch in listener.batches) == 1
        assert all(batch.skipped == 0 for batch in listener.batches)


@pytest.mark.long
@pytest.mark.parametrize("end", ["break", "stop", "kill"])
async def test_a_reader_that_comes_back_misses_nothing(daemon: Daemon, end: str):
    token = daemon.admin_token()
    async with listening(daemon, token) as listener:
        first = await track(daemon, 10)
        await listener.until(lambda: listener.accepted == 10)
        last_id = listener.heard[-1].id
    missed = await track(daemon, 700)
    if end == "stop":
        assert daemon.stop() == 0
        daemon.start()
    elif end == "kill":
        daemon.kill_tree()
        daemon.start()
    missed += await track(daemon, 20)
    async with listening(daemon, token, last_id) as listener:
        await listener.until(lambda: listener.accepted == 720)
        after = await track(daemon, 5)
        await listener.until(lambda: listener.accepted == 725)
        assert listener.receipts == missed + after
        assert first[-1] == last_id


async def test_of_what_was_missed_only_the_newest_is_shown_and_the_rest_counted(daemon: Daemon):
    token = daemon.admin_token()
    async with listening(daemon, token) as listener:
        (first,) = await track(daemon, 1)
        await listener.until(lambda: listener.accepted == 1)
    missed = await track(daemon, 2500)
    async with listening(daemon, token, first) as listener:
        assert (listener.accepted, listener.batches[0].skipped) == (2500, 1500)
        assert listener.receipts == missed[-RESUMED_MAX:]


async def test_an_id_that_is_not_ours_begins_anew(daemon: Daemon):
    token = daemon.admin_token()
    receipts = await track(daemon, 3)
    log_id = receipts[0].partition(":")[0]
    for last_id in ("x", "0000000001-00000000:4", f"{log_id}:-1", f"{log_id}:99999", ":", "../..:1"):
        async with listening(daemon, token, last_id) as listener:
            assert (listener.accepted, listener.receipts) == (0, receipts), last_id


async def test_readers_at_a_high_rate_get_few_messages_with_exact_counts(daemon: Daemon):
    token = daemon.admin_token()
    async with listening(daemon, token) as one, listening(daemon, token) as other:
        await track(daemon, 20_000)
        for listener in (one, other):
            await listener.until(lambda listener=listener: listener.accepted == 20_000)
            for batch in listener.batches:
                assert batch.accepted == batch.skipped + len(batch.events)
                assert len(batch.events) <= 100
        seen = [batch.at for batch in one.batches[1:]]
        assert all((later - earlier).total_seconds() > 0.2 for earlier, later in itertools.pairwise(seen))


async def test_a_sign_out_ends_the_open_stream(daemon: Daemon):
    token = daemon.admin_token()
    async with listening(daemon, token) as listener:
        daemon.open("/auth/signout", b"", token)
        await listener.ended()
    assert (listener.heard[-1].event, listener.heard[-1].data) == ("end", b'{"code":"invalid_token"}')


async def test_a_new_password_ends_the_open_streams_of_other_sessions_and_they_stay_dead_after_a_restart(
    daemon: Daemon,
):
    token, own = daemon.admin_token(), daemon.sign_in()
    headers = {"Authorization": f"Bearer {own}", "If-Match": "*"}
    body = {"password": "another correct horse", "current_password": PASSWORD}
    async with listening(daemon, token) as other, listening(daemon, own) as mine, aiohttp.ClientSession() as session:
        async with session.patch(f"{daemon.url}/auth/me", json=body, headers=headers) as answer:
            assert answer.status == 200
        await other.ended()
        assert (other.heard[-1].event, other.heard[-1].data) == ("end", b'{"code":"invalid_token"}')
        (receipt,) = await track(daemon, 1)
        await mine.until(lambda: receipt in mine.receipts)
    assert daemon.stop() == 0
    daemon.start()
    async with aiohttp.ClientSession() as session:
        for one, status in ((token, 401), (own, 200)):
            async with session.get(f"{daemon.url}/live", headers={"Authorization": f"Bearer {one}"}) as answer:
                assert answer.status == status


async def test_a_stop_ends_the_open_streams_and_is_not_held_up(daemon: Daemon):
    token = daemon.admin_token()
    async with listening(daemon, token) as one, listening(daemon, token) as other:
        assert await asyncio.to_thread(daemon.stop) == 0
        for listener in (one, other):
            await listener.ended()
            assert (listener.heard[-1].event, listener.heard[-1].data) == ("end", b'{"code":"shutdown"}')
    assert '"open_requests_get_s"' in daemon.stderr_file.read_text()
