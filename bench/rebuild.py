"""How long the store takes to come back from nothing: `python -m bench.rebuild [--events N] [--dir DIRECTORY]`.

A log of N made-up events is written and loaded; then DuckDB's file is deleted, and the store process, started anew,
fills itself from the log. The answers before and after must be equal.
"""

import argparse
import os
import sys
from pathlib import Path

from bench import machine
from bench.daemon import CONFIG, ENVIRONMENT
from bench.errors import BenchFailed
from bench.process import end_by_interrupt
from bench.replay import Replay, fill, replay
from collector.config import load_settings
from collector.settings import Settings

EVENTS = 10_000_000


def main(argv: list[str] | None = None) -> int:
    """Print the times and return the exit status; 1, with one line, when the store did not come back as it was."""
    arguments = _parser().parse_args(argv)
    end_by_interrupt()
    settings = load_settings(CONFIG, os.environ | ENVIRONMENT, data_dir=None, host=None, port=None)
    try:
        machine.require_linux()
        with machine.new_directory(arguments.dir) as directory:
            loaded, rebuilt = _measure(directory / "data", settings, arguments.events)
    except BenchFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"{arguments.events:,} events, {settings.store.threads} thread, {settings.store.memory_limit_mb} MiB")
    _print("loaded", loaded, arguments.events)
    _print("rebuilt", rebuilt, arguments.events)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.rebuild", description="How long a rebuild takes.")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"events of the log (default: {EVENTS:,})")
    parser.add_argument("--dir", type=Path, default=Path(), help="where to make the temporary directory (default: .)")
    return parser


def _measure(data: Path, settings: Settings, events: int) -> tuple[Replay, Replay]:
    fill(data, settings, events)
    loaded = replay(data, settings, events)
    for file in (data / "store").glob("events.duckdb*"):
        file.unlink()
    rebuilt = replay(data, settings, events)
    if loaded.summary != rebuilt.summary:
        raise BenchFailed(f"the rebuilt store answers {rebuilt.summary}, it answered {loaded.summary}")
    return loaded, rebuilt


def _print(what: str, taken: Replay, events: int) -> None:
    print(
        f"{what:9}{taken.seconds:7.1f} s{events / taken.seconds:10,.0f} events/s"
        f"{taken.seconds * 1_000_000 / events:8.2f} s for a million{taken.cpu_s:8.1f} s of processor time"
        f"{taken.memory_peak_mb:7.0f} MB at the most"
    )


if __name__ == "__main__":
    sys.exit(main())
