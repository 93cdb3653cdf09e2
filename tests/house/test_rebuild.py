"""`footfalld rebuild`, with a running daemon and without one: the same answers, and tracking goes on."""

import re
import threading
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for
from tests.house.test_heals import answers, fill, wait_for_checkpoint


@pytest.mark.long
def test_without_a_daemon_the_database_is_filled_again_and_answers_the_same(tmp_path: Path) -> None:
    with Daemon.fresh(tmp_path, FOOTFALL_STORE__CHECKPOINT_S="0.5") as daemon:
        token = daemon.admin_token()
        fill(daemon, token)
        wait_for_checkpoint(daemon, token)
        before = answers(daemon, token)
        assert daemon.stop() == 0
        done = daemon.run("rebuild")
        assert re.search(r"^rebuilt: \d+ events in \d+\.\d s$", done.stdout, re.MULTILINE)
        daemon.start()
        wait_for(lambda: answers(daemon, token) == before)


def test_with_a_running_daemon_tracking_is_answered_while_the_database_is_filled_again(tmp_path: Path) -> None:
    with Daemon.fresh(tmp_path, FOOTFALL_STORE__CHECKPOINT_S="0.5") as daemon:
        token = daemon.admin_token()
        fill(daemon, token)
        wait_for_checkpoint(daemon, token)
        before = answers(daemon, token)
        printed: list[str] = []
        rebuilding = threading.Thread(target=lambda: printed.append(daemon.run("rebuild").stdout))
        rebuilding.start()
        tracked = 0
        while rebuilding.is_alive():
            assert daemon.post("/track", {"source_label": "meanwhile"})["status"] == "accepted"
            tracked += 1
        rebuilding.join()
        assert re.search(r"^rebuilt: [\d,]+ events in", printed[0], re.MULTILINE)
        wait_for(lambda: len(answers(daemon, token)[-1]) == len(before[-1]) + tracked)
        assert answers(daemon, token)[:-1] == before[:-1]
    assert len(list((tmp_path / "data" / "quarantine").glob("events.duckdb.*"))) > 0
