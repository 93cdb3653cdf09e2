"""The daemon as a service: what systemd hears of a real one, and what it thinks of our unit."""

import contextlib
import re
import resource
import socket
import subprocess
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.daemon import Daemon
from tests.needs import need_program

HEARD_WITHIN_S = 30.0
UNIT = Path(__file__).parents[2] / "systemd" / "footfalld.service"
EXPOSURE_MAX = 20
"""Tenths of what `systemd-analyze security` counts; a unit that is not hardened has 96."""


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hearing:
        hearing.bind(str(tmp_path / "notify"))
        hearing.settimeout(HEARD_WITHIN_S)
        yield hearing


def supervised(tmp_path: Path, **environment: str) -> Daemon:
    daemon = Daemon(tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000", **environment)
    daemon.run("init")
    return daemon


def queued(manager: socket.socket) -> list[bytes]:
    """Return what was said until now."""
    said = []
    manager.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            said.append(manager.recv(4096))
    manager.settimeout(HEARD_WITHIN_S)
    return said


def hear(manager: socket.socket, word: bytes) -> bytes:
    while not (said := manager.recv(4096)).startswith(word):
        assert said == b"WATCHDOG=1"
    return said


def test_a_daemon_says_when_it_is_ready_feeds_the_watchdog_and_says_when_it_stops(tmp_path: Path, manager):
    with supervised(tmp_path) as daemon:
        daemon.start()
        assert hear(manager, b"READY=1") == f"READY=1\nSTATUS=footfall answers on {daemon.url}".encode()
        for _ in range(15):  # longer than the log's thread may be silent
            hear(manager, b"WATCHDOG=1")
        assert daemon.stop() == 0
        assert hear(manager, b"STOPPING=1")


def test_a_failed_log_is_not_fed_any_more(tmp_path: Path, manager):
    with supervised(tmp_path) as daemon:
        daemon.start()
        hear(manager, b"READY=1")
        # EFBIG: an error of the write that is not a full disk.
        resource.prlimit(daemon.process, resource.RLIMIT_FSIZE, (1, 1))
        with pytest.raises(urllib.error.HTTPError, match="503") as refused:
            daemon.post("/track", {"source_label": "a"})
        refused.value.close()
        queued(manager)
        assert daemon.wait() == 1
        assert b"WATCHDOG=1" not in queued(manager)


def systemd_analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    need_program("systemd-analyze")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_systemd_takes_every_line_of_the_unit(tmp_path: Path):
    # The program is where people install it, not where this test runs.
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE))
    done = systemd_analyze("verify", "--man=no", "--recursive-errors=no", str(unit))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_finds_the_unit_hardened():
    done = systemd_analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", str(UNIT))
    assert done.returncode == 0, done.stdout + done.stderr
