"""What the console costs: its first frame, what it writes, its processor time and memory, beside an empty application."""

import contextlib
import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.daemon import Daemon
from bench.errors import BenchFailed
from bench.figures import Figure, aimed, compared
from bench.process import Server, resident_mb
from bench.tally import Tally
from bench.traffic import Traffic

COLUMNS, LINES = 80, 24
FRAME = b"Quit"
"""The last key of the footer: with it the first frame is whole."""
FRAME_S = 20.0
SETTLE_S = 5.0
PAGE = "https://shop.example/console"
NOBODY = "http://127.0.0.1:9"
CONSOLE = [sys.executable, "-m", "console"]
EMPTY = [sys.executable, str(Path(__file__).with_name("empty.py"))]

FRAME_MS_MAX = 400.0
KB_PER_S_MAX = 10.0
CORE_PERCENT_MAX = 5.0
MEMORY_MB_MAX = 25.0


class Pane:
    """A program on a pseudo terminal of 80 columns and 24 lines."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self._process = process
        self._terminal = terminal

    @property
    def server(self) -> Server:
        """The process, whose processor time and memory can be asked."""
        return Server(self._process.pid, "", 0)

    def press(self, key: str) -> None:
        """Type a key."""
        os.write(self._terminal, key.encode())

    def read(self, seconds: float) -> bytes:
        """Return what is written within the time."""
        return b"".join(self._pieces(seconds))

    def frame(self) -> None:
        """Return once the first frame is whole; BenchFailed when it is not."""
        seen = b""
        for piece in self._pieces(FRAME_S):
            seen = seen[-64:] + piece
            if FRAME in seen:
                return
        raise BenchFailed("the console showed no frame")

    def _pieces(self, seconds: float) -> Iterator[bytes]:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            readable, _, _ = select.select([self._terminal], [], [], left_s)
            if readable:
                yield os.read(self._terminal, 1 << 16)


@contextlib.contextmanager
def opened(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Pane]:
    """Run a program on a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    own = os.environ | {"TERM": "xterm-256color", "COLORTERM": "", **environment}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=own, start_new_session=True)
    os.close(theirs)
    try:
        yield Pane(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


class ConsoleBench:
    """Opens the console on the daemon, and without one."""

    def __init__(self, daemon: Daemon, tally: Tally, traffic: Traffic) -> None:
        self._daemon = daemon
        self._tally = tally
        self._traffic = traffic

    def figures(self, *, ticks: int) -> list[Figure]:
        """Return every figure; each mode is watched for `ticks` seconds, and there is a start for every third of them."""
        return [*_first_frames(max(1, ticks // 3)), *self._running(ticks)]

    def _running(self, ticks: int) -> list[Figure]:
        environment = {"FOOTFALL_URL": self._daemon.server.url, "FOOTFALL_TOKEN": self._daemon.token}
        with opened(CONSOLE, environment) as console, opened(EMPTY, {}) as empty:
            console.frame()
            empty.frame()
            figures = [one for mode in ("1", "3") for one in self._mode(console, mode, ticks)]
            console.press(" ")
            console.read(1.0)
            paused = Figure(figure="  written while paused", value=len(console.read(ticks / 3)), unit="bytes")
            ours_mb, empty_mb = resident_mb(console.server.process), resident_mb(empty.server.process)
            memory = compared("  memory", "MB", [ours_mb], [empty_mb])
            target = f"<= empty + {MEMORY_MB_MAX:g} MB"
            return [
                *figures,
                aimed(paused, "0", met=paused.value == 0),
                aimed(memory, target, met=ours_mb <= empty_mb + MEMORY_MB_MAX),
            ]

    def _mode(self, console: Pane, mode: str, ticks: int) -> list[Figure]:
        name = {"1": "overview", "3": "live"}[mode]
        console.press(mode)
        console.read(min(SETTLE_S, ticks))
        began_s, cpu_s, written = time.monotonic(), console.server.cpu_s(), 0
        for _ in range(ticks):
            self._daemon.track(self._traffic.pageview(PAGE))
            written += len(console.read(1.0))
        elapsed_s = time.monotonic() - began_s
        self._tally.add(f"console, {name}", sent=ticks, refused_requests=0)
        kilobytes = Figure(figure=f"console, {name}, 1 event/s: written", value=written / elapsed_s / 1000, unit="kB/s")
        core = Figure(figure="  of a core", value=100 * (console.server.cpu_s() - cpu_s) / elapsed_s, unit="%")
        return [
            aimed(kilobytes, f"<= {KB_PER_S_MAX:g} kB/s", met=kilobytes.value <= KB_PER_S_MAX),
            aimed(core, f"<= {CORE_PERCENT_MAX:g} %", met=core.value <= CORE_PERCENT_MAX),
        ]


def _first_frames(starts: int) -> list[Figure]:
    frames: dict[str, list[float]] = {"ours": [], "empty": []}
    for _ in range(starts):
        for name, command in (("ours", CONSOLE), ("empty", EMPTY)):
            began_s = time.perf_counter()
            with opened(command, {"FOOTFALL_URL": NOBODY, "FOOTFALL_TOKEN": "none"}) as pane:
                pane.frame()
                frames[name].append((time.perf_counter() - began_s) * 1000)
    first = compared("console, first frame, 80x24, no network", "ms", frames["ours"], frames["empty"])
    met = statistics.median(frames["ours"]) <= FRAME_MS_MAX
    return [aimed(first, f"<= {FRAME_MS_MAX:g} ms", met=met)]
