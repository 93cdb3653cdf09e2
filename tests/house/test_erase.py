"""`footfalld erase`, with a running daemon and without one: no file below the data directory tells of the person."""

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.house.daemon import Daemon, wait_for
from tests.storage.test_erasure import traces_of

SIGN_IN = b'{"nickname": "ada", "password": "correct horse battery"}'


def track(daemon: Daemon) -> dict[str, Any]:
    """Let a user do something, tied to a visitor's past, and somebody else; return what the user's sign-up was answered."""
    body = {
        "firstname": "Ada",
        "lastname": "Lovelace",
        "nickname": "ada",
        "age": 36,
        "password": "correct horse battery",
    }
    user = daemon.post("/auth/signup", body)
    token = str(user["jwt_token"])
    daemon.post("/visits", {"page_url": "/very-private"}, token)
    daemon.post("/track", {"source_label": "button", "attrs": {"note": "very-private"}}, token)
    daemon.post("/visits", {"page_url": "/public"})
    return user


def erase(daemon: Daemon, state: str, user: Mapping[str, object]) -> None:
    if state == "by itself":
        request = urllib.request.Request(f"{daemon.url}/auth/me", b'{"password": "correct horse battery"}')
        request.method = "DELETE"
        request.add_header("Authorization", f"Bearer {user['jwt_token']}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == HTTPStatus.NO_CONTENT
        return
    done = daemon.run("erase", "--user-id", user["user"]["user_id"], "--yes")
    assert done.stdout.startswith("erased from log, archive and statistics")


# user_created, the pageview and the button; who erases itself leaves user_deleted too.
EVENTS = {"running": 3, "stopped": 3, "by itself": 4}


@pytest.mark.parametrize(
    "state", ["running", *(pytest.param(one, marks=pytest.mark.long) for one in ("stopped", "by itself"))]
)
def test_e4_nothing_of_what_an_erased_user_did_is_left_below_the_data_directory(tmp_path: Path, state: str) -> None:
    with Daemon.fresh(tmp_path, FOOTFALL_STORE__CHECKPOINT_S="0.5") as daemon:
        token = daemon.admin_token()
        user = track(daemon)
        user_id = user["user"]["user_id"]
        wait_for(lambda: daemon.get("/stats/summary", token)["total_visits"] == 2)
        before = daemon.get("/stats/summary", token)
        if state == "stopped":
            assert daemon.stop() == 0
        erase(daemon, state, user)
        places = [daemon.data / name for name in ("log", "archive", "store", "quarantine")]
        secrets = (user_id.encode(), b"very-private")
        wait_for(lambda: state != "by itself" or not any(traces_of(place, secrets) for place in places))
        assert [traces_of(place, secrets) for place in places] == [{}, {}, {}, {}]
        # What stays of the account is a tombstone, and what is on record of it.
        assert [path.name for path in daemon.data.rglob("*") if user_id in path.name] == []
        assert set(traces_of(daemon.data, (user_id.encode(),))) == {"removed.json", "audit/00000001.ndjson"}
        assert traces_of(daemon.data, (b"Lovelace",)) == {}
        if state == "stopped":
            daemon.start()
        wait_for(lambda: daemon.get("/stats/summary", token)["total_visits"] == 2)
        after = daemon.get("/stats/summary", token)
        assert (after["total_visits"], after["unique_users"]) == (before["total_visits"], before["unique_users"])
        exported = [json.loads(line) for line in daemon.open("/export/events.ndjson", None, token).splitlines()]
        assert sum(str(event.get("id_user")).startswith("erased-") for event in exported) == EVENTS[state]


@pytest.mark.long
def test_e4_a_backup_of_before_does_not_bring_an_erased_account_back(tmp_path: Path) -> None:
    with Daemon.fresh(tmp_path / "house", FOOTFALL_STORE__CHECKPOINT_S="0.5") as daemon:
        user = track(daemon)
        daemon.run("backup", str(tmp_path / "before"))
        erase(daemon, "by itself", user)
        wait_for(lambda: (daemon.get("/health", daemon.admin_token())["store"] or {}).get("erasing") == 0)
        daemon.run("backup", str(tmp_path / "after"))
        assert daemon.stop() == 0
        kept = {name: (daemon.data / name).read_bytes() for name in ("erased.json", "removed.json")}
        for backup in ("before", "after"):
            shutil.rmtree(daemon.data)
            daemon.data.mkdir(mode=0o700)
            if backup == "before":
                for name, content in kept.items():
                    (daemon.data / name).write_bytes(content)
            daemon.run("restore", str(tmp_path / backup))
            daemon.start()
            for path, body in (("/auth/me", None), ("/auth/signin", SIGN_IN)):
                with pytest.raises(urllib.error.HTTPError, match="401"):
                    daemon.open(path, body, str(user["jwt_token"]))
            assert daemon.stop() == 0
            assert traces_of(daemon.data / "users", (user["user"]["user_id"].encode(),)) == {}


def test_e4_an_erasure_without_the_store_and_behind_a_kill_comes_to_its_end(tmp_path: Path) -> None:
    with Daemon.fresh(
        tmp_path,
        FOOTFALL_STORE__CHECKPOINT_S="0.5",
        FOOTFALL_STORE__RESTART_WAIT_S="60",
        FOOTFALL_STORE__RESTART_WAIT_S_MAX="60",
    ) as daemon:
        user = track(daemon)
        token = daemon.admin_token()
        wait_for(lambda: daemon.get("/stats/summary", token)["total_visits"] == 2)
        daemon.kill_store()
        wait_for(lambda: daemon.stores() == [])
        erase(daemon, "by itself", user)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            daemon.open("/auth/signin", SIGN_IN)
        daemon.kill_front()
        assert traces_of(daemon.data / "log", (b"very-private",)) != {}
        daemon.start()
        secrets = (user["user"]["user_id"].encode(), b"very-private")
        places = [daemon.data / name for name in ("log", "archive", "store", "quarantine")]
        wait_for(lambda: (daemon.get("/health", daemon.admin_token())["store"] or {}).get("erasing") == 0)
        wait_for(lambda: not any(traces_of(place, secrets) for place in places))


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_f5_the_last_administrator_is_not_erased(tmp_path: Path, state: str) -> None:
    with Daemon.fresh(tmp_path) as daemon:
        token = daemon.admin_token()
        user_id = str(daemon.get("/auth/me", token)["user_id"])
        if state == "stopped":
            assert daemon.stop() == 0
        done = daemon.run("erase", "--user-id", user_id, "--yes", check=False)
        assert (done.returncode, "last administrator" in done.stderr) == (1, True)
        if state == "stopped":
            daemon.start()
        assert daemon.get("/auth/me", token)["user_id"] == user_id


def test_erasing_asks_and_takes_no_for_an_answer(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.run("init")
    done = daemon.run("erase", "--user-id", "ada", check=False)
    assert (done.returncode, done.stderr) == (1, "footfalld: there is no terminal to ask on; say --yes\n")
