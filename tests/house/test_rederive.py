"""`footfalld rederive`, with a running daemon and without one, after what a program with other rules has derived."""

from pathlib import Path

import duckdb
import pytest

from tests.house.daemon import Daemon, wait_for
from tests.house.test_heals import wait_for_checkpoint

SPAM = {"source_label": "pageview", "page_url": "/a", "referrer": "https://semalt.com/"}
OTHERS = """
UPDATE arrival SET source = 'old' || chr(27) || '[31m', is_spam = false WHERE arrival_id > 0;
UPDATE events SET filtered = NULL;
CHECKPOINT
"""
"""What older rules might have said."""


def is_marked(daemon: Daemon, token: str) -> bool:
    store = daemon.get("/health", token)["store"]
    return isinstance(store, dict) and store["marked"] == {"referrer_spam": 1}


@pytest.mark.long
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_stored_events_are_derived_again(tmp_path: Path, state: str) -> None:
    with Daemon.fresh(tmp_path, FOOTFALL_STORE__CHECKPOINT_S="0.5") as daemon:
        token = daemon.admin_token()
        daemon.post("/track", SPAM)
        wait_for(lambda: is_marked(daemon, token))
        wait_for_checkpoint(daemon, token)
        assert daemon.stop() == 0
        with duckdb.connect(str(tmp_path / "data" / "store" / "events.duckdb")) as file:
            file.execute(OTHERS)
        if state == "running":
            daemon.start()
        dry = daemon.run("rederive", "--dry-run").stdout
        done = daemon.run("rederive").stdout
        again = daemon.run("rederive").stdout
        if state == "stopped":
            daemon.start()
        wait_for(lambda: is_marked(daemon, token))
    lines = [" ".join(line.split()) for line in dry.splitlines()]
    assert lines[0] == "of value before after"
    assert r"source old\x1b[31m 1 0" in lines
    assert "filtered referrer_spam 0 1" in lines
    assert dry.endswith("nothing was changed yet\n")
    assert done.splitlines()[:-1] == dry.splitlines()[:-1]
    assert again.startswith("0 counts differ")
