"""What a service manager hears, through a real datagram socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.notify import Supervisor


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@footfall-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hearing:
        hearing.bind(name.replace("@", "\0", 1))
        hearing.settimeout(5)
        yield hearing, name


def test_ready_and_stopping_are_heard_on_a_path_and_on_an_abstract_name(manager):
    hearing, name = manager
    supervisor = Supervisor.of({"NOTIFY_SOCKET": name})
    supervisor.ready("answers")
    supervisor.stopping()
    assert hearing.recv(4096) == b"READY=1\nSTATUS=answers"
    assert hearing.recv(4096).startswith(b"STOPPING=1\n")


async def test_the_watchdog_is_fed_again_and_again_but_not_while_the_log_is_stuck(manager):
    hearing, name = manager
    hearing.settimeout(0)
    supervisor = Supervisor.of({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "20000"})
    verdicts = iter([False, True, True, False])
    done = asyncio.Event()

    def stuck(period_s: float) -> bool:
        assert period_s == 0.02
        verdict = next(verdicts, None)
        if verdict is None:
            done.set()
        return verdict is None or verdict

    watching = asyncio.create_task(supervisor.watch(stuck))
    async with asyncio.timeout(5):
        await done.wait()
    watching.cancel()
    assert [hearing.recv(4096), hearing.recv(4096)] == [b"WATCHDOG=1"] * 2
    with pytest.raises(BlockingIOError):
        hearing.recv(4096)


@pytest.mark.parametrize(
    "environ", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}], ids=str
)
async def test_without_a_watchdog_of_ours_nothing_is_fed(environ):
    async with asyncio.timeout(5):
        await Supervisor.of(environ).watch(lambda _: False)


def test_a_manager_that_went_away_is_a_line_of_the_log_and_no_error(tmp_path: Path, capsys):
    Supervisor.of({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("answers")
    assert "notify_failed" in "".join(capsys.readouterr())
