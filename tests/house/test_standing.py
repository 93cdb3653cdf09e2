"""What takes a right away counts at once, on open streams too, and after a restart (a real daemon)."""

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.daemon import PASSWORD, Daemon
from tests.house.test_live import listening

ANNA = {"nickname": "anna", "firstname": "A", "lastname": "I", "age": 33, "password": PASSWORD}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon.fresh(tmp_path / "house") as running:
        yield running


def asked(daemon: Daemon, method: str, path: str, token: str, body: object = None) -> tuple[int, str]:
    """Return the status of a request and the code of its problem."""
    content = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(daemon.url + path, content, headers, method=method)
    try:
        with contextlib.closing(urllib.request.urlopen(request, timeout=30)) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())["code"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("method", "what", "body", "later"),
    [
        ("PUT", "block", None, (401, "invalid_token")),
        ("DELETE", "sessions", None, (401, "invalid_token")),
        ("PUT", "role", {"role": "user"}, (403, "insufficient_scope")),
    ],
)
async def test_what_an_administrator_takes_away_is_gone_at_once_on_open_streams_and_after_a_restart(
    daemon: Daemon, method: str, what: str, body: object, later: tuple[int, str]
) -> None:
    boss = daemon.admin_token()
    envelope = daemon.post("/auth/signup", ANNA)
    token, user_id = str(envelope["jwt_token"]), envelope["user"]["user_id"]
    assert asked(daemon, "PUT", f"/admin/users/{user_id}/role", boss, {"role": "analyst"}) == (204, "")
    async with listening(daemon, token) as listener:
        assert asked(daemon, method, f"/admin/users/{user_id}/{what}", boss, body) == (204, "")
        assert asked(daemon, "GET", "/live", token) == later
        await listener.ended()
    assert (listener.heard[-1].event, json.loads(listener.heard[-1].data)) == ("end", {"code": later[1]})
    daemon.kill_tree()
    daemon.start()
    assert asked(daemon, "GET", "/live", token) == later
