"""Rows A9, F1, H9 and H11 on a real daemon: one winner, no account that nobody made, and what stays among ourselves."""

import asyncio
import contextlib
import re
import urllib.error
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.house.daemon import ADMIN, PASSWORD, Daemon

ANNA = {"firstname": "A", "lastname": "I", "age": 33, "password": PASSWORD}
FORMS = ["anna", "ANNA", "aNNa", "Ａnna", "ａｎｎａ", "𝐚𝐧𝐧𝐚", "ⓐⓝⓝⓐ", "ªnnª", "𝔸𝕟𝕟𝕒"]  # noqa: RUF001 - look-alikes are the point
NAMES = [FORMS[number % len(FORMS)] for number in range(25)]
LABELS = {"status", "quantile", "place", "rule", "state"}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon.fresh(tmp_path / "house") as running:
        yield running


def accounts(daemon: Daemon) -> list[Path]:
    return list((daemon.data / "users").glob("*/*/*.json"))


async def test_a9_of_25_sign_ups_at_once_for_one_name_in_every_form_one_wins_and_makes_one_file(daemon: Daemon):
    before = len(accounts(daemon))

    async def signed_up(session: aiohttp.ClientSession, nickname: str) -> tuple[int, dict]:
        async with session.post("/auth/signup", json=ANNA | {"nickname": nickname}) as answer:
            return answer.status, await answer.json()

    async with aiohttp.ClientSession(daemon.url) as session:
        answers = await asyncio.gather(*(signed_up(session, name) for name in NAMES))
    assert Counter(status for status, _ in answers) == {200: 1, 409: 24}
    assert {body["code"] for status, body in answers if status == 409} == {"nickname_taken"}
    assert len(accounts(daemon)) == before + 1
    daemon.kill_tree()
    daemon.start()
    (winner,) = [body["user"]["user_id"] for status, body in answers if status == 200]
    for form in FORMS:
        found = daemon.post("/auth/signin", {"nickname": form, "password": PASSWORD})
        assert found["user"]["user_id"] == winner


DEFAULTS = [
    (name, word) for name in (ADMIN, "admin", "root", "footfall") for word in ("", name, "password", "changeme")
]


def test_f1_a_new_daemon_has_no_account_and_makes_nobody_an_administrator_who_asks(tmp_path: Path):
    with Daemon(tmp_path / "house") as daemon:
        daemon.run("init")
        daemon.start()
        assert accounts(daemon) == []
        for nickname, password in DEFAULTS:
            with pytest.raises(urllib.error.HTTPError) as error:
                daemon.post("/auth/signin", {"nickname": nickname, "password": password})
            error.value.close()
            assert error.value.code in (401, 429)
        first = daemon.post("/auth/signup", ANNA | {"nickname": "admin"})
        assert first["user"]["role"] == "user"
        with pytest.raises(urllib.error.HTTPError) as error:
            daemon.get("/admin/users", str(first["jwt_token"]))
        error.value.close()
        assert error.value.code == 403
        daemon.add_admin()
        assert daemon.get("/admin/users", daemon.admin_token())["total"] == 2


def test_h9_no_label_of_a_metric_says_who_or_what_was_asked_for(daemon: Daemon):
    token = daemon.admin_token()
    anna = daemon.post("/auth/signup", ANNA | {"nickname": "anna"})
    daemon.post("/track", {"source_label": "label-7", "page_url": "/page-7", "attrs": {"colour": "red"}})
    for path in (f"/admin/users/{anna['user']['user_id']}", "/pages/page-8", "/admin/users?search=anna", "/auth/me"):
        daemon.open(path, None, token)
    with contextlib.suppress(urllib.error.HTTPError):
        daemon.get("/no-such-page-9", token)
    scraped = daemon.open("/metrics", None).decode()
    labels = re.findall(r'(\w+)="([^"]*)"', scraped)
    assert {name for name, _ in labels} <= LABELS
    assert all(re.fullmatch(r"\d{3}|0\.\d+|[a-z_]+", value) for _, value in labels)
    for told in ("anna", anna["user"]["user_id"], ADMIN, "127.0.0.1", "page-", "label-7", "colour"):
        assert told not in scraped


def test_h11_whatever_the_umask_nothing_is_open_to_others(tmp_path: Path):
    with Daemon(tmp_path / "house", prefix=("sh", "-c", 'umask 0; exec "$0" "$@"')) as daemon:
        daemon.run("init")
        daemon.add_admin()
        daemon.start()
        token = daemon.admin_token()
        daemon.post("/auth/signup", ANNA | {"nickname": "anna"})
        daemon.post("/track", {"source_label": "a"})
        daemon.get("/stats/summary", token)
        made = [daemon.data, daemon.env_file, *daemon.data.rglob("*")]
        open_to_others = {str(path): oct(path.lstat().st_mode) for path in made if path.lstat().st_mode & 0o077}
    assert open_to_others == {}
    assert {"users", "audit", "log", "store", "control.sock"} <= {path.name for path in made}
