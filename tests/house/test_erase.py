"""`footfalld erase`, with a running daemon and without one: no file below the data directory tells of the person."""

import json
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for
from tests.storage.test_erasure import traces_of


def track(daemon: Daemon) -> str:
    """Let a user do something, tied to a visitor's past, and somebody else; return the user's id."""
    body = {"firstname": "Ada", "lastname": "L", "nickname": "ada", "age": 36, "password": "correct horse battery"}
    user = daemon.post("/auth/signup", body)
    token = str(user["jwt_token"])
    daemon.post("/visits", {"page_url": "/very-private"}, token)
    daemon.post("/track", {"source_label": "button", "attrs": {"note": "very-private"}}, token)
    daemon.post("/visits", {"page_url": "/public"})
    return str(user["user"]["user_id"])


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_nothing_of_what_an_erased_user_did_is_left_below_the_data_directory(tmp_path: Path, state: str) -> None:
    with Daemon.fresh(tmp_path, FOOTFALL_STORE__CHECKPOINT_S="0.5") as daemon:
        token = daemon.admin_token()
        user_id = track(daemon)
        wait_for(lambda: daemon.get("/stats/summary", token)["total_visits"] == 2)
        before = daemon.get("/stats/summary", token)
        if state == "stopped":
            assert daemon.stop() == 0
        done = daemon.run("erase", "--user-id", user_id, "--yes")
        assert done.stdout.startswith("erased from log, archive and statistics")
        # Accounts and their files are another matter: they name the user still.
        places = [daemon.data / name for name in ("log", "archive", "store", "quarantine")]
        assert [traces_of(place, (user_id.encode(), b"very-private")) for place in places] == [{}, {}, {}, {}]
        if state == "stopped":
            daemon.start()
        wait_for(lambda: daemon.get("/stats/summary", token)["total_visits"] == 2)
        after = daemon.get("/stats/summary", token)
        assert (after["total_visits"], after["unique_users"]) == (before["total_visits"], before["unique_users"])
        exported = [json.loads(line) for line in daemon.open("/export/events.ndjson", None, token).splitlines()]
        assert sum(str(event.get("id_user")).startswith("erased-") for event in exported) == 2


def test_erasing_asks_and_takes_no_for_an_answer(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.run("init")
    done = daemon.run("erase", "--user-id", "ada", check=False)
    assert (done.returncode, done.stderr) == (1, "footfalld: there is no terminal to ask on; say --yes\n")
