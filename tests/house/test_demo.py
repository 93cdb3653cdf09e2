"""`make demo`: made-up visitors over HTTP, counted to the last event; nothing is left behind."""

import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from examples.demo.visitors import Shop
from tests.house.daemon import processes_below
from tests.tmux import terminal

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
BRAILLE = re.compile("[\u2801-\u28ff]")


def test_the_same_seed_gives_the_same_visitors_and_another_seed_others() -> None:
    one, same, other = ([shop.visit() for _ in range(300)] for shop in (Shop(1), Shop(1), Shop(2)))
    assert one == same != other


def test_visitors_come_back_come_from_somewhere_and_walk_from_page_to_page() -> None:
    shop = Shop(1)
    visits = [shop.visit() for _ in range(500)]
    assert 250 < len({visit.anonymous_id for visit in visits}) < 450
    assert len({visit.steps[0].item.get("referrer") for visit in visits}) > 4
    for visit in visits:
        assert {step.item["anonymous_id"] for step in visit.steps} == {visit.anonymous_id}
        for before, step in itertools.pairwise(visit.steps):
            assert step.after_s >= 2
            assert step.item["referrer"] == before.item["page_url"] != step.item["page_url"]
            assert before.after_s >= 0
    assert 2 < sum(len(visit.steps) for visit in visits) / len(visits) < 8


def test_the_past_is_the_past() -> None:
    items = list(Shop(1).past(NOW, 48, 200))
    times = [datetime.fromisoformat(str(item["date_created"])) for item in items]
    assert len(items) > 400
    assert all(48 * 3600 + 3600 > (NOW - at).total_seconds() > 0 for at in times)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")}
    return own | {"TMPDIR": str(tmp_path)}


@pytest.mark.long
def test_without_a_terminal_it_counts_and_ends_by_itself(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo", "--seconds", "4", "--rate", "20", "--no-console"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sent = [int(count) for count in re.findall(r"(\d+) events sent", done.stderr)]
    assert sent[-1] > sent[0] > 1000
    assert done.stderr.endswith(f"demo: {sent[-1]} events stored\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_leaves_nothing(tmp_path: Path, environment: dict[str, str], number: signal.Signals) -> None:
    command = [sys.executable, "-m", "examples.demo", "--no-console"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stderr is not None
            while "events sent" not in (line := demo.stderr.readline()):
                assert line, "the demo ended early"
            demo.send_signal(number)
            _, errors = demo.communicate(timeout=60)
        finally:
            demo.kill()
    assert demo.returncode == 130, errors
    assert "Traceback" not in errors
    assert processes_below(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_ended_from_outside_it_gives_the_terminal_back(tmp_path: Path) -> None:
    demo = ["env", f"TMPDIR={tmp_path}", sys.executable, "-m", "examples.demo"]
    line = f"{shlex.join(demo)} & echo $! > {tmp_path}/demo.pid; fg; echo ended with $?"
    with terminal(["bash", "-c", f"set -m; {line}; read -r _"], tmp_path, PYTHONPATH=str(ROOT)) as shown:
        shown.shows("● live")
        os.kill(int((tmp_path / "demo.pid").read_text()), signal.SIGTERM)
        shown.shows("ended with 130")
    assert processes_below(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("footfall-demo")] == []


@pytest.mark.parametrize("arguments", [["--seconds", "0"], ["--rate", "1000"], ["--rate", "x"]])
def test_what_is_out_of_bounds_is_said(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "examples.demo", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "should be over 0" in done.stderr or "invalid" in done.stderr


def test_in_a_terminal_there_is_a_chart_that_moves(tmp_path: Path) -> None:
    python = [sys.executable, "-m", "examples.demo", "--seconds", "60"]
    with terminal(["env", f"TMPDIR={tmp_path}", *python], tmp_path, PYTHONPATH=str(ROOT)) as shown:
        first = shown.until(lambda text: "● live" in text and BRAILLE.search(text) is not None)
        assert "(direct)" not in first
        shown.until(lambda text: "● live" in text and figures(text) != figures(first) and chart(text) != "")
        shown.press("3")
        shown.shows("events/s", "https://shop.example/")
        shown.press("q")
        shown.until(lambda _: shown.ended())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("footfall-demo")] == []


def figures(text: str) -> str:
    return text.splitlines()[3]


def chart(text: str) -> str:
    return "".join(BRAILLE.findall(text))
