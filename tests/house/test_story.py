"""The main job end to end, on real processes: sign up, sign in, track, read, sign out, restart."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.house.daemon import Daemon, wait_for

ADA = {"firstname": "Ada", "lastname": "Lovelace", "nickname": "ada", "age": 36, "password": "analytical engine"}
GRACE = {"name": "Grace", "surname": "Hopper", "email": "grace@example.com", "password": "cobol 1959", "phone": "1"}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon.fresh(tmp_path) as running:
        yield running


def refused(daemon: Daemon, path: str, body: object = None, token: str | None = None) -> tuple[int, dict[str, object]]:
    with pytest.raises(urllib.error.HTTPError) as error:
        daemon.open(path, None if body is None else json.dumps(body).encode(), token)
    with error.value as answer:
        assert answer.headers["Content-Type"] == "application/problem+json"
        return answer.code, json.loads(answer.read())


def visits(daemon: Daemon, token: str, query: str = "") -> list[dict[str, object]]:
    return list(daemon.get(f"/stats/visits{query}", token)["rows"])


def test_two_forms_of_users_track_and_read_their_own_and_an_administrator_reads_all(daemon: Daemon):
    ada, grace = daemon.post("/auth/signup", ADA), daemon.post("/auth/signup", GRACE)
    for user, page in ((ada, "/engine"), (ada, "/notes"), (grace, "/compiler")):
        own = user["user"]["user_id"]
        daemon.post(
            "/visits", {"page_url": page, "user_id": own, "timestamp": "2026-01-02 10:00:00"}, user["jwt_token"]
        )
    admin = daemon.admin_token()
    wait_for(lambda: len(visits(daemon, admin)) == 3)
    assert {row["page_url"] for row in visits(daemon, ada["jwt_token"])} == {"/engine", "/notes"}
    by_user_and_day = visits(daemon, admin, "?by=user,day&from=2026-01-01&to=2026-01-03")
    assert sorted((row["user"], row["day"], row["visits"], row["visitors"]) for row in by_user_and_day) == sorted(
        [(ada["user"]["user_id"], "2026-01-02", 2, 1), (grace["user"]["user_id"], "2026-01-02", 1, 1)]
    )
    summary = daemon.get("/stats/summary", admin)
    assert (summary["total_visits"], summary["unique_users"]) == (3, 2)
    status, problem = refused(daemon, f"/stats/visits?user_id={ada['user']['user_id']}", token=grace["jwt_token"])
    assert (status, problem["code"]) == (403, "not_yours")


def test_a_visit_in_the_name_of_another_user_is_refused(daemon: Daemon):
    ada = daemon.post("/auth/signup", ADA)
    assert refused(daemon, "/visits", {"page_url": "/", "user_id": "another"}, ada["jwt_token"])[0] == 403


def test_a_sign_out_outlives_a_restart(daemon: Daemon):
    daemon.post("/auth/signup", ADA)
    credentials = {"nickname": "ADA", "password": ADA["password"]}
    ended, living = (daemon.post("/auth/signin", credentials)["jwt_token"] for _ in range(2))
    daemon.open("/auth/signout", b"", ended)
    daemon.kill_tree()
    daemon.start()
    assert refused(daemon, "/auth/me", token=ended)[0] == 401
    assert daemon.get("/auth/me", living)["nickname"] == "ada"


def test_without_a_store_statistics_say_503_and_tracking_goes_on(tmp_path: Path):
    away = {"FOOTFALL_STORE__RESTART_WAIT_S": "3", "FOOTFALL_STORE__RESTART_WAIT_S_MAX": "3"}
    with Daemon.fresh(tmp_path, **away) as daemon:
        token = daemon.admin_token()
        wait_for(lambda: visits(daemon, token) == [])
        daemon.kill_store()
        wait_for(lambda: daemon.get("/health")["status"] == "degraded")
        with pytest.raises(urllib.error.HTTPError) as error:
            daemon.get("/stats/summary", token)
        with error.value as answer:
            assert (answer.code, json.loads(answer.read())["code"]) == (503, "store_down")
            assert 1 <= int(answer.headers["Retry-After"]) <= 5
        for number in range(20):
            assert daemon.post("/track", {"source_label": f"label-{number}"})["status"] == "accepted"
        assert daemon.get("/ready") == {"status": "ready"}
        wait_for(lambda: len(daemon.open("/export/events.ndjson", None, token).splitlines()) == 20)


@pytest.mark.long
def test_a_deleted_database_file_is_filled_again_from_the_log(daemon: Daemon):
    daemon.post("/track", {"source_label": "pageview", "page_url": "/a"})
    daemon.kill_tree()
    for path in (daemon.data / "store").glob("events.duckdb*"):
        path.unlink()
    daemon.start()
    token = daemon.admin_token()
    wait_for(lambda: visits(daemon, token) != [])


@pytest.mark.long
def test_a_database_file_of_an_earlier_version_is_set_aside_and_filled_again_from_the_log(daemon: Daemon):
    daemon.post("/track", {"source_label": "pageview", "page_url": "/a"})
    token = daemon.admin_token()
    wait_for(lambda: visits(daemon, token) != [])
    daemon.stop()
    with duckdb.connect(str(daemon.data / "store" / "events.duckdb")) as file:
        file.execute("UPDATE schema_version SET version = 1")
    daemon.start()
    token = daemon.admin_token()
    wait_for(lambda: [row["page_url"] for row in visits(daemon, token)] == ["/a"])
    (aside,) = (daemon.data / "quarantine").iterdir()
    assert aside.name.startswith("events.duckdb.")


def test_before_sign_in_after_it_and_on_a_second_visit_it_is_one_person(daemon: Daemon):
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def send(path: str, body: object = None, token: str | None = None) -> dict[str, object]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        raw = None if body is None else json.dumps(body).encode()
        with browser.open(urllib.request.Request(daemon.url + path, raw, headers), timeout=20) as answer:
            return dict(json.loads(answer.read()))

    send("/pages/before")
    send("/auth/signup", ADA)
    token = send("/auth/signin", {"nickname": "ada", "password": ADA["password"]})["jwt_token"]
    send("/visits", {"page_url": "/after"}, str(token))
    daemon.stop()
    daemon.start()
    send("/pages/second")
    admin = daemon.admin_token()
    wait_for(lambda: len(visits(daemon, admin)) == 3)
    (row,) = visits(daemon, admin, "?by=user")
    assert (row["user"] is not None, row["visits"], row["visitors"]) == (True, 3, 1)
    assert daemon.get("/stats/summary", admin)["unique_users"] == 1
    assert len(visits(daemon, str(token))) == 3


def console(daemon: Daemon, token: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"FOOTFALL_URL": daemon.url, "FOOTFALL_TOKEN": token}
    command = [sys.executable, "-m", "console", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_the_console_reads_the_daemon(daemon: Daemon):
    token = daemon.admin_token()
    daemon.post("/track", [{"source_label": "pageview", "page_url": "/\x1b[31mred"}] * 2)
    wait_for(lambda: len(visits(daemon, token)) == 2)
    status = console(daemon, token, "status", "--json")
    assert status.returncode == 0, status.stderr
    assert json.loads(status.stdout)["health"]["store"]["n_rows"] == 2
    top = console(daemon, token, "top", "page")
    assert top.returncode == 0
    assert "\x1b" not in top.stdout
    assert "[31mred" in top.stdout
    rows = json.loads(console(daemon, token, "top", "page", "--json").stdout)
    assert "/\x1b[31mred" in json.dumps(rows, ensure_ascii=False).replace("\\u001b", "\x1b")


def test_the_console_says_when_nobody_answers(daemon: Daemon):
    token = daemon.admin_token()
    daemon.stop()
    done = console(daemon, token, "status")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
