"""Visitors of applications without cookies: who is the same for a day, what is never kept, what a restart changes."""

import asyncio
import contextlib
import ipaddress
import itertools
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from collector.identity.origin import Origins
from collector.tracking.context import Context
from collector.tracking.cookieless import Cookieless
from collector.tracking.day_salt import DaySalt
from collector.tracking.visitor import COOKIE, known
from storage.app import App, WriteToken
from storage.kept_file import KeptFile
from tests.collector.tracking_site import SIGNED_IN, TrackingSite, open_tracking

EVENING = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
WITHIN_S = 10.0
COOKIELESS = App(
    app_code="calm",
    app_name="calm",
    owner_id="u",
    created_at=EVENING,
    write_tokens=(WriteToken("t", "calm-token", EVENING),),
    visitors="cookieless",
)
TOKEN = {"X-Api-Token": "calm-token"}
ACTION = {"source_label": "a"}
UUID_8 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Clock:
    def __init__(self) -> None:
        self.now = EVENING

    def __call__(self) -> datetime:
        return self.now


def salt_on(path: Path, clock: Callable[[], datetime]) -> DaySalt:
    """Return the salt of a file; each one that is made is other bytes."""
    numbers = itertools.count(path.stat().st_mtime_ns if path.exists() else 0)
    return DaySalt(KeptFile(path), clock, lambda count: next(numbers).to_bytes(count, "big"))


def visitor_of(
    salt: DaySalt, *, app: App = COOKIELESS, address: str = "192.0.2.1", user_agent: str | None = "Browser/1"
) -> str:
    trusted = (ipaddress.ip_network("127.0.0.0/8"),)
    request = make_mocked_request("POST", "/track", headers={"X-Forwarded-For": address}).clone(remote="127.0.0.1")
    return Cookieless(Origins(trusted, known), salt).of(request, app, Context(user_agent))


def test_who_comes_again_the_same_day_is_the_same_and_the_next_day_somebody_new(tmp_path: Path):
    clock = Clock()
    salt = salt_on(tmp_path / "salt", clock)
    first = visitor_of(salt)
    clock.now += timedelta(seconds=59)
    assert visitor_of(salt) == first
    clock.now += timedelta(seconds=1)
    assert visitor_of(salt) != first
    assert UUID_8.fullmatch(first)


OTHERS = [
    {"address": "192.0.2.2"},
    {"user_agent": "Browser/2"},
    {"user_agent": None},
    {"app": App(app_code="other", app_name="other", owner_id="u", created_at=EVENING, visitors="cookieless")},
    {"address": "192.0.2.1", "user_agent": "1Browser/1"},
]


@pytest.mark.parametrize("other", OTHERS, ids=["address", "browser", "no browser", "app", "longer"])
def test_another_address_browser_or_application_is_another_visitor(tmp_path: Path, other: dict):
    salt = salt_on(tmp_path / "salt", Clock())
    assert visitor_of(salt, **other) != visitor_of(salt)


@contextlib.asynccontextmanager
async def kept(path: Path, clock: Clock) -> AsyncIterator[DaySalt]:
    """Yield a salt once what is on disk is what is in memory."""
    salt = salt_on(path, clock)
    running = asyncio.create_task(salt.run())
    async with asyncio.timeout(WITHIN_S):
        while not path.exists() or str(clock.now.date()).encode() not in path.read_bytes():
            await asyncio.sleep(0.01)  # between two looks, until the deadline
    yield salt
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_a_restart_within_the_day_changes_nobody_and_one_behind_midnight_everybody(tmp_path: Path):
    clock = Clock()
    path = tmp_path / "salt"
    async with kept(path, clock) as salt:
        first = visitor_of(salt)
    async with kept(path, clock) as salt:
        assert visitor_of(salt) == first
    old = path.read_bytes()
    clock.now += timedelta(minutes=1)
    async with kept(path, clock) as salt:
        assert visitor_of(salt) != first
        assert path.read_bytes() != old
    assert [one.name for one in tmp_path.iterdir()] == ["salt"]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"day": "2026-11-20"}', b"\xff", b'{"day":"x","salt":"AA=="}'])
def test_a_file_that_is_no_salt_is_as_good_as_none(tmp_path: Path, content: bytes):
    (tmp_path / "salt").write_bytes(content)
    assert visitor_of(salt_on(tmp_path / "salt", Clock()))


def test_a_salt_that_cannot_be_read_is_as_good_as_none(tmp_path: Path):
    (tmp_path / "salt").mkdir()
    assert visitor_of(salt_on(tmp_path / "salt", Clock()))


@pytest.fixture
async def calm(tmp_path: Path) -> AsyncIterator[TrackingSite]:
    cookieless = Cookieless(Origins((), known), salt_on(tmp_path / "salt", Clock()))
    async with open_tracking(tmp_path, cookieless=cookieless.of) as site:
        await site.apps.add(COOKIELESS)
        yield site


BODIES = [ACTION, ACTION | {"anonymous_id": "client-made"}, [ACTION, ACTION | {"anonymous_id": "client-made"}]]


@pytest.mark.parametrize("body", BODIES, ids=["plain", "own id", "batch"])
async def test_no_cookie_is_set_or_read_and_no_id_of_the_client_s_is_taken(calm: TrackingSite, body: object):
    cookie = f"{COOKIE}=0b9c8f8e-3c1d-4f6a-9a57-2f3f0e3f8a11"
    answers = [await calm.post(body, **TOKEN), await calm.post(body, **TOKEN, Cookie=cookie)]
    assert [COOKIE in answer.cookies for answer in answers] == [False, False]
    (visitor,) = {line["anonymous_id"] for line in (await calm.lines()).values()}
    assert UUID_8.fullmatch(str(visitor))


@pytest.mark.parametrize(("body", "headers"), [(ACTION | {"id_user": "ada"}, {}), (ACTION, SIGNED_IN)])
async def test_a_user_of_an_application_without_cookies_is_no_visitor_beside(
    calm: TrackingSite, body: object, headers: dict[str, str]
):
    line = await calm.line_of(body, **TOKEN, **headers)
    assert "anonymous_id" not in line
    assert line["user_id"] in ("ada", "7")
