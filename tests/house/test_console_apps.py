"""An administrator and an application: made, written to, repaired and charted in a real terminal, on a real daemon."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

from tests.house.daemon import Daemon, wait_for
from tests.house.test_console import SIZED, SIZES, check_clean, console, daemon
from tests.tmux import Terminal

__all__ = ["daemon"]

ESCAPES = "\x1b]0;pwned\x07\x1b[31m"


def track(daemon: Daemon, api_token: str, **attrs: object) -> int:
    """Send a sale of ann, and return the status."""
    body = {"source_label": "sale", "id_user": "ann", "attrs": attrs}
    headers = {"Content-Type": "application/json", "X-Api-Token": api_token}
    request = urllib.request.Request(f"{daemon.url}/track", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def app_of(daemon: Daemon) -> dict[str, str]:
    """Return the one application of the administrator."""
    (app,) = json.loads(daemon.open("/app", None, daemon.admin_token()))["apps"]
    return app


def to_tab(shown: Terminal, name: str) -> None:
    """Go to a tab of Admin, one key at a time."""
    while (tab := tab_of(shown.screen())) != name:
        shown.press("Tab")
        shown.until(lambda text, before=tab: tab_of(text) not in ("", before))


def pivot_of(daemon: Daemon, token: str) -> list[dict[str, object]]:
    """Return the pivot of its one event, of which there are rows once it is in the store."""
    path = f"/app/{app_of(daemon)['app_code']}/events"
    (event,) = json.loads(daemon.open(path, None, token))["events"]
    answered = daemon.open(f"/analytics/{app_of(daemon)['app_code']}/{event['event_code']}", None, token)
    return list(json.loads(answered)) or [{}]


def tab_of(text: str) -> str:
    """Return the tab that is shown, empty while there is none."""
    found = re.search("▌([A-Z][a-z ]+)▐", text)
    return found[1] if found else ""


def choose(shown: Terminal, question: str, downs: int) -> None:
    """Choose the option so far below the present one."""
    shown.shows(question)
    shown.press(*["Down"] * downs, "Enter")
    shown.until(lambda text: question not in text)


def make_app(shown: Terminal, name: str) -> None:
    """Create an application and put the cursor on it."""
    shown.press("5")
    shown.shows("▌Users▐")
    to_tab(shown, "Apps")
    shown.press("c")
    shown.shows("Name of the new application")
    shown.press(name, "Enter")
    shown.shows(f"{name} is created", "y copies it")
    shown.press("Escape")
    shown.until(lambda text: "y copies it" not in text)
    shown.press("Down")


def define(shown: Terminal, line: str) -> None:
    """Define an event of the application under the cursor."""
    shown.press("d")
    shown.shows("Events of Café", "no event is defined yet")
    shown.press("a")
    shown.shows("Define an event")
    shown.press(line, "Enter")
    shown.shows("sale is defined", "part:string")
    shown.press("Escape")
    shown.until(lambda text: "Events of" not in text)


def repair(shown: Terminal) -> None:
    """Have n be a number."""
    shown.press("d")
    shown.shows("Events of Café", "part:string")
    shown.press("Enter")
    shown.shows("Attrs of sale")
    shown.press(" mm:number")
    shown.shows("n:integer mm:number")
    shown.press("Enter")
    shown.shows("Events of Café", "n:integer mm:number")
    shown.press("Escape")
    shown.until(lambda text: "Events of" not in text)


@SIZED
def test_an_application_is_made_and_what_it_rejected_is_repaired_replayed_and_charted(
    daemon: Daemon, tmp_path: Path, size: tuple[int, int]
) -> None:
    with console(daemon, tmp_path, size, FOOTFALL_TOKEN=daemon.admin_token()) as shown:
        shown.shows("● live")
        make_app(shown, "Café")
        define(shown, "sale part:string n:integer")
        shown.press("m")
        choose(shown, "Events of Café that break", 2)
        shown.shows("Café is in mode enforce")
        api_token = app_of(daemon)["api_token"]
        assert track(daemon, api_token, part="diode", n=235) == 202
        assert track(daemon, api_token, part=ESCAPES, n=7, mm=1.5) == 422
        wait_for(lambda: daemon.get("/admin/rejected", daemon.admin_token())["rows"])
        to_tab(shown, "Rejected")
        shown.shows("attr_undefined")
        shown.press("Enter")
        shown.shows("Rejected item", "pwned")
        shown.press("Escape")
        shown.until(lambda text: "Rejected item" not in text)
        shown.press("R")
        choose(shown, "It was rejected as attr_undefined", 1)
        shown.shows("1 refused", "were refused again")
        shown.press("Escape")
        shown.until(lambda text: "were refused again" not in text)
        to_tab(shown, "Apps")
        repair(shown)
        to_tab(shown, "Rejected")
        shown.press("A")
        choose(shown, "Replay all 1 item shown here?", 1)
        shown.shows("1 accepted")
        token = daemon.admin_token()
        wait_for(lambda: len(pivot_of(daemon, token)[0]) == 3)
        shown.press("2")
        shown.shows("Café · sale · sum of n by part · 24h", "all users", "242", "ann", "diode")
        if size == SIZES["80x24"]:
            shown.press("z")
        shown.shows("all users, sum of n by part", "███")
        check_clean(shown)
        shown.press("q")
        shown.until(lambda _: shown.ended())
