"""R0 and promise P7: no answer waits for the store, however slow it is, and every event arrives."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for

SLOW_S = 5
REQUESTS, CONCURRENCY = 25, 5


def rows(daemon: Daemon, token: str) -> int | None:
    store = daemon.get("/health", token)["store"]
    return store and store["n_rows"]


def stored_labels(daemon: Daemon, token: str) -> list[str]:
    lines = daemon.open("/export/events.ndjson", None, token).splitlines()
    return sorted(json.loads(line)["source_label"] for line in lines)


def test_every_answer_is_given_before_the_first_event_is_stored_and_every_event_arrives(tmp_path: Path):
    with Daemon.fresh(tmp_path, FOOTFALL_STORE__EMULATE_SLOW_S=str(SLOW_S)) as daemon:
        token = daemon.admin_token()
        wait_for(lambda: rows(daemon, token) == 0)  # the store is there to be slow
        labels = sorted(f"label-{number}" for number in range(REQUESTS))
        with ThreadPoolExecutor(CONCURRENCY) as clients:
            answers = list(clients.map(lambda label: daemon.post("/track", {"source_label": label}), labels))
        assert rows(daemon, token) == 0
        assert {answer["status"] for answer in answers} == {"accepted"}
        wait_for(lambda: rows(daemon, token) == REQUESTS)
        assert stored_labels(daemon, token) == labels


@pytest.mark.long
def test_a_stop_does_not_wait_for_the_slowness_and_the_next_start_stores_what_was_left(tmp_path: Path):
    with Daemon.fresh(tmp_path, FOOTFALL_STORE__EMULATE_SLOW_S="20", FOOTFALL_SERVER__SHUTDOWN_S="60") as daemon:
        token = daemon.admin_token()
        wait_for(lambda: rows(daemon, token) == 0)
        daemon.post("/track", {"source_label": "left"})
        wait_for((daemon.data / "store" / "spool.ndjson").exists)  # the load is under way
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < 20
    with Daemon(tmp_path) as quick:
        quick.start()
        wait_for(lambda: stored_labels(quick, token) == ["left"])
