"""Starting and stopping: what is refused, in one clear line, and what is kept."""

import json
import subprocess
import sys
import threading
import urllib.error
from pathlib import Path

import pytest

from tests.house.daemon import ADMIN, PASSWORD, Daemon, wait_for
from tests.needs import in_own_mounts


def refusal(daemon: Daemon, *flags: str) -> str:
    done = daemon.run("serve", "--port", "0", *flags, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("footfalld: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


def test_a_second_daemon_on_the_same_data_is_refused(tmp_path: Path):
    with Daemon.fresh(tmp_path) as daemon:
        assert "another daemon works on" in refusal(daemon)
        assert daemon.get("/ready") == {"status": "ready"}


def test_a_taken_port_is_refused_before_anything_is_opened(tmp_path: Path):
    with Daemon.fresh(tmp_path / "a") as first:
        second = Daemon(tmp_path / "b")
        second.run("init")
        port = first.url.rpartition(":")[2]
        assert f"127.0.0.1:{port} is taken" in refusal(second, "--port", port)
        assert not (second.data / "log").exists()


def test_a_missing_data_directory_is_refused_with_the_remedy(tmp_path: Path):
    daemon = Daemon(tmp_path)
    daemon.run("init")
    daemon.data.rmdir()
    assert "run `footfalld init`" in refusal(daemon)


def test_a_missing_secret_is_refused_with_the_remedy(tmp_path: Path):
    daemon = Daemon(tmp_path)
    daemon.run("init")
    daemon.env_file.write_text("ALGORITHM=HS256\n")
    assert "SECRET_KEY is missing" in refusal(daemon)


def test_a_read_only_data_directory_is_refused(tmp_path: Path):
    daemon = Daemon(tmp_path)
    daemon.run("init")
    data = daemon.data
    prefix = in_own_mounts(f"mount --bind {data} {data}", f"mount -o remount,ro,bind {data}")
    command = [*prefix, sys.executable, "-m", "collector", "serve", "--port", "0"]
    flags = ["--data", str(data), "--env-file", str(daemon.env_file)]
    done = subprocess.run([*command, *flags], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"footfalld: {data} cannot be written: Read-only file system")


def test_a_disk_below_the_watermark_is_refused_at_start(tmp_path: Path):
    daemon = Daemon(tmp_path, FOOTFALL_LOG__DISK_FREE_BYTES_MIN=str(1 << 50))
    daemon.run("init")
    assert "the watermark is" in refusal(daemon)


@pytest.mark.long
def test_a_data_directory_in_memory_is_told_to_the_operator_and_degrades_nothing(tmp_path: Path):
    data, made = tmp_path / "data", tmp_path / "made"
    with_content = (f"cp -rp {data} {made}", f"mount -t tmpfs -o size=16m tmpfs {data}", f"cp -rp {made}/. {data}")
    daemon = Daemon(tmp_path, prefix=in_own_mounts(*with_content))
    daemon.run("init")
    daemon.add_admin()
    with daemon:
        daemon.start()
        told = [json.loads(line) for line in daemon.stderr_file.read_text().splitlines()]
        (warning,) = [line for line in told if line["event"] == "data_directory_not_durable"]
        assert (warning["level"], warning["directory"], warning["file_system"]) == ("warning", str(data), "tmpfs")
        signed_in = daemon.post("/auth/signin", {"nickname": ADMIN, "password": PASSWORD})
        wait_for(lambda: daemon.get("/health")["status"] == "ok")
        disk = daemon.get("/health", str(signed_in["jwt_token"]))["disk"]
        assert isinstance(disk, dict)
        assert (disk["file_system"], disk["file_system_doubt"]) == ("tmpfs", warning["reason"])


@pytest.mark.long
def test_a_full_disk_is_answered_503_loses_nothing_and_passes_by_itself(tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    # The users and the store lie on the same small disk: its end is met by the log first, since it grows fastest.
    prefix = in_own_mounts(f"mount -t tmpfs -o size=4m,mode=0700 tmpfs {data}", f"touch {data}/ballast")
    daemon = Daemon(tmp_path, prefix=prefix)
    daemon.run("init")
    with daemon:
        daemon.start()
        accepted, refused = fill(daemon)
        assert accepted
        assert refused["code"] == "log_full"
        with pytest.raises(urllib.error.HTTPError, match="503") as error:
            daemon.post("/track", {"source_label": "x" * 100, "attrs": {"pad": "y" * 20_000}})
        assert 1 <= int(error.value.headers["Retry-After"]) <= 5
        error.value.close()
        room = Path(f"/proc/{daemon.process}/root{data}")
        for path in (room / "store").glob("spool*"):
            path.unlink()
        freed = sorted((room / "store").glob("*"))
        for path in freed:
            path.unlink(missing_ok=True)
        wait_for(lambda: daemon.post("/track", {"source_label": "after"}))
        written = b"".join(path.read_bytes() for path in sorted(room.glob("log/*/*.ndjson")))
        labels = {json.loads(line).get("source_label") for line in written.splitlines()}
        assert accepted | {"after"} <= labels


def fill(daemon: Daemon) -> tuple[set[str], dict[str, object]]:
    """Post until the disk is full; return the labels that were acknowledged, and the problem that ended it."""
    accepted: set[str] = set()
    for number in range(2000):
        label = f"event-{number}"
        try:
            daemon.post("/track", {"source_label": label, "attrs": {"pad": "y" * 20_000}})
        except urllib.error.HTTPError as error:
            with error:
                return accepted, json.loads(error.read())
        accepted.add(label)
    raise AssertionError("the disk never filled")


def test_sigterm_under_load_answers_what_is_open_seals_and_exits_0(tmp_path: Path):
    with Daemon.fresh(tmp_path) as daemon:
        acknowledged: list[str] = []
        going = threading.Event()

        def post() -> None:
            while True:
                label = f"label-{len(acknowledged)}"
                try:
                    daemon.post("/track", {"source_label": label})
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    return
                acknowledged.append(label)
                going.set()

        poster = threading.Thread(target=post)
        poster.start()
        going.wait(20)
        assert daemon.stop() == 0
        poster.join(30)
        (segment,) = daemon.data.glob("log/*/*.ndjson")
        lines = [json.loads(line) for line in segment.read_bytes().splitlines()]
        assert (lines[-1]["frame"], lines[-1]["reason"]) == ("SEAL", "closed")
        assert set(acknowledged) <= {line.get("source_label") for line in lines}
