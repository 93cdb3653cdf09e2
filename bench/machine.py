"""Where a run ran: what the figures depend on besides the program."""

import contextlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.errors import BenchFailed
from bench.figures import Figure
from bench.load import percentile
from collector.settings import Settings

SYNC_BYTES = 4096
"""About the size of a group of a dozen events."""


def require_linux() -> None:
    """Raise BenchFailed on another system."""
    if sys.platform != "linux":
        raise BenchFailed("processor time and memory are read from /proc, which only Linux has")


@contextlib.contextmanager
def new_directory(parent: Path) -> Iterator[Path]:
    """Yield a directory below `parent` that is gone afterwards; BenchFailed when it cannot be made."""
    # Not the system's place for temporary files: that is often in memory, where a sync costs nothing.
    try:
        directory = tempfile.TemporaryDirectory(prefix="data-bench-", dir=parent.resolve())
    except OSError as error:
        raise BenchFailed(f"{parent}: {error.strerror}; name another one with --dir") from None
    with directory as path:
        yield Path(path)


def machine(directory: Path) -> dict[str, str]:
    """Return names and values of what the figures depend on."""
    return {
        "python": platform.python_version(),
        "kernel": f"{platform.system()} {platform.release()}",
        "processors": str(len(os.sched_getaffinity(0))),
        "file system": _file_system(directory),
    }


def settings(used: Settings) -> dict[str, str]:
    """Return the settings that matter here."""
    store = used.store
    return {
        "durability": "one write and one fdatasync for every group, before any of its answers",
        "store": f"batch_age_s {store.batch_age_s:g}, batch_events {store.batch_events}, threads {store.threads}, "
        f"memory_limit_mb {store.memory_limit_mb}",
    }


def sync_figures(directory: Path, *, seconds: float) -> list[Figure]:
    """Return what one durable append costs by itself: the baseline of durability."""
    latencies_s = sorted(_synced_appends(directory / "fdatasync", seconds))
    return [
        Figure(
            figure=f"fdatasync of {SYNC_BYTES} bytes, p{percent}",
            value=percentile(latencies_s, percent) * 1000,
            unit="ms",
        )
        for percent in (50, 99)
    ]


def _synced_appends(file: Path, seconds: float) -> list[float]:
    block = os.urandom(SYNC_BYTES)
    latencies_s: list[float] = []
    until = time.perf_counter() + seconds
    with file.open("wb", buffering=0) as appending:
        while not latencies_s or time.perf_counter() < until:
            began = time.perf_counter()
            appending.write(block)
            os.fdatasync(appending.fileno())
            latencies_s.append(time.perf_counter() - began)
    file.unlink()
    return latencies_s


def _file_system(directory: Path) -> str:
    """Return the type of the file system whose mount point is the longest that `directory` lies below (proc(5))."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    resolved = directory.resolve()
    below = [mount for mount in mounts if resolved.is_relative_to(mount[1])]
    device, point, kind = max(below, key=lambda mount: len(mount[1]))[:3]
    return f"{kind} ({device} on {point})"
