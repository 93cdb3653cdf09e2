"""Faults of system calls that strace injects into a process that runs already, and takes away again."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.house.daemon import wait_for
from tests.needs import missing, need_program

DETACH_S = 30.0


@contextlib.contextmanager
def attached(process: int, note: Path, fault: str, *, path: Path | None = None) -> Iterator[None]:
    """Inject `fault` into every thread of a process until the block ends; each counts its own calls.

    A fault is what `strace -e inject=` takes: `fdatasync:error=EIO:when=3`. With `path` only calls that concern this
    file, by name or by descriptor, are counted and fail.
    """
    need_program("strace")
    only = [] if path is None else ["-P", str(path)]
    calls = f"trace={fault.partition(':')[0]}"
    command = ["strace", "-f", "-y", *only, "-e", calls, "-e", f"inject={fault}", "-o", note, "-p", str(process)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        try:
            wait_for(lambda: tracer.poll() is not None or is_traced(process, tracer.pid))
            if tracer.returncode is not None:
                missing("leave to trace processes that run already")
            yield
        finally:
            tracer.terminate()  # it lets the process go on
            tracer.wait(DETACH_S)


def is_traced(process: int, tracer: int) -> bool:
    """Return whether every thread of the process is held by this tracer."""
    states = [state.read_text(encoding="ascii") for state in Path(f"/proc/{process}/task").glob("*/status")]
    return all(f"TracerPid:\t{tracer}\n" in state for state in states)
