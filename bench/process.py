"""Processes that the bench starts, and what the kernel says of them (Linux: /proc)."""

import contextlib
import os
import re
import select
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.errors import BenchFailed

START_S = 60.0
"""How long a server may take to say its address."""

STOP_S = 15.0
"""How long a server may take to end after SIGTERM, before it is killed."""

ERROR_CHARACTERS = 1000
"""How much is shown of what a server wrote that did not start."""

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
        return cpu_s(self.process)

    def children(self) -> list[int]:
        """Return the living child processes."""
        return children(self.process)


def cpu_s(process: int) -> float:
    """Return the processor time of all threads of a process so far, without that of its children."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[USER_TIME]) + int(fields[SYSTEM_TIME])) * CPU_TICK_S


def children(process: int) -> list[int]:
    """Return the living processes that the main thread of a process has started."""
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def resident_mb(process: int) -> float:
    """Return the mebibytes of memory that a process holds (VmRSS)."""
    return _memory_mb(process, "VmRSS:")


def resident_peak_mb(process: int) -> float:
    """Return the most mebibytes of memory that a process ever held (VmHWM)."""
    return _memory_mb(process, "VmHWM:")


def _memory_mb(process: int, member: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition(member)[2].split()[0]) / 1024


@contextlib.contextmanager
def started(command: Sequence[str], *, directory: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """Yield a server once it has printed its address; it and its children are gone afterwards.

    What it writes to standard error is kept in `directory`.
    """
    errors = directory / "stderr.log"
    with errors.open("ab") as stderr, contextlib.ExitStack() as ends:
        with interrupts_deferred():
            process = subprocess.Popen(
                command,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,  # ctrl-c is for the bench: the order of the ends is its business
            )
            ends.callback(_end, process)
        host, port = _address(process, command, errors)
        yield Server(process.pid, host, port)


def end_by_interrupt() -> None:
    """Let ctrl-c, SIGTERM and a closed terminal all raise KeyboardInterrupt, so that what was started is ended."""
    # Also where SIGINT is ignored, as in the background of a script; event loops know how to end by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it on purpose
        signal.signal(signal.SIGHUP, _interrupt)


def _interrupt(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let a KeyboardInterrupt wait for the end of the block: in the middle of a start it would lose the process."""
    interrupts: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if interrupts:
        raise KeyboardInterrupt


def _address(process: subprocess.Popen[bytes], command: Sequence[str], errors: Path) -> tuple[str, int]:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_S)
    found = ADDRESS.search(process.stdout.readline().decode()) if ready else None
    if found is None:
        raise BenchFailed(
            f"{shlex.join(command)} did not start: {errors.read_text(errors='replace')[-ERROR_CHARACTERS:]}"
        )
    return found[1], int(found[2])


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    with interrupts_deferred(), process.stdout:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
        # The group is ours alone: what is left of it should have ended.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
