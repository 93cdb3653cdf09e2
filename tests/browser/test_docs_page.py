"""/docs in a real Chromium that can reach nothing but the daemon."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALONE = ("unshare", "--user", "--map-root-user", "--net")
OPERATIONS = [
    ("post", "/auth/signin", "Open a session"),
    ("post", "/track", "Take one action, or an array of up to a thousand"),
    ("post", "/query", "Answer metrics in total, by page, by source or by period"),
    ("get", "/live", "Send what becomes durable"),
    ("get", "/health", "Answer ok or degraded"),
]


def skip_or_fail(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    if shutil.which("chromium") is None:
        skip_or_fail("this machine has no chromium")
    if shutil.which("unshare") is None or subprocess.run([*ALONE, "true"], check=False).returncode:
        skip_or_fail("this machine cannot cut a program off the network (unshare --user --net)")
    root = tmp_path_factory.mktemp("browser")
    done = subprocess.run(
        [*ALONE, sys.executable, "-m", "tests.browser.inside", str(root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_the_network_is_cut_off(shown):
    assert shown["reaches_elsewhere"] is False


@pytest.mark.parametrize(("method", "path", "summary"), OPERATIONS)
def test_the_page_shows_the_operation(shown, method, path, summary):
    # Swagger UI puts a break opportunity behind each step of a path.
    text = re.sub(r"<[^>]+>", "", shown["dom"].replace("\u200b", ""))
    block = rf"{method}\s*{re.escape(path)}\s*{re.escape(summary)}"
    assert re.search(block, text, re.IGNORECASE), text[:3000]


def test_nothing_was_refused_or_missed(shown):
    assert shown["status"] == 0
    assert shown["console"] == []
    assert "Failed to load" not in shown["dom"]
    assert "validator.swagger.io" not in shown["dom"]
