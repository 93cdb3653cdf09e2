"""Done when 4: whatever happens to DuckDB's files, the same questions get the same answers again, and nobody has to help."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for

EVENTS = 600
BLOCK_BYTES = 256 * 1024
FLIPS = int(os.environ.get("SOAK_FLIPS", "2"))
SETTINGS = {"FOOTFALL_STORE__CHECKPOINT_S": "0.5"}
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
    wait_for(lambda: daemon.get("/health", token)["store"]["checkpoint_at"] is not None)


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def tear(path: Path) -> None:
    for at in range(12288, path.stat().st_size, BLOCK_BYTES):
        overwrite(path, at, random.Random(at).randbytes(BLOCK_BYTES))


def flip(path: Path, seed: int) -> None:
    at = random.Random(seed).randrange(path.stat().st_size)
    overwrite(path, at, bytes([path.read_bytes()[at] ^ 1]))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "emptied": lambda file: os.truncate(file, 0),
    "cut": lambda file: os.truncate(file, file.stat().st_size // 2),
    "torn": tear,
    "replaced": lambda file: (file.unlink(), file.write_bytes(b"another")),
    **{f"flipped {seed}": lambda file, seed=seed: flip(file, seed) for seed in range(FLIPS)},
}


@pytest.mark.parametrize("state", ["stopped", "running"])
def test_whatever_happens_to_the_database_the_same_answers_come_back(tmp_path: Path, state: str) -> None:
    daemon = Daemon(tmp_path, **SETTINGS)
    daemon.run("init")
    database = daemon.data / "store" / "events.duckdb"
    with daemon:
        daemon.start()
        token = daemon.admin_token()
        fill(daemon, token)
        for damage in DAMAGE.values():
            before = answers(daemon, token)
            if state == "stopped":
                assert daemon.stop() == 0
            damage(database)
            if state == "stopped":
                daemon.start()
            marker = str(
                daemon.post("/track", {"source_label": "noticed"})["receipt"]
            )  # tracking is answered meanwhile
            wait_for(lambda before=before, marker=marker: healed(daemon, token, before, marker), 60)
    assert (daemon.data / "quarantine").is_dir()


def healed(daemon: Daemon, token: str, before: list[object], marker: str) -> bool:
    """Return whether the answers are those of before, and `marker` is the one event more."""
    *figures, export = answers(daemon, token)
    return [*figures, [line for line in export if marker.encode() not in line]] == before and len(export) > len(
        before[-1]
    )
