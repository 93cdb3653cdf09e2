"""The bench itself, in a tiny mode: that every figure comes out and every event is counted, not how fast it is."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from bench import load
from bench.daemon import Daemon, running
from bench.errors import BenchFailed
from bench.figures import Report, as_text
from bench.lines import lines, repeats
from bench.tally import Tally
from bench.traffic import Traffic
from bench.visibility import VisibilityBench
from storage.event import Event, encode
from tests.house.daemon import processes_below

ROOT = Path(__file__).parents[2]
TINY = ["--seconds", "0.05"]
RUN_S = 300.0
NOTHING = b"POST /track HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
SINGLE = [
    "/track single, {} connections",
    "  p50",
    "  p99",
    "  for a CPU-second of the server",
    "  beside web.json_response",
    "  cores taken by the load generator",
    "  events of a group, mean",
    "  framing and CRC of a request's CPU",
]
FIGURES = [
    "fdatasync of 4096 bytes, p50",
    "fdatasync of 4096 bytes, p99",
    *(figure.format(64) for figure in SINGLE),
    *(figure.format(8) for figure in SINGLE),
    "/track single, 64 connections, 10 readers of /live",
    "  p99",
    "/track batches of 500, 8 connections",
    "  for a CPU-second of the front",
    "  p50",
    "  p99",
    "  cores taken by the load generator",
    "visible after, p50",
    "visible after, p95",
    "visible after, max",
    "  probes",
    "  events that came in meanwhile",
    "events stored",
    "memory of front and store",
    "  front",
    "  store",
    "console, first frame, 80x24, no network",
    "console, overview, 1 event/s: written",
    "  of a core",
    "console, live, 1 event/s: written",
    "  of a core",
    "  written while paused",
    "  memory",
    "sign-in, p50",
    "  processor time of the front",
    "  of an unknown name, beside a wrong password",
    "/health p99, 333 throttled sign-ins a second",
    "  refused",
    "token check, HS256",
    "  EdDSA",
    "start with 1,667 users",
    "  memory",
    "page of 166 users",
    "  longest turn",
    "page of 1,667 users",
    "  longest turn",
    "noting who was seen",
    "replay of the log",
    "  for a CPU-second of the store",
    "  events",
    "  memory of the store, peak",
    "batches of 500, definitions off, for a CPU-second",
    "  definitions enforced",
    "/v1/batch of 500, for a CPU-second",
    "/track 2,000 a second, p99",
    "  p99, endless queries on both processors",
    "  queries answered meanwhile",
    "  p99, store killed every 2 s",
    "  kills",
    "  p99, every load slowed by 5 s",
    "  refused meanwhile",
]
IDLE = ("generator", "of a core", "paused", "refused")
"""What may be nothing in so short a run."""


def bench(directory: Path, *flags: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench", "--dir", str(directory), *flags]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        output, errors = process.communicate(timeout=RUN_S)
    finally:
        process.kill()
        process.wait()
    return process.returncode, output, errors


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(tmp_path_factory.mktemp("daemon")) as daemon:
        yield daemon


def until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)  # between two looks, until the deadline


@pytest.mark.long
def test_a_run_gives_every_figure_and_finds_all_that_was_acknowledged(tmp_path: Path):
    status, output, errors = ended(bench(tmp_path, *TINY, "--json"))
    assert (status, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []
    report = msgspec.json.decode(output, type=Report)
    check_figures(report)
    check_counts(report)
    check_table(report)


def check_figures(report: Report):
    assert [figure.figure for figure in report.figures] == FIGURES
    assert all(figure.value > 0 for figure in report.figures if not any(word in figure.figure for word in IDLE))

    assert [figure.figure.strip() for figure in report.figures if figure.target] == [
        "/track single, 64 connections",
        "p99",
        "framing and CRC of a request's CPU",
        "p50",
        "p99",
        "framing and CRC of a request's CPU",
        "/track single, 64 connections, 10 readers of /live",
        "for a CPU-second of the front",
        "visible after, p50",
        "visible after, p95",
        "visible after, max",
        "events that came in meanwhile",
        "memory of front and store",
        "console, first frame, 80x24, no network",
        "console, overview, 1 event/s: written",
        "of a core",
        "console, live, 1 event/s: written",
        "of a core",
        "written while paused",
        "memory",
        "sign-in, p50",
        "of an unknown name, beside a wrong password",
        "/health p99, 333 throttled sign-ins a second",
        "token check, HS256",
        "start with 1,667 users",
        "page of 166 users",
        "replay of the log",
        "batches of 500, definitions off, for a CPU-second",
        "definitions enforced",
        "/v1/batch of 500, for a CPU-second",
        "p99, endless queries on both processors",
        "p99, store killed every 2 s",
        "p99, every load slowed by 5 s",
        "refused meanwhile",
    ]
    assert all((figure.met is None) == (figure.target is None) for figure in report.figures)


def check_counts(report: Report):
    assert [step.step for step in report.counts] == [
        "console, overview",
        "console, live",
        "warm-up",
        "single, 64 connections",
        "single, 8 connections",
        "single, 64 connections, 10 readers of /live",
        "batches of 500, 8 connections",
        "visibility",
        "definitions",
        "Segment's batches, and native ones",
        "steady, queries and kills",
        "steady, slow store",
    ]
    assert all(step.sent > 0 for step in report.counts)
    assert [(step.rows, step.rejected, step.duplicates) for step in report.counts] == [
        (step.sent, 0, 0) for step in report.counts
    ]


def check_table(report: Report):
    lines = as_text(report).splitlines()
    for name in [*FIGURES, *(step.step for step in report.counts), *report.machine, *report.settings]:
        assert any(line.startswith(name) for line in lines), name


def test_a_rebuild_is_timed_and_gives_the_same_answers(tmp_path: Path):
    command = [sys.executable, "-m", "bench.rebuild", "--events", "5000", "--dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["5,000", "loaded", "rebuilt"]
    assert list(tmp_path.iterdir()) == []


BESIDE = {
    ("bench.late", "--events", "5000", "--loads", "1"): "batches of 50,000,   10 % late",
    ("bench.metrics", "5000"): "by source, all seven metrics",
    ("bench.enrichment", "--loads", "1"): "ratio",
}


@pytest.mark.long
@pytest.mark.parametrize(("command", "last"), BESIDE.items(), ids=[module for module, *_ in BESIDE])
def test_what_is_measured_on_a_store_alone_is_printed_to_the_end(tmp_path: Path, command: tuple[str, ...], last: str):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-m", *command]
    done = subprocess.run(
        run, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=RUN_S, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith(last)
    assert list(tmp_path.iterdir()) == []


def test_the_lines_of_a_replay_are_as_the_door_encodes_them():
    (made,) = lines(2001, at_once=2001)
    events = [msgspec.json.decode(line, type=Event) for line in made]
    assert [encode(event).replace(b'00Z"', b'00.000000Z"') for event in events[:100]] == made[:100]
    assert len(events) - len({event.event_id for event in events}) == repeats(2001) == 2


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_process_and_no_directory(tmp_path: Path, number: signal.Signals):
    process = bench(tmp_path)
    try:
        until(lambda: len(processes_below(tmp_path)) == 3)
        process.send_signal(number)
    finally:
        status, _, errors = ended(process)
    assert (status, errors) == (130, "")
    assert processes_below(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_lost_front_ends_the_run_with_a_line_that_says_so(tmp_path: Path):
    process = bench(tmp_path)
    try:
        until(lambda: any(tmp_path.glob("*/data/log/*/")))
        front = next(pid for pid in processes_below(tmp_path) if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(front, signal.SIGKILL)
    finally:
        status, output, errors = ended(process)
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("bench: ")
    until(lambda: processes_below(tmp_path) == [])


def test_a_directory_that_is_not_there_is_one_line(tmp_path: Path):
    status, _, errors = ended(bench(tmp_path / "missing", *TINY))
    assert status == 1
    assert errors == f"bench: {tmp_path / 'missing'}: No such file or directory; name another one with --dir\n"


@pytest.mark.parametrize("text", ["0", "-1", "61", "nan", "soon"])
def test_a_length_that_makes_no_sense_is_refused(tmp_path: Path, text: str):
    status, _, errors = ended(bench(tmp_path, f"--seconds={text}"))
    assert status == 2
    assert "--seconds" in errors


@pytest.mark.long
@pytest.mark.parametrize("claimed_too_many", [1, -1])
def test_a_count_that_differs_fails_the_run(daemon: Daemon, claimed_too_many: int):
    tally = Tally(daemon, unchanged_s=1.5)
    traffic = Traffic(datetime.now(UTC))
    done = load.run(daemon.server.host, daemon.server.port, traffic.single, connections=2, seconds=0.05)
    with pytest.raises(BenchFailed, match=f"the store gained {done.answers} rows, 0 rejected and 0 duplicates"):
        tally.add("lost", sent=done.answers + claimed_too_many, refused_requests=0)


def test_a_probe_that_is_refused_fails_the_run(daemon: Daemon):
    stranger = Daemon(daemon.server, daemon.settings, "no token")
    visibility = VisibilityBench(stranger, Tally(daemon), Traffic(datetime.now(UTC)), random.Random(1))
    with pytest.raises(BenchFailed, match=r"visibility: .*401"):
        visibility.figures(0.1)


def test_answers_that_are_no_202_are_told_apart(daemon: Daemon):
    done = load.run(daemon.server.host, daemon.server.port, lambda: NOTHING, connections=1, seconds=0.05)
    assert set(done.statuses) == {422}
