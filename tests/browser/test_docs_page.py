"""/docs in a real Chromium that can reach nothing but the daemon."""

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import need_command, need_program

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
ALONE = ("unshare", "--user", "--map-root-user", "--net")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    need_program("chromium")
    need_command(*ALONE, "true", what="way to cut a program off the network")
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


def test_the_page_shows_every_operation_of_the_document(shown):
    # Swagger UI puts a break opportunity behind each step of a path.
    text = html.unescape(re.sub(r"<[^>]+>", "", shown["dom"].replace("\u200b", "")))
    operations = [
        f"{method}{path}{operation['summary']}"
        for path, methods in shown["document"]["paths"].items()
        for method, operation in methods.items()
    ]
    assert "post/auth/signinOpen a session" in operations
    missing = [one for one in operations if squeezed(one) not in squeezed(text)]
    assert not missing, text[:3000]


def squeezed(text: str) -> str:
    """Return the text in one case and without spaces, backquotes and what else Markdown and HTML do to it."""
    return re.sub(r"[\s`]+", "", text).lower()


def test_nothing_was_refused_or_missed(shown):
    assert shown["status"] == 0
    assert shown["console"] == []
    assert "Failed to load" not in shown["dom"]
    assert "validator.swagger.io" not in shown["dom"]
