"""Rule R12 when the store process dies between two steps of an erasure: the next start brings it to its end."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from storage.crashpoint import ERASURE_POINTS, VARIABLE
from storage.query.erasure import EraseQuery, LogPlace, Person
from storage.query.visits import Summary, SummaryQuery
from storage.settings import StoreSettings
from tests.contracts.shelf import InThreads
from tests.house.daemon import wait_for
from tests.logs import open_log
from tests.storage.test_erasure import EVERYONE, ITEMS, PAGES_AFTER, House, appended, loaded, traces

KEY = "key"
WITHIN_S = 30.0


async def summary_of(house: House) -> Summary:
    await loaded(house, len(ITEMS))
    return await InThreads(house.store).summary(SummaryQuery(where=EVERYONE, pages=9))


async def to_be_erased(data: Path) -> None:
    """Write a log of which nothing is loaded, and begin to erase a person of it."""
    house = House(data)
    async with open_log(data, segment_bytes_max=1000) as log:
        await appended(log, ITEMS)
        house.eraser.begin(EraseQuery(Person("site", "ada-the-user"), LogPlace(log.log_id, await log.seal())))
    (data / "quarantine").mkdir()
    (data / "quarantine" / "torn").write_bytes(b"ada-the-user")


def killed_at(point: str, data: Path) -> int:
    """Run a store process that dies at the point, and return its exit status."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        settings = StoreSettings(
            data=str(data),
            link=theirs.fileno(),
            memory_limit_mb=128,
            threads=1,
            batch_age_s=0.01,
            batch_events=1000,
            batch_bytes_max=1 << 20,
            checkpoint_s=0.05,
            query_threads=1,
            query_timeout_s=10.0,
            rejected_bytes_max=1 << 26,
            erasure_key=KEY,
            log_level="info",
            log_format="json",
        )
        done = subprocess.run(
            [sys.executable, "-m", "storage"],
            input=msgspec.json.encode(settings) + b"\n",
            env=os.environ | {VARIABLE: point},
            pass_fds=[theirs.fileno()],
            timeout=WITHIN_S,
            check=False,
        )
    return done.returncode


@pytest.mark.long
@pytest.mark.parametrize("point", ERASURE_POINTS)
async def test_an_erasure_is_finished_after_a_kill_at_any_of_its_steps(tmp_path: Path, point: str):
    await to_be_erased(tmp_path)
    assert killed_at(point, tmp_path) == -signal.SIGKILL
    again = House(tmp_path)
    with again.running():
        wait_for(lambda: again.eraser.count() == 0)
        after = await summary_of(again)
    assert traces(tmp_path) == {}
    assert {page.page_url: page.visits for page in after.popular_pages} == PAGES_AFTER
    assert (after.total_visits, after.unique_users) == (8, 3)
