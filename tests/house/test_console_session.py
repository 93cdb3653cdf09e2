"""The session of the console outlives its tokens: processes that share a file, on a real daemon whose clock jumps."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from console.token_file import read_tokens
from tests.house.daemon import ADMIN, PASSWORD, Daemon, wait_for
from tests.house.test_clock import Clock

CONSOLE = [sys.executable, "-m", "console"]
TOKEN_LIFE = timedelta(minutes=16)
SESSION_LIFE = timedelta(days=8)
COMMANDS = (["status"], ["top", "page"], ["top", "day"], ["status", "--json"])


class Shell:
    """Runs `footfall` on one daemon, with one token file."""

    def __init__(self, daemon: Daemon, directory: Path) -> None:
        self.token_file = directory / "token"
        self.heard = directory / "live.ndjson"
        self._environment = os.environ | {"FOOTFALL_URL": daemon.url, "FOOTFALL_TOKEN_FILE": str(self.token_file)}

    def run(self, *argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        process = self.start(*argv, stdout=subprocess.PIPE)
        out, err = process.communicate(stdin, timeout=60)
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def start(self, *argv: str, stdout: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*CONSOLE, *argv],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


def counter(daemon: Daemon) -> int:
    """Return how often the sessions of the daemon's only user were refreshed; nothing is written of one that never was."""
    (path,) = (path for path in daemon.data.glob("users/**/*") if path.is_file())
    return sum(session.get("counter", 0) for session in json.loads(path.read_bytes())["sessions"])


def track(daemon: Daemon, label: str) -> None:
    daemon.post("/track", {"source_label": label})


def test_processes_with_one_token_file_outlive_the_token_together(tmp_path: Path, clock: Clock) -> None:
    with Daemon.fresh(tmp_path / "house", **clock.environment) as daemon:
        shell = Shell(daemon, tmp_path)
        assert shell.run("signin", ADMIN, "--password-stdin", stdin=f"{PASSWORD}\n").returncode == 0
        with shell.heard.open("wb") as heard, shell.start("live", "--json", stdout=heard.fileno()) as live:
            try:
                track(daemon, "before")
                wait_for(lambda: b"before" in shell.heard.read_bytes())
                for refreshes in (1, 2):
                    clock.set_ahead(refreshes * TOKEN_LIFE)
                    running = [shell.start(*argv, stdout=subprocess.PIPE) for argv in COMMANDS]
                    assert [(one.communicate(timeout=60)[1], one.returncode) for one in running] == [("", 0)] * 4
                    track(daemon, f"behind {refreshes}")
                    wait_for(lambda label=f"behind {refreshes}": label.encode() in shell.heard.read_bytes())
                    assert counter(daemon) == refreshes
            finally:
                live.kill()
        labels = [json.loads(line)["source_label"] for line in shell.heard.read_bytes().splitlines()]
        assert [one for one in labels if one.startswith("be")] == ["before", "behind 1", "behind 2"]
        assert shell.token_file.stat().st_mode & 0o777 == 0o600


def test_a_session_that_has_ended_is_one_line_with_the_remedy(tmp_path: Path, clock: Clock) -> None:
    with Daemon.fresh(tmp_path / "house", **clock.environment) as daemon:
        shell = Shell(daemon, tmp_path)
        shell.run("signin", ADMIN, "--password-stdin", stdin=f"{PASSWORD}\n")
        kept = read_tokens(shell.token_file)
        clock.set_ahead(SESSION_LIFE)
        done = shell.run("top", "page")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            "footfall: 401 session_expired: the session has ended; sign in again; run `footfall signin NAME`\n"
        )
        assert read_tokens(shell.token_file) == kept
