"""An administrator at the real `footfall`, in a real terminal, on a real daemon."""

import json
import urllib.error
import urllib.request
from pathlib import Path

from tests.house.daemon import Daemon
from tests.house.test_console import SIZED, console, daemon
from tests.tmux import Terminal

__all__ = ["daemon"]

PASSWORD = "a battery of horses"
ESCAPES = "\x1b]0;pwned\x07\x1b[31m\x9b[2J"


def sign_up(daemon: Daemon, nickname: str) -> str:
    """Return the token of a new user."""
    body = {"nickname": nickname, "firstname": "A", "lastname": "B", "age": 30, "password": PASSWORD}
    return str(daemon.post("/auth/signup", body)["jwt_token"])


def status_of(daemon: Daemon, path: str, token: str | None = None, body: object = None) -> int:
    headers = {"User-Agent": "a browser", "Content-Type": "application/json"}
    headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(daemon.url + path, sent, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def find(shown: Terminal, name: str) -> None:
    shown.press("/")
    shown.shows("Part of a nickname")
    shown.press(name, "Enter")
    shown.shows(f'1 · everyone · "{name}"')


@SIZED
def test_an_administrator_finds_a_user_and_blocks_it_and_the_audit_log_shows_both(
    daemon: Daemon, tmp_path: Path, size: tuple[int, int]
) -> None:
    tokens = {name: sign_up(daemon, name) for name in ("anna", "boris", "mallory", "zoe")}
    with console(daemon, tmp_path, size, FOOTFALL_TOKEN=daemon.admin_token()) as shown:
        shown.shows("● live")
        shown.press("5")
        shown.shows("5 · everyone · last seen first", "anna", "boris", "mallory", "zoe", "boss")
        find(shown, "MALLO")
        assert status_of(daemon, "/auth/me", tokens["mallory"]) == 200
        shown.press("b")
        shown.shows("Block mallory (user)?")
        shown.press("Down", "Enter")
        shown.shows("mallory is blocked")
        assert status_of(daemon, "/auth/me", tokens["mallory"]) == 401
        signin = {"nickname": "mallory", "password": PASSWORD}
        assert status_of(daemon, "/auth/signin", body=signin) == 401
        assert status_of(daemon, "/auth/me", tokens["anna"]) == 200
        shown.press("l")
        shown.shows(
            "▌Auth log▐", "user mallory", "user_created", "user_updated", "session_use_after", "authn_login_fail"
        )
        shown.press("v")
        shown.shows("entries are good")
        shown.press("q")
        shown.until(lambda _: shown.ended())
