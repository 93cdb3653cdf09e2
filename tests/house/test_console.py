"""The real `footfall` in a real terminal, on a real daemon."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import CORPUS
from tests.house.daemon import Daemon
from tests.tmux import Terminal, terminal

CONSOLE = [sys.executable, "-m", "console"]
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
SIZED = pytest.mark.parametrize(
    "size", [SIZES["80x24"], pytest.param(SIZES["120x40"], marks=pytest.mark.long)], ids=SIZES.keys()
)
ESCAPES_OF_TEXTUAL = re.compile(
    rb"\x1b(?:\[[0-9;:?<>=$]*[A-Za-z]|[=>]|\][0-9]+;[^\x07\x1b]*(?:\x07|\x1b\\)|P[^\x1b]*\x1b\\)"
)
BRAILLE = re.compile("[\u2801-\u28ff]")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon.fresh(tmp_path / "house") as running:
        yield running


def console(daemon: Daemon, tmp_path: Path, size: tuple[int, int], **environment: str):
    environment = {"FOOTFALL_URL": daemon.url, "XDG_STATE_HOME": str(tmp_path / "state")} | environment
    return terminal(CONSOLE, tmp_path, size=size, **environment)


def pageviews(daemon: Daemon, first: int, count: int) -> None:
    daemon.post("/track", [pageview(number) for number in range(first, first + count)])


def pageview(number: int) -> dict[str, object]:
    return {"source_label": "pageview", "page_url": f"https://shop.example/{number}", "anonymous_id": f"v{number}"}


@SIZED
def test_events_are_shown_live_and_the_console_survives_a_restart_of_the_daemon(
    daemon: Daemon, tmp_path: Path, size: tuple[int, int]
) -> None:
    token = daemon.admin_token()
    port = int(daemon.url.rpartition(":")[2])
    with console(daemon, tmp_path, size, FOOTFALL_TOKEN=token) as shown:
        shown.shows("● live", "visitors, 24h, UTC")
        pageviews(daemon, 1, 3)
        overview = shown.shows("https://shop.example/1", "● live")
        assert BRAILLE.search(shown.until(lambda text: BRAILLE.search(text) is not None))
        assert len(overview.splitlines()) == size[1]
        shown.press("3")
        shown.shows("https://shop.example/3", "3 accepted")
        assert daemon.stop() == 0
        shown.shows("◌ retry", "old", "https://shop.example/3")
        daemon.start(port)
        shown.shows("● live", "https://shop.example/3")
        pageviews(daemon, 4, 2)
        shown.shows("https://shop.example/5", "5 accepted")
        daemon.kill_tree()
        shown.shows("◌ retry")
        daemon.start(port)
        pageviews(daemon, 6, 1)
        shown.shows("● live", "https://shop.example/6", "6 accepted")
        assert shown.screen().count("https://shop.example/5 ") == 1
        shown.press("q")
        shown.until(lambda _: shown.ended())


def test_who_signs_in_types_its_name_and_password(daemon: Daemon, tmp_path: Path) -> None:
    daemon.admin_token()
    with console(daemon, tmp_path, (80, 24)) as shown:
        shown.shows("Sign in at", "✕ auth")
        shown.press("boss", "Enter")
        shown.until(lambda text: "boss" in text)
        shown.press("wrong", "Enter")
        shown.shows("credentials_wrong")
        shown.press("correct horse battery", "Enter")
        shown.shows("● live", "bounce")
        assert "correct horse" not in shown.screen()
    assert (tmp_path / "state" / "footfall" / "token").stat().st_mode & 0o777 == 0o600
    assert b"correct horse battery" not in shown.written()


def test_a_console_whose_terminal_is_gone_ends(tmp_path: Path) -> None:
    """Without a controlling terminal no SIGHUP comes, as where a supervisor or a container stands between."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"FOOTFALL_URL": "http://127.0.0.1:9", "XDG_STATE_HOME": str(tmp_path), "TERM": "xterm"}
    process = subprocess.Popen(
        CONSOLE, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    try:
        shown = b""
        while b"Quit" not in shown:
            shown += os.read(ours, 65536)
        os.close(ours)
        assert process.wait(30) == 129
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_console_that_is_ended_from_outside_gives_the_terminal_back(tmp_path: Path, number: signal.Signals) -> None:
    with terminal(CONSOLE, tmp_path, FOOTFALL_URL="http://127.0.0.1:9", XDG_STATE_HOME=str(tmp_path)) as shown:
        shown.shows("q Quit", "Sign in at")
        os.kill(shown.process(), number)
        shown.until(lambda _: shown.ended())
        assert shown.written().count(b"\x1b[?1049h") == shown.written().count(b"\x1b[?1049l") == 1


def hostile_events() -> list[dict[str, object]]:
    """Return the corpus in every member that a stranger writes; what a member cannot hold is cut."""
    return [
        {
            "source_label": text[:100] or "x",
            "anonymous_id": text[:60] or "x",
            "page_url": text[:4000] or "x",
            "referrer": "https://" + text[:1000],
            "title": text[:1000],
            "attrs": {text[:100]: [text, {text[:50]: text}]},
        }
        for text in CORPUS
        if "\x00" not in text
    ]


def check_clean(shown: Terminal) -> None:
    """Assert that what was written holds no escape but those of a screen being drawn, and nothing a stranger asked for."""
    written = shown.written()
    left = ESCAPES_OF_TEXTUAL.sub(b"", written)
    assert b"\x1b" not in left, left[max(0, left.index(b"\x1b") - 40) :][:120]
    for bad in (b"]0;pwned", b"]52;", b"Gf=100", b"+q544e", b"\x07"):
        assert b"\x1b" + bad not in written
    text = left.decode()
    assert not re.search("[\x00-\x08\x0b\x0c\x0f-\x1a\x1c-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)
    assert "pwned" not in shown.title()


@SIZED
def test_hostile_events_reach_a_real_terminal_clean(daemon: Daemon, tmp_path: Path, size: tuple[int, int]) -> None:
    token = daemon.admin_token()
    events = hostile_events()
    for event in events:  # as pageviews too, so that their pages and referrers are in the overview
        daemon.post("/track", [event, event | {"source_label": "pageview"}])
    with console(daemon, tmp_path, size, FOOTFALL_TOKEN=token) as shown:
        shown.shows("● live")
        shown.until(lambda text: "waiting for the daemon" not in text)
        for panel in range(2):
            shown.press("Enter")
            shown.shows("Page or source")
            # By itself: a terminal takes what follows at once for one key with it.
            shown.press("Escape")
            shown.until(lambda text: "Page or source" not in text)
            shown.press("Tab")
            shown.until(lambda text, title=("Sources", "Pages")[panel]: title in text)
        shown.press("3")
        shown.shows("0 accepted")
        for _ in events if size == SIZES["80x24"] else events[:5]:
            shown.press("Enter")
            shown.shows("receipt")
            shown.press("Escape")
            shown.until(lambda text: "receipt" not in text)
            shown.press("Up")
        daemon.post("/track", pageview(77))
        shown.press("End")
        shown.shows("https://shop.example/77", "1 accepted")
        check_clean(shown)
        shown.press("q")
        shown.until(lambda _: shown.ended())


def test_footfall_live_prints_what_comes_in_as_clean_lines_or_json(daemon: Daemon, tmp_path: Path) -> None:
    token = daemon.admin_token()
    for event in hostile_events():
        daemon.post("/track", event)
    pageviews(daemon, 1, 1)
    environment = {"FOOTFALL_URL": daemon.url, "FOOTFALL_TOKEN": token}
    with terminal([*CONSOLE, "live"], tmp_path, size=(200, 50), **environment) as shown:
        shown.shows("pageview  https://shop.example/1  -  v1")
        pageviews(daemon, 2, 1)
        shown.shows("pageview  https://shop.example/2  -  v2")
        assert b"\x1b" not in shown.written()
        shown.press("C-c")
        shown.until(lambda _: shown.ended())
    with terminal([*CONSOLE, "live", "--json"], tmp_path, size=(200, 50), **environment) as shown:
        shown.shows('"https://shop.example/2"')
        raw = shown.written().replace(b"\r\n", b"\n")
        assert raw.isascii()
        found = [json.loads(line) for line in raw.splitlines() if line.startswith(b"{")]
        assert {one["page_url"] for one in found} >= {event["page_url"] for event in hostile_events()}
