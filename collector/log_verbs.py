"""`footfalld log ls|verify|cat`: the segments of a data directory, read only, with or without a running daemon."""

import argparse
import contextlib
import itertools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from collector.columns import write_columns
from collector.errors import CommandError
from storage.wal.archive import Archive
from storage.wal.check import SegmentCheck, check, lines
from storage.wal.segments import Segments

COLUMNS = ("log", "segment", "place", "state", "offsets", "lines", "bytes", "ratio")


def add_verbs(root: "argparse._SubParsersAction[argparse.ArgumentParser]", flags: argparse.ArgumentParser) -> None:
    """Add the verbs to the parser of `footfalld`."""
    verbs = root.add_parser("log", help="look at the log's files").add_subparsers(required=True, metavar="VERB")
    ls = verbs.add_parser("ls", parents=[flags], help="list the segments")
    ls.set_defaults(verb="log ls")
    verify = verbs.add_parser("verify", parents=[flags], help="read every frame; exit 1 when one is damaged")
    verify.set_defaults(verb="log verify")
    cat = verbs.add_parser("cat", parents=[flags], help="print the lines of a log as NDJSON")
    cat.add_argument("log_id", metavar="LOG_ID")
    cat.add_argument("--segment", type=int, metavar="N", help="of this segment only")
    cat.add_argument("--from", dest="from_offset", type=int, default=0, metavar="OFFSET", help="included")
    cat.add_argument("--to", dest="to_offset", type=int, metavar="OFFSET", help="included")
    cat.set_defaults(verb="log cat")


def run_log(arguments: argparse.Namespace, data: Path) -> None:
    """Run one of the verbs on a data directory; CommandError when something is damaged or not there."""
    if not (data / "log").is_dir():
        raise CommandError(f"{data}: holds no log; name another one with --data")
    with _opened(data) as segments:
        match arguments.verb:
            case "log ls":
                write_columns(COLUMNS, map(_row, _checked(segments)))
            case "log verify":
                _verify(segments)
            case _:
                _print(segments, arguments)


@contextlib.contextmanager
def _opened(data: Path) -> Iterator[Segments]:
    # Archived segments are unpacked elsewhere: the archive is the daemon's alone.
    with tempfile.TemporaryDirectory() as scratch:
        archive = Archive(data / "archive", scratch=Path(scratch))
        try:
            yield Segments(data / "log", archive)
        finally:
            archive.close()


def _checked(segments: Segments) -> Iterator[SegmentCheck]:
    return itertools.chain.from_iterable(check(segments, log_id) for log_id in segments.log_ids())


def _row(found: SegmentCheck) -> tuple[str, ...]:
    state = f"{found.state}, damaged" if found.damage and found.state != "unreadable" else found.state
    offsets = f"{found.first_offset}-{found.next_offset - 1}" if found.next_offset > found.first_offset else "none"
    ratio = f"{found.stored_bytes / found.bytes:.2f}" if found.bytes else "-"
    counts = (str(found.count), str(found.stored_bytes), ratio)
    return (found.log_id, str(found.segment), found.place, state, offsets, *counts)


def _verify(segments: Segments) -> None:
    checked = list(_checked(segments))
    for found in checked:
        for what in found.damage:
            sys.stdout.write(f"log {found.log_id}, segment {found.segment} ({found.place}): {what}\n")
        if found.unproved_bytes:
            where = f"log {found.log_id}, segment {found.segment}: the last {found.unproved_bytes} bytes"
            sys.stdout.write(f"{where} are torn, or are being written\n")
    damaged = sum(bool(found.damage) for found in checked)
    sys.stdout.write(f"{len(checked)} segments, {sum(found.count for found in checked)} lines, {damaged} damaged\n")
    if damaged:
        raise CommandError(f"{damaged} segments are damaged; keep the files and look at the disk")


def _print(segments: Segments, arguments: argparse.Namespace) -> None:
    numbers = segments.numbers(arguments.log_id) if arguments.log_id in segments.log_ids() else []
    if not numbers:
        raise CommandError(f"there is no log {arguments.log_id}; `footfalld log ls` lists them")
    if arguments.segment is not None and arguments.segment not in numbers:
        raise CommandError(f"log {arguments.log_id} has no segment {arguments.segment}")
    for number in numbers if arguments.segment is None else [arguments.segment]:
        for offset, line in lines(segments, arguments.log_id, number):
            if arguments.from_offset <= offset and (arguments.to_offset is None or offset <= arguments.to_offset):
                sys.stdout.buffer.write(line)
