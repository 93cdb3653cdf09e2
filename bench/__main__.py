"""`make bench`: every figure beside its baseline, in one run, with real processes on a new directory."""

import argparse
import os
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.console import ConsoleBench
from bench.daemon import running
from bench.definitions import DefinitionBench
from bench.errors import BenchFailed
from bench.figures import Figure, Report, aimed, as_json, as_text
from bench.process import Server, end_by_interrupt, resident_mb, started
from bench.replay import ReplayBench
from bench.segment import SegmentBench
from bench.signin import SigninBench
from bench.steady import SteadyBench
from bench.tally import Tally
from bench.tokens import token_figures
from bench.tracking import CONNECTIONS_FEW, CONNECTIONS_MANY, TrackBench
from bench.traffic import Traffic
from bench.users import user_figures
from bench.visibility import VisibilityBench

SLICE_S = 3.0
VISIBILITY_SLICES = 5
CONSOLE_SLICES = 5
MEMORY_MB_MAX = 300
REPLAY_EVENTS_PER_S = 400_000
"""Events of the replay for each second of a slice: over a million by default."""
USERS_PER_S = 33_334
"""Users for each second of a slice: 100,000 by default."""
SLICE_S_MAX = 60.0
BARE = [sys.executable, str(Path(__file__).with_name("bare.py"))]


def main(argv: list[str] | None = None) -> int:
    """Run the bench and return its exit status: 1 when the run proves nothing, else 0, targets met or not."""
    arguments = _parser().parse_args(argv)
    end_by_interrupt()
    try:
        machine.require_linux()
        with machine.new_directory(arguments.dir) as directory:
            report = _run(directory, seconds=arguments.seconds)
    except BenchFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(as_json(report) if arguments.json else as_text(report))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="The figures of Footfall on this machine.")
    parser.add_argument("--dir", type=Path, default=Path(), help="where to make the temporary directory (default: .)")
    parser.add_argument("--seconds", type=_seconds, default=SLICE_S, help="length of one slice of load (default: 3)")
    parser.add_argument("--json", action="store_true", help="print the same as JSON")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= SLICE_S_MAX:
        raise argparse.ArgumentTypeError(f"should be over 0 and at most {SLICE_S_MAX:g}")
    return seconds


def _run(directory: Path, *, seconds: float) -> Report:
    sync = machine.sync_figures(directory, seconds=seconds)
    sync_p50 = sync[0]
    with running(directory) as daemon, started(BARE, directory=directory, environment=os.environ) as bare:
        tally, traffic = Tally(daemon), Traffic(datetime.now(UTC))
        track = TrackBench(daemon, bare, tally, traffic)
        # First, while the store is small: it is the console that is measured.
        console = ConsoleBench(daemon, tally, traffic).figures(ticks=max(1, round(CONSOLE_SLICES * seconds)))
        track.warm_up(seconds)
        figures = [
            *sync,
            *track.singles(CONNECTIONS_MANY, seconds, sync_p50),
            *track.singles(CONNECTIONS_FEW, seconds, sync_p50),
            *track.watched(seconds),
            *track.batches(seconds),
            *VisibilityBench(daemon, tally, traffic, random.Random()).figures(VISIBILITY_SLICES * seconds),
            *_memory(daemon.server, tally.sent),
            *console,
        ]
        tally.check_rows()
    # With the daemon gone: the store has the machine for itself, as it would after a restart.
    figures += SigninBench(directory / "signin").figures(seconds)
    figures += token_figures(directory)
    figures += user_figures(directory / "accounts", round(USERS_PER_S * seconds))
    figures += ReplayBench(directory, daemon.settings).figures(events=max(1, round(REPLAY_EVENTS_PER_S * seconds)))
    definitions = DefinitionBench(directory / "definitions", datetime.now(UTC))
    figures += definitions.figures(seconds)
    segment = SegmentBench(directory / "segment", datetime.now(UTC))
    figures += segment.figures(seconds)
    steady = SteadyBench(directory, traffic)
    figures += steady.figures(seconds)
    return Report(
        machine.machine(directory),
        machine.settings(daemon.settings),
        figures,
        [*tally.steps, *definitions.steps, *segment.steps, *steady.steps],
    )


def _memory(front: Server, events: int) -> list[Figure]:
    front_mb = resident_mb(front.process)
    store_mb = sum(resident_mb(child) for child in front.children())
    together = Figure(figure="memory of front and store", value=front_mb + store_mb, unit="MB")
    return [
        Figure(figure="events stored", value=events, unit=""),
        aimed(together, f"<= {MEMORY_MB_MAX} MB", met=front_mb + store_mb <= MEMORY_MB_MAX),
        Figure(figure="  front", value=front_mb, unit="MB"),
        Figure(figure="  store", value=store_mb, unit="MB"),
    ]


if __name__ == "__main__":
    sys.exit(main())
