"""`make demo`: a daemon of its own, a seeded stream of visitors, and the console on top; nothing is left behind."""

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path

from bench.daemon import Daemon, running
from bench.errors import BenchFailed
from bench.process import STOP_S, end_by_interrupt, interrupts_deferred
from examples.demo.stream import DemoFailed, Stream

SECONDS, SECONDS_MAX = 600.0, 3600.0
EVENTS_PER_S, EVENTS_PER_S_MAX = 5.0, 200.0
STORED_S = 30.0
SAY_S = 1.0
QUICK = {"FOOTFALL_IDENTITY__BCRYPT_COST": "4", "FOOTFALL_IDENTITY__SIGNUPS_PER_MINUTE": "100000"}
"""Made-up people all sign up from here, and need no hard hash."""


def main(argv: list[str] | None = None) -> int:
    """Run the demo and return its exit status."""
    arguments = _parser().parse_args(argv)
    end_by_interrupt()
    os.environ.update(QUICK)
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and not arguments.no_console
    try:
        with tempfile.TemporaryDirectory(prefix="footfall-demo-") as directory, running(Path(directory)) as daemon:
            return _with_console(daemon, arguments) if terminal else _without(daemon, arguments)
    except (BenchFailed, DemoFailed) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description="Footfall with made-up visitors.")
    parser.add_argument("--seconds", type=_up_to(SECONDS_MAX), default=SECONDS, help="visitors come for (%(default)g)")
    parser.add_argument(
        "--rate", type=_up_to(EVENTS_PER_S_MAX), default=EVENTS_PER_S, help="events a second (%(default)g)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another number, other visitors (%(default)s)")
    parser.add_argument("--no-console", action="store_true", help="say what is sent instead, and end by itself")
    return parser


def _up_to(most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        number = float(text)
        if not 0 < number <= most:
            raise argparse.ArgumentTypeError(f"should be over 0 and at most {most:g}")
        return number

    return read


def _with_console(daemon: Daemon, arguments: argparse.Namespace) -> int:
    environment = os.environ | {"FOOTFALL_URL": daemon.server.url, "FOOTFALL_TOKEN": daemon.token}
    with _streaming(daemon, arguments), contextlib.ExitStack() as ends:
        with interrupts_deferred():
            console = subprocess.Popen([sys.executable, "-m", "console"], env=environment)
            ends.callback(_leave, console)
        return console.wait()


def _leave(console: subprocess.Popen[bytes]) -> None:
    """End a console that is still open."""
    with interrupts_deferred():
        if console.poll() is None:
            console.send_signal(signal.SIGINT)  # by any other signal the terminal stays as it drew it
        try:
            console.wait(STOP_S)
        except subprocess.TimeoutExpired:
            console.kill()
            console.wait()


def _without(daemon: Daemon, arguments: argparse.Namespace) -> int:
    daemon.await_store()
    before = daemon.stored().n_rows
    with _streaming(daemon, arguments) as (stream, visits):
        while wait([visits], timeout=SAY_S).not_done:
            _say(f"{stream.sent} events sent")
    _say(f"{stream.sent} events sent")
    stored = _stored(daemon, before + stream.sent) - before
    _say(f"{stored} events stored")
    return 0 if stored == stream.sent else 1


@contextlib.contextmanager
def _streaming(daemon: Daemon, arguments: argparse.Namespace) -> Iterator[tuple[Stream, Future[None]]]:
    """Fill the past, then let visitors come in a thread; they leave at the end of the block, which raises what failed."""
    stream = Stream(daemon.server.url, arguments.seed)
    _say(f"{daemon.server.url} answers; two days of visitors come first")
    asyncio.run(stream.fill(datetime.now(UTC)))
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    run = stream.run(seconds=arguments.seconds, events_per_s=arguments.rate, stop=stop)
    with contextlib.closing(loop), ThreadPoolExecutor(1) as threads:
        visits = threads.submit(loop.run_until_complete, run)
        try:
            yield stream, visits
        finally:
            with interrupts_deferred():
                loop.call_soon_threadsafe(stop.set)
                wait([visits])
    visits.result()


def _stored(daemon: Daemon, expected: int) -> int:
    deadline_s = time.monotonic() + STORED_S
    while (stored := daemon.stored().n_rows) < expected and time.monotonic() < deadline_s:
        time.sleep(0.1)  # between two looks, until the deadline
    return stored


def _say(words: str) -> None:
    print(f"demo: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
