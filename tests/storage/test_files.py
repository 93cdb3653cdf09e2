"""Files are replaced whole, with their mode, and leave nothing behind."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.files import make_directory, replace_file
from storage.filesystem import LOCAL

DEADLINE_S = 20.0


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def wide_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("wide_umask")
def test_a_new_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    replace_file(tmp_path / "new", b"content")
    assert (tmp_path / "new").read_bytes() == b"content"
    assert mode_of(tmp_path / "new") == 0o600


def test_a_file_that_was_open_to_others_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old and longer")
    path.chmod(0o644)
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert mode_of(path) == 0o600


def test_whoever_has_the_old_file_open_keeps_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")
    with path.open("rb") as reader:
        replace_file(path, b"new")
        assert reader.read() == b"old"


def test_a_symbolic_link_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"target")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    replace_file(tmp_path / "link", b"new")
    assert (tmp_path / "target").read_bytes() == b"target"
    assert not (tmp_path / "link").is_symlink()


def test_a_failed_replacement_leaves_what_was_there_and_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").write_bytes(b"kept")
    with pytest.raises(OSError, match="taken"):
        replace_file(tmp_path / "taken", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert (tmp_path / "taken" / "inside").read_bytes() == b"kept"


def test_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "missing" / "file", b"")
    with pytest.raises(FileNotFoundError):
        LOCAL.sync_directory(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        make_directory(tmp_path / "missing" / "directory")


WRITER = """
import itertools, pathlib, sys
from storage.files import replace_file
for number in itertools.count():
    replace_file(pathlib.Path(sys.argv[1]), str(number % 10).encode() * 100_000)
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for _ in range(5):
        path.unlink(missing_ok=True)
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)]) as writer:
            deadline = time.monotonic() + DEADLINE_S
            while not path.exists():
                assert time.monotonic() < deadline
                time.sleep(0.001)
            writer.send_signal(signal.SIGKILL)
        content = path.read_bytes()
        assert len(content) == 100_000
        assert len(set(content)) == 1


@pytest.mark.usefixtures("wide_umask")
def test_a_directory_is_made_private_once(tmp_path: Path) -> None:
    make_directory(tmp_path / "new")
    assert mode_of(tmp_path / "new") == 0o700
    (tmp_path / "new" / "file").write_bytes(b"kept")
    make_directory(tmp_path / "new")
    assert (tmp_path / "new" / "file").read_bytes() == b"kept"
