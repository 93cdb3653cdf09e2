"""A data directory of an earlier version, taken over by this one: the same answers, nothing lost, no person's help.

`upgrade/format-1-schema-3.tar.xz` was written by the version before log format 2 and store schema 4: a log that was closed,
one that was killed, one that was being written when its daemon was killed; and what that version answered of it.
"""

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.house.daemon import Daemon, wait_for

ARCHIVES = sorted((Path(__file__).parent / "upgrade").glob("*.tar.xz"))


def unpacked(archive: Path, root: Path) -> Daemon:
    with tarfile.open(archive) as tar:
        tar.extractall(root, filter="tar")
    daemon = Daemon(root)
    shutil.move(daemon.data / "env", daemon.env_file)
    return daemon


def answer(daemon: Daemon, path: str, token: str) -> object:
    if path.startswith("/export/"):
        return sorted(daemon.open(path, None, token).decode().splitlines())
    return daemon.get(path, token)


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name)
def test_an_earlier_versions_data_answers_as_it_did(archive: Path, tmp_path: Path) -> None:
    daemon = unpacked(archive, tmp_path)
    answers = json.loads((daemon.data / "answers.json").read_text(encoding="utf-8"))
    with daemon:
        daemon.start()
        token = daemon.admin_token()
        store: dict[str, object] = {}

        def taken_over() -> bool:
            health = daemon.get("/health", token)
            store.update(health["store"] or {})
            return health["status"] == "ok" and store["lag_bytes"] == 0 and store["lines"] >= store["ended"]["lines"]

        wait_for(taken_over)
        # The tokens' user signs in anew, which is one event more than that version had counted.
        for path, before in answers.items():
            assert strip(answer(daemon, path, token)) == strip(before), path
        assert (store["n_lost"], store["alarms"], store["n_rejected"], store["door_duplicates"]) == (0, [], 1, 5)
        assert list((daemon.data / "quarantine").glob("events.duckdb*"))
        assert daemon.stop() == 0


def strip(answered: object) -> object:
    """Return the answer without what the check itself adds: the sign-ins of its administrator."""
    if isinstance(answered, list):
        return [
            line
            for line in answered
            if json.loads(line)["source_label"] not in {"user_created", "authn_login_success", "signin", "signup"}
        ]
    return answered
