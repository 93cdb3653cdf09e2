"""Whatever happens to DuckDB's files, the same answers come back, nobody has to help, and one line says what happened."""

import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.house.daemon import Daemon, wait_for

EVENTS = 600
BLOCK_BYTES = 256 * 1024
FLIPS = int(os.environ.get("SOAK_FLIPS", "2"))
OFTEN, NEVER = {"FOOTFALL_STORE__CHECKPOINT_S": "0.5"}, {"FOOTFALL_STORE__CHECKPOINT_S": "3600"}
"""How often checkpoints are made; a daemon that is stopped makes one in any case."""

QUESTIONS = ("/stats/visits?limit=1000", "/stats/visits?by=page", "/stats/summary")


def answers(daemon: Daemon, token: str) -> list[object]:
    """Return what the question set gets, rows without their order of loading."""
    export = sorted(daemon.open("/export/events.ndjson", None, token).splitlines())
    return [*(sorted_rows(daemon.get(question, token)) for question in QUESTIONS), export]


def sorted_rows(answer: dict[str, object]) -> dict[str, object]:
    rows = {name: value for name, value in answer.items() if isinstance(value, list)}
    return answer | {name: sorted(value, key=json.dumps) for name, value in rows.items()}


def rows(daemon: Daemon, token: str) -> int | None:
    store = daemon.get("/health", token)["store"]
    return store and store["n_rows"]


def fill(daemon: Daemon, token: str) -> None:
    for first in range(0, EVENTS, 100):
        items = [
            {"source_label": "pageview", "page_url": f"/{n % 7}", "attrs": {"pad": "x" * 500}}
            for n in range(first, first + 100)
        ]
        daemon.post("/track", items)
    wait_for(lambda: (rows(daemon, token) or 0) >= EVENTS)


def wait_for_checkpoint(daemon: Daemon, token: str) -> None:
    wait_for(lambda: daemon.get("/health", token)["store"]["checkpoint_at"] is not None)


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def tear(path: Path) -> None:
    for at in range(12288, path.stat().st_size, BLOCK_BYTES):
        overwrite(path, at, random.Random(at).randbytes(BLOCK_BYTES))


def flip(path: Path, at: int) -> None:
    overwrite(path, at, bytes([path.read_bytes()[at] ^ 1]))


def flip_anywhere(path: Path, seed: int) -> None:
    flip(path, random.Random(seed).randrange(path.stat().st_size))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def told(daemon: Daemon) -> list[str]:
    """Return each line that says what happened to DuckDB's files: its event, and its reason."""
    lines = [json.loads(line) for line in daemon.stderr_file.read_text().splitlines() if line.startswith("{")]
    return [
        f"{line['event']}: {line['reason']}"
        for line in lines
        if line["event"] in {"store_set_aside", "store_rows_gone"}
    ]


GONE = "store_rows_gone: DuckDB's files were cut or deleted"
ANOTHER = "store_set_aside: .* is gone, or another file than the one that was opened"
NOT_OURS = "store_set_aside: .* is not a valid DuckDB database file"
CORRUPT = "store_set_aside: .*(Corrupt database file|Could not read enough bytes)"
CORRUPT_WAL = "store_set_aside: .*Corrupt WAL file"


class Damage(NamedTuple):
    """What happens to a file, and the line that says so: None where there may be one, or it changes no answer."""

    do: Callable[[Path], object]
    while_stopped: str | None = None
    while_running: str | None = None


DATABASE: dict[str, Damage] = {
    "deleted": Damage(Path.unlink, GONE, ANOTHER),
    "replaced": Damage(lambda file: (file.unlink(), file.write_bytes(b"another")), NOT_OURS, ANOTHER),
    "emptied": Damage(lambda file: os.truncate(file, 0), NOT_OURS),
    "cut": Damage(cut, CORRUPT),
    "torn": Damage(tear, CORRUPT),
    **{f"flipped {seed}": Damage(lambda file, seed=seed: flip_anywhere(file, seed)) for seed in range(FLIPS)},
}
"""Below a running store a checkpoint may write the blocks that it remembers over the damage, before anyone reads it."""


