"""Processes that the bench starts, and what the kernel says of them (Linux: /proc)."""

import contextlib
import os
import re
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.errors import BenchFailed

START_S = 60.0
"""How long a server may take to say its address."""

STOP_S = 30.0
"""How long a server may take to end after SIGTERM, before it is killed."""

ADDRESS = re.compile(r"http://([^:/\s]+):(\d+)")
USER_TIME, SYSTEM_TIME = 11, 12
"""Fields of /proc/<process>/stat behind the name (proc(5) counts them from 14)."""

CPU_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
"""What the kernel counts processor time in."""


class Server(NamedTuple):
    """A running server of ours."""

    process: int
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.host}:{self.port}"

    def cpu_s(self) -> float:
        """Return the processor time of all threads of the process so far, without that of its children."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[USER_TIME]) + int(fields[SYSTEM_TIME])) * CPU_TICK_S

    def children(self) -> list[int]:
        """Return the living child processes."""
        return [int(one) for one in Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()]


def resident_mb(process: int) -> float:
    """Return the mebibytes of memory that a process holds (VmRSS)."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextlib.contextmanager
def started(command: Sequence[str], *, directory: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """Yield a server once it has printed its address; it and its children are gone afterwards.

    What it writes to standard error is kept in `directory`.
    """
    errors = directory / "stderr.log"
    with errors.open("ab") as stderr:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,  # ctrl-c is ours to handle: the order of the ends is part of the bench
        )
    try:
        host, port = _address(process, errors)
        yield Server(process.pid, host, port)
    finally:
        _end(process)


def _address(process: subprocess.Popen[bytes], errors: Path) -> tuple[str, int]:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_S)
    found = ADDRESS.search(process.stdout.readline().decode()) if ready else None
    if found is None:
        raise BenchFailed(f"{process.args!r} did not start: {errors.read_text(errors='replace')[-1000:]}")
    return found[1], int(found[2])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        pass  # the kill below is for this
    finally:
        # The group is ours alone; what is left of it is a process that should have ended.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
