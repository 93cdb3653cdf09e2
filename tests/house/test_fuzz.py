"""Row H10: schemathesis over a real daemon, with all its checks, as everyone who may ask.

The cases are the same each time, FUZZ_FEW of them an operation. FUZZ_EXAMPLES asks longer instead, and at random.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.daemon import Daemon
from tests.house.people import peopled

HERE = Path(__file__).parent
EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
FEW = os.environ.get("FUZZ_FEW", "3")
RUN_S = 240 if EXAMPLES is None else 7200


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with peopled(tmp_path_factory.mktemp("fuzz") / "house") as running:
        yield running


def asked(daemon: Daemon, role: str, room: Path) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file",
        str(HERE / "fuzz.toml"),
        "--no-color",
    ]
    command += ["run", f"{daemon.url}/openapi.json", "--checks", "all", "--max-examples", EXAMPLES or FEW]
    if EXAMPLES is None:
        command.append("--generation-deterministic")
    environment = os.environ | {
        "FUZZ_ROLE": role,
        "PYTHONPATH": str(HERE.parents[1]),
        "SCHEMATHESIS_HOOKS": "tests.house.fuzz",
    }
    return subprocess.run(
        command, cwd=room, env=environment, capture_output=True, text=True, timeout=RUN_S, check=False
    )


@pytest.mark.long
@pytest.mark.parametrize("role", ["anyone", "user", "analyst", "admin"])
def test_h10_the_daemon_does_what_its_document_says_whatever_is_sent(daemon: Daemon, role: str, tmp_path: Path):
    done = asked(daemon, role, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "request_failed" not in daemon.stderr_file.read_text()
    assert daemon.get("/ready") == {"status": "ready"}
