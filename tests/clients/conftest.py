"""The clients, installed as anyone installs them, at the versions that the files beside this one pin."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.shop import Shop, open_shop
from tests.needs import missing, need_program

HERE = Path(__file__).parent
INSTALL_S = 240


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path / "house") as opened:
        yield opened


@pytest.fixture(scope="session")
def node_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the clients in JavaScript, and the scripts and pages that use them."""
    for program in ("node", "npm"):
        need_program(program)
    room = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "segment_node.mjs", "plausible.html", "segment.html"):
        shutil.copy(HERE / name, room)
    install("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", room=room)
    return room


@pytest.fixture(scope="session")
def python_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the clients in Python."""
    room = tmp_path_factory.mktemp("python")
    pinned = ("--target", str(room), "--no-deps", "-r", str(HERE / "requirements.txt"))
    install(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pinned, room=room)
    return room


def install(*command: str, room: Path) -> None:
    done = subprocess.run(command, cwd=room, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    if done.returncode:
        missing(f"way to install the clients: {done.stderr[-500:]}")
