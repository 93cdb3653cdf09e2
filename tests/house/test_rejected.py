"""`footfalld rejected ls|show|replay` on a real data directory, with a running daemon and without one."""

import json
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for

NARROW = {"FOOTFALL_TRACKING__EVENT_BYTES_MAX": "1024", "FOOTFALL_TRACKING__REJECTED_RAW_BYTES_MAX": "65536"}
WIDE = {"FOOTFALL_TRACKING__EVENT_BYTES_MAX": "65536"}
LONG = {"source_label": "pageview", "page_url": "/long", "title": "t" * 1000, "attrs": {"wide": "w" * 40_000}}


def refuse(root: Path, **members: str) -> str:
    """Have a long item and a wrong one rejected by a daemon with narrow limits, and return the long one's receipt."""
    with Daemon.fresh(root, **NARROW) as daemon:
        token = daemon.admin_token()
        daemon.post("/track", [{"source_label": "pageview", "page_url": "/a"}, LONG | members, {"source_label": 7}])
        wait_for(lambda: len(daemon.get("/admin/rejected", token)["rows"]) == 2)
        assert daemon.stop() == 0
        listed = daemon.run("rejected", "ls").stdout.splitlines()
    assert [line.split()[3] for line in listed] == ["code", "wrong_type", "event_too_large"]
    return listed[2].split()[0]


@pytest.mark.long
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_an_item_that_a_limit_refused_is_stored_once_after_the_limit_was_raised(tmp_path: Path, state: str) -> None:
    receipt = refuse(tmp_path)
    with Daemon(tmp_path, **WIDE) as daemon:
        if state == "running":
            daemon.start()
            wait_for(lambda: "long" in daemon.run("rejected", "show", receipt, check=False).stdout)
        assert json.loads(daemon.run("rejected", "show", receipt, "--raw").stdout) == LONG
        for _ in range(2):
            assert daemon.run("rejected", "replay", receipt).stdout.startswith(f"{receipt} is 0000")
        if state == "stopped":
            daemon.start()
        token = daemon.admin_token()
        wait_for(lambda: daemon.get("/admin/log", token)["ledger"]["duplicate"] == 1)
        ledger = daemon.get("/admin/log", token)["ledger"]
        assert (ledger["stored"], ledger["rejected"], ledger["pending"], ledger["answered"]) == (2, 2, 0, 5)
        exported = [json.loads(line) for line in daemon.open("/export/events.ndjson", None, token).splitlines()]
        (stored,) = [event for event in exported if event["page_url"] == "/long"]
        assert (stored["event_id"], stored["attrs"]) == (receipt, LONG["attrs"])
        first = next(event for event in exported if event["page_url"] == "/a")
        assert stored["date_created"] == first["received_at"]


def test_what_cannot_be_replayed_is_named_and_the_others_are(tmp_path: Path) -> None:
    receipt = refuse(tmp_path)
    daemon = Daemon(tmp_path, **WIDE)
    wrong = daemon.run("dlq", "ls", "--limit", "1").stdout.splitlines()[1].split()[0]
    never = "0000000001-never:0"
    done = daemon.run("rejected", "replay", wrong, "no receipt", never, receipt, check=False)
    assert (done.returncode, done.stdout.count(" is 0000")) == (1, 1)
    reasons = done.stderr.splitlines()
    assert reasons[0].startswith(f"footfalld: {wrong}: $.source_label: ")
    assert reasons[1].startswith("footfalld: no receipt: /receipt: ")
    assert reasons[2] == f"footfalld: {never}: no rejected item has this receipt"
    assert reasons[3] == "footfalld: 3 of 4 could not be replayed; the reasons stand above"


def test_a_list_that_is_cut_says_so(tmp_path: Path) -> None:
    with Daemon.fresh(tmp_path) as daemon:
        token = daemon.admin_token()
        daemon.post("/track", [{"source_label": "a"}, *[{"source_label": 7}] * 120])
        wait_for(lambda: daemon.get("/admin/log", token)["ledger"]["rejected"] == 120)
        all_of_them = daemon.run("rejected", "ls", "--limit", "1000")
        assert (len(all_of_them.stdout.splitlines()), all_of_them.stderr) == (121, "")
        some = daemon.run("rejected", "ls")
        assert (len(some.stdout.splitlines()), some.stderr) == (
            101,
            "footfalld: there are more than 100; ask for more with --limit\n",
        )


@pytest.mark.long
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_replayed_item_of_a_page_elsewhere_is_marked_as_it_would_be_now(tmp_path: Path, state: str) -> None:
    receipt = refuse(tmp_path, page_url="https://elsewhere.example/long")
    with Daemon(tmp_path, FOOTFALL_SITE__HOSTNAMES="own.example", **WIDE) as daemon:
        if state == "running":
            daemon.start()
            wait_for(lambda: "long" in daemon.run("rejected", "show", receipt, check=False).stdout)
        daemon.run("rejected", "replay", receipt)
        if state == "stopped":
            daemon.start()
        token = daemon.admin_token()
        wait_for(lambda: (daemon.get("/admin/log", token)["ledger"] or {}).get("stored") == 2)
        exported = [json.loads(line) for line in daemon.open("/export/events.ndjson", None, token).splitlines()]
        assert {event["page_url"]: event.get("filtered") for event in exported} == {
            "/a": None,
            "https://elsewhere.example/long": "hostname",
        }