@pytest.mark.parametrize("state", [pytest.param("stopped", marks=pytest.mark.long), "running"])
def test_whatever_happens_to_the_database_the_same_answers_come_back(tmp_path: Path, state: str) -> None:
    with Daemon.fresh(tmp_path, **OFTEN) as daemon:
        token, database = daemon.admin_token(), daemon.data / "store" / "events.duckdb"
        fill(daemon, token)
        wait_for_checkpoint(daemon, token)
        for name, damage in DATABASE.items():
            before, said = answers(daemon, token), len(told(daemon))
            if state == "stopped":
                assert daemon.stop() == 0
            damage.do(database)
            if state == "stopped":
                daemon.start()
            marker = str(
                daemon.post("/track", {"source_label": "noticed"})["receipt"]
            )  # tracking is answered meanwhile
            wait_for(lambda before=before, marker=marker: healed(daemon, token, before, marker), 60)
            assert_told(name, told(daemon)[said:], damage.while_stopped if state == "stopped" else damage.while_running)
    assert (daemon.data / "quarantine").is_dir()


def assert_told(name: str, lines: list[str], expected: str | None) -> None:
    """Exactly one line, as expected; at most one where nothing is."""
    assert len(lines) == 1 or (expected is None and not lines), f"{name}: {lines}"
    assert expected is None or re.match(expected, lines[0]), f"{name}: {lines}"


def healed(daemon: Daemon, token: str, before: list[object], marker: str) -> bool:
    """Return whether the answers are those of before, and `marker` is the one event more."""
    *figures, export = answers(daemon, token)
    return [*figures, [line for line in export if marker.encode() not in line]] == before and len(export) > len(
        before[-1]
    )


class Unseen(NamedTuple):
    """Damage that a running store does not meet, as it answers from memory; `told` by the start that does."""

    name: str
    do: Callable[[Path], object]
    told: str


UNSEEN = {
    "the database torn": Unseen("events.duckdb", tear, CORRUPT),
    "the database emptied": Unseen("events.duckdb", lambda file: os.truncate(file, 0), NOT_OURS),
    "the log deleted": Unseen("events.duckdb.wal", Path.unlink, GONE),
    "the log cut": Unseen("events.duckdb.wal", cut, GONE),
    "the log flipped": Unseen("events.duckdb.wal", lambda file: flip(file, file.stat().st_size // 2), CORRUPT_WAL),
}


@pytest.mark.long
@pytest.mark.parametrize("state", ["killed", "running"])
def test_what_no_checkpoint_has_written_over_is_told_once_by_the_next_start(tmp_path: Path, state: str) -> None:
    with Daemon.fresh(tmp_path, **NEVER) as daemon:
        token = daemon.admin_token()
        fill(daemon, token)
        assert daemon.stop() == 0  # which writes the rows into the database
        daemon.start()
        for name, damage in UNSEEN.items():
            load_one_more(daemon, token)
            before, said = answers(daemon, token), len(told(daemon))
            if state == "killed":
                daemon.kill_tree()
                damage.do(daemon.data / "store" / damage.name)
                daemon.start()
            else:
                damage.do(daemon.data / "store" / damage.name)
                assert answers(daemon, token) == before
                assert len(told(daemon)) == said
                restart_store(daemon)
            wait_for(lambda before=before: answers(daemon, token) == before, 60)
            assert_told(name, told(daemon)[said:], damage.told)


def load_one_more(daemon: Daemon, token: str) -> None:
    """Have something in DuckDB's write-ahead log."""
    receipt = str(daemon.post("/track", {"source_label": "one more"})["receipt"]).encode()
    wait_for(lambda: receipt in daemon.open("/export/events.ndjson", None, token))


def restart_store(daemon: Daemon) -> None:
    """Kill the store, and return once another one was started."""
    killed = daemon.stores()
    daemon.kill_store()
    wait_for(lambda: daemon.stores() not in ([], killed))


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in UNSEEN if "log" in name])
def test_what_happens_to_the_log_of_a_running_store_costs_nothing_when_a_checkpoint_follows(
    tmp_path: Path, name: str
) -> None:
    with Daemon.fresh(tmp_path, **NEVER) as daemon:
        token = daemon.admin_token()
        load_one_more(daemon, token)
        before = answers(daemon, token)
        UNSEEN[name].do(daemon.data / "store" / "events.duckdb.wal")
        assert daemon.stop() == 0  # which makes one
        daemon.start()
        wait_for(lambda: answers(daemon, token) == before)
        assert told(daemon) == []
