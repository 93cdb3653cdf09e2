"""What a test needs of the machine: it is skipped, in a visible line, where that is missing; with CI set it fails.

What takes long is marked `long`, and runs with CI set or where its file is asked for (conftest).
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def need_program(name: str) -> None:
    """Go on only where the program is installed."""
    if shutil.which(name) is None:
        missing(name)


def need_command(*command: str, what: str) -> None:
    """Go on only where the command ends with 0; `what` names what that proves."""
    need_program(command[0])
    if subprocess.run(command, capture_output=True, check=False).returncode:
        missing(f"{what} ({' '.join(command)})")


def in_own_mounts(*mounts: str) -> tuple[str, ...]:
    """Return a command prefix that runs what follows with file systems of its own, without being root."""
    prefix = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
    need_command(*prefix, "true", what="way to make mounts of its own")
    return (*prefix, " && ".join((*mounts, 'exec "$0" "$@"')))


def under_strace(note: Path, *expressions: str) -> tuple[str, ...]:
    """Return a command prefix that runs what follows, and its children, traced into `note`.

    Each expression is one of strace's `-e`. An injection's `when` counts the calls of each thread by itself. The
    process id that the caller sees is the program's, not strace's.
    """
    need_command("strace", "-f", "-o", os.devnull, "true", what="leave to trace processes")
    flags = [flag for expression in expressions for flag in ("-e", expression)]
    return ("strace", "-D", "-f", "-y", "-o", str(note), *flags)


def many(count: int, *, few: int) -> int:
    """Return how many cases of chance there is time for: all of them with CI set."""
    return count if os.environ.get("CI") else few


def missing(what: str) -> None:
    """Skip the test, or with CI set fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"this machine has no {what}")
    pytest.skip(f"this machine has no {what}")
