"""The live stream, followed through refusals, silence and ends."""

import asyncio
import contextlib

import pytest

from collector.wire.live import LiveBatch
from console.answers import read
from console.client import Client
from console.credentials import Credentials, kept_credentials
from console.errors import Refused
from console.feed import RETRY_S_MAX, follow
from console.token_file import Tokens, read_tokens, write_tokens
from tests.console.site import Site, event


@pytest.fixture
async def site(aiohttp_server):
    found = Site()
    found.url = str((await aiohttp_server(found.app())).make_url("/"))
    return found


async def until(holds, deadline_s=10.0):
    async with asyncio.timeout(deadline_s):
        while not holds():
            await asyncio.sleep(0.01)  # between two looks, until the deadline


class Follower:
    """One follower of a site, and what it heard."""

    def __init__(self):
        self.taken = []
        self.waits = []
        self.reasons = []

    def take(self, raw):
        self.taken.append(read(raw, LiveBatch))

    def lost(self, wait_s, error):
        self.waits.append(wait_s)
        self.reasons.append(str(error))


@contextlib.asynccontextmanager
async def following(site, credentials=None):
    follower = Follower()
    async with Client(site.url, credentials or Credentials(Tokens(site.token))) as client:
        running = asyncio.create_task(follow(client, take=follower.take, lost=follower.lost, draw=lambda: 0.0))
        try:
            yield follower, running
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError, Refused):
                await running


async def test_after_an_end_it_goes_on_behind_the_last_message(site):
    async with following(site) as (follower, _):
        for round_number in range(5):
            await until(lambda: site.streams == 1)
            site.push(event(round_number))
            await until(lambda count=round_number: len(follower.taken) == count + 1)
            site.end_streams()
            await until(lambda count=round_number: len(follower.waits) == count + 1)
    assert site.last_ids == [None, *(f"0000000001-a:{number}" for number in range(4))]
    assert set(follower.waits) == {0.25}


async def test_the_waits_grow_to_their_limit_and_the_reason_is_told(site, monkeypatch):
    site.stream_refusal = (503, "live_full")
    slept = []

    async def sleep(wait_s):
        slept.append(wait_s)
        if len(slept) == 12:
            raise asyncio.CancelledError

    monkeypatch.setattr("console.feed.asyncio.sleep", sleep)
    async with following(site) as (follower, running):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert slept == [min(RETRY_S_MAX, 0.5 * 2**n) / 2 for n in range(12)]
    assert set(follower.reasons) == {"503 live_full: the daemon says no"}


@pytest.mark.parametrize("refusal", [(401, "invalid_token"), (403, "role_insufficient")])
async def test_what_waiting_does_not_mend_ends_it(site, refusal):
    site.stream_refusal = refusal
    async with following(site) as (follower, running):
        with pytest.raises(Refused) as caught:
            await asyncio.wait_for(running, 10)
    assert (caught.value.status, caught.value.code) == refusal
    assert follower.waits == []


async def test_a_session_that_ends_ends_it_and_a_daemon_that_stops_does_not(site):
    async with following(site) as (follower, running):
        await until(lambda: site.streams == 1)
        site.send(b'event: end\ndata: {"code":"shutdown"}\n\n')
        await until(lambda: len(follower.waits) == 1)
        await until(lambda: site.streams == 1 and len(site.last_ids) == 2)
        site.end_session()
        with pytest.raises(Refused, match="invalid_token"):
            await asyncio.wait_for(running, 10)
    assert len(follower.waits) == 1


async def test_a_token_that_ends_is_renewed_and_the_stream_goes_on_behind_the_last_message(site, tmp_path):
    file, site.refresh_token = tmp_path / "token", "ffr1_0"
    write_tokens(file, Tokens(site.token, site.refresh_token))
    async with following(site, kept_credentials(file, {})) as (follower, _):
        for round_number in range(3):
            await until(lambda: site.streams == 1)
            site.push(event(round_number))
            await until(lambda count=round_number: len(follower.taken) == count + 1)
            site.end_token()
            await until(lambda: site.streams == 0)
        await until(lambda: site.streams == 1)
    assert site.last_ids == [None, *(f"0000000001-a:{number}" for number in range(3))]
    assert follower.waits == []
    assert site.refreshes == 3
    assert read_tokens(file) == Tokens(site.token, site.refresh_token)


@pytest.mark.parametrize("raw", [b"data: {\n\n", b"event: end\ndata: []\n\n", b"data: \xff\n\n"])
async def test_a_message_that_cannot_be_read_is_told_and_tried_again(site, raw):
    async with following(site) as (follower, _):
        await until(lambda: site.streams == 1)
        site.send(raw)
        await until(lambda: follower.reasons)
    assert "the daemon" in follower.reasons[0]
