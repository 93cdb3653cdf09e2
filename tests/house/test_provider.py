"""The users of one real daemon at another: signed in there, let in here, and never without its word."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.token_file import Tokens, write_tokens
from tests.house.daemon import ADMIN, PASSWORD, Daemon, wait_for
from tests.house.test_live import listening

pytestmark = pytest.mark.long

ANN = {"firstname": "Ann", "lastname": "Lee", "nickname": "ann", "age": 30, "password": PASSWORD}


class Pair:
    """`accounts` has the users; `site` asks it."""

    def __init__(self, accounts: Daemon, site: Daemon) -> None:
        self.accounts = accounts
        self.site = site

    def sign_in(self, nickname: str = ADMIN) -> str:
        body = {"nickname": nickname, "password": PASSWORD}
        return str(self.accounts.post("/auth/signin", body)["jwt_token"])


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with Daemon.fresh(tmp_path / "accounts") as accounts:
        url = {"FOOTFALL_IDENTITY__PROVIDER_URL": accounts.url}
        with Daemon.fresh(tmp_path / "site", **url) as site:
            accounts.post("/auth/signup", ANN)
            yield Pair(accounts, site)


def refused(daemon: Daemon, path: str, token: str | None = None, body: object = None) -> tuple[int, str, str | None]:
    """Send what is refused, and return status, code and Retry-After."""
    raw = None if body is None else json.dumps(body).encode()
    with pytest.raises(urllib.error.HTTPError) as caught:
        daemon.open(path, raw, token)
    with caught.value as error:
        return error.code, json.loads(error.read())["code"], error.headers["Retry-After"]


def test_who_signs_in_there_tracks_and_reads_here_until_he_signs_out_there(pair: Pair):
    token = pair.sign_in("ann")
    user_id = pair.accounts.get("/auth/me", token)["user_id"]
    assert pair.site.get("/auth/me", token) == {"user_id": user_id, "role": "user"}
    pair.site.post("/track", {"source_label": "button_buy"}, token)
    wait_for(lambda: b"button_buy" in pair.site.open("/export/events.ndjson", None, token))
    exported = [json.loads(line) for line in pair.site.open("/export/events.ndjson", None, token).splitlines()]
    assert {str(user_id)} == {value for line in exported for value in line.values() if value == user_id}
    pair.accounts.open("/auth/signout", b"", token)
    assert refused(pair.site, "/auth/me", token)[:2] == (401, "invalid_token")
    assert refused(pair.site, "/track", token, {"source_label": "a"})[:2] == (401, "invalid_token")


def test_an_administrator_there_is_one_here_and_a_user_is_none(pair: Pair):
    assert pair.site.get("/admin/log", pair.sign_in())
    assert refused(pair.site, "/admin/log", pair.sign_in("ann"))[:2] == (403, "insufficient_scope")
    seen = pair.site.get("/admin/auth-events?event=authz_fail", pair.sign_in())["events"]
    assert isinstance(seen, list)
    assert [(one["event"], one["outcome"]) for one in seen] == [("authz_fail", "failure")]


def test_of_the_routes_of_accounts_only_ones_own_name_is_left(pair: Pair):
    paths = pair.site.get("/openapi.json")["paths"]
    assert isinstance(paths, dict)
    left = {path: [*methods] for path, methods in paths.items() if path.startswith(("/auth", "/admin/users", "/.well"))}
    assert left == {"/auth/me": ["get"]}


def test_there_are_no_accounts_here(pair: Pair):
    token = pair.sign_in()
    for path, body in (
        ("/auth/signup", ANN),
        ("/auth/signin", {"nickname": ADMIN, "password": PASSWORD}),
        ("/auth/refresh", {}),
        ("/auth/signout", {}),
        ("/auth/sessions", None),
        ("/admin/users", None),
        ("/.well-known/jwks.json", None),
    ):
        assert refused(pair.site, path, token, body)[:2] == (404, "not_found"), path
    done = pair.site.run("admin", "add", "eve", "--password-stdin", input=f"{PASSWORD}\n", check=False)
    assert (done.returncode, pair.accounts.url in done.stderr) == (1, True)


def test_a_token_of_our_own_keys_is_none_here(pair: Pair):
    with Daemon.fresh(pair.site.data.parent.parent / "own") as own:
        here = own.post("/auth/signin", {"nickname": ADMIN, "password": PASSWORD})["jwt_token"]
        assert refused(pair.site, "/auth/me", str(here))[:2] == (401, "invalid_token")


def test_without_the_provider_nobody_is_let_in_and_tracking_goes_on(pair: Pair):
    token = pair.sign_in()
    port = int(pair.accounts.url.rpartition(":")[2])
    assert pair.accounts.stop() == 0
    require_closed(pair.site, token)
    pair.accounts.start(port)
    wait_for(lambda: pair.site.get("/auth/me", token))
    told = [json.loads(line)["event"] for line in pair.site.stderr_file.read_text().splitlines()]
    assert [one for one in told if one.startswith("identity_")] == ["identity_unreachable", "identity_reachable"]


def test_a_provider_that_stands_still_holds_up_nobody(pair: Pair):
    token = pair.sign_in()
    os.kill(pair.accounts.process, signal.SIGSTOP)
    try:
        require_closed(pair.site, token)  # answered while it still stands: the wait has an end
    finally:
        os.kill(pair.accounts.process, signal.SIGCONT)
    assert pair.site.get("/auth/me", token)["role"] == "admin"


def require_closed(site: Daemon, token: str) -> None:
    for path, body in (("/auth/me", None), ("/admin/log", None), ("/track", {"source_label": "a"})):
        status, code, retry_after = refused(site, path, token, body)
        assert (status, code) == (503, "identity_unreachable"), path
        assert 1 <= int(retry_after or 0) <= 5
    assert site.post("/track", {"source_label": "a"})["status"] == "accepted"
    assert site.get("/ready") == {"status": "ready"}


async def test_a_sign_out_there_ends_an_open_stream_here(pair: Pair):
    token = pair.sign_in()
    async with listening(pair.site, token) as listener:
        pair.accounts.open("/auth/signout", b"", token)
        pair.site.post("/track", {"source_label": "a"})
        await listener.ended()
    assert (listener.heard[-1].event, listener.heard[-1].data) == ("end", b'{"code":"invalid_token"}')


async def test_a_provider_that_is_gone_ends_an_open_stream(pair: Pair):
    token = pair.sign_in()
    async with listening(pair.site, token) as listener:
        pair.accounts.kill_tree()
        pair.site.post("/track", {"source_label": "a"})
        await listener.ended()
    assert (listener.heard[-1].event, listener.heard[-1].data) == ("end", b'{"code":"identity_unreachable"}')


def footfall(daemon: Daemon, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "console", *words, "--url", daemon.url, "--token-file", str(file)]
    return subprocess.run(command, input=f"{PASSWORD}\n", capture_output=True, text=True, timeout=30, check=False)


def test_the_terminal_signs_in_there_and_asks_here(pair: Pair, tmp_path: Path):
    file, sign_in = tmp_path / "token", ("signin", ADMIN, "--password-stdin")
    assert "404 not_found: the accounts are another service's" in footfall(pair.site, file, *sign_in).stderr
    assert footfall(pair.accounts, file, *sign_in).returncode == 0
    assert footfall(pair.site, file, "top", "page").returncode == 0
    sessions = re.findall(r"^session .*", footfall(pair.accounts, file, "users", "show", ADMIN).stdout, re.MULTILINE)
    assert sessions[-1].endswith("  127.0.0.1  footfall")


def test_a_terminal_whose_token_has_ended_is_told_so_here(pair: Pair, tmp_path: Path):
    write_tokens(tmp_path / "token", Tokens("e30.e30.c2ln", "ffr1_c2ln"))
    ended = footfall(pair.site, tmp_path / "token", "top", "page")
    assert (ended.returncode, ended.stderr.partition(":")[2].split()[:2]) == (1, ["401", "invalid_token:"])
