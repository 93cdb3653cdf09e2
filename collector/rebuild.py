"""`footfalld rebuild`: the store fills itself again from archive and log, and the terminal shows how far it is.

With a running daemon it is asked over the control socket and tracking goes on; else the verb runs a store itself.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from collector import control
from collector.store_process import LOOK_S, START_WAIT_S, StoreProcess
from storage.errors import StoreDown
from storage.ports import EventStore

REBUILD = "rebuild"
PROGRESS = "rebuild progress"
"""The verbs on the control socket: the second is asked until the first is done."""

LINE_S = 5.0
"""Between two lines where the output is no terminal."""

BAR_WIDTH = 30


class Progress(msgspec.Struct, frozen=True):
    """How far a rebuild is: `share` of its bytes between 0 and 1, with `rows` stored; `left_s` None while unknown."""

    is_done: bool
    share: float
    rows: int
    left_s: float | None


def rebuild_verbs(process: StoreProcess, store: EventStore) -> dict[str, control.Verb]:
    """Return what a running daemon does for `footfalld rebuild`."""

    async def rebuild(_: control.Arguments) -> control.Arguments:
        starts = process.starts
        process.rebuild()
        await process.started(after=starts)
        return {}

    async def progress(_: control.Arguments) -> control.Arguments:
        return msgspec.to_builtins(await progress_of(store))  # type: ignore[no-any-return]

    return {REBUILD: rebuild, PROGRESS: progress}


async def rebuild_here(process: StoreProcess, store: EventStore) -> None:
    """Run a store until it is filled again; the lock of the data directory is held."""
    process.rebuild()
    async with process.running():
        await show(lambda: progress_of(store))


async def rebuild_there(path: Path, timeout_s: float) -> None:
    """Have the daemon that listens on `path` rebuild its store; ControlError as `control.ask` raises it."""
    await asyncio.to_thread(control.ask, path, REBUILD, {}, START_WAIT_S + timeout_s)

    async def progress() -> Progress:
        return msgspec.convert(await asyncio.to_thread(control.ask, path, PROGRESS, {}, timeout_s), Progress)

    await show(progress)


async def progress_of(store: EventStore) -> Progress:
    """Return how far the rebuild is; a store that is away is not done."""
    try:
        health = await store.health()
    except StoreDown:
        return Progress(is_done=False, share=0.0, rows=0, left_s=None)
    rebuild = health.rebuild
    if rebuild is None:
        return Progress(is_done=True, share=1.0, rows=health.n_rows, left_s=0.0)
    share = 1 - rebuild.bytes_left / rebuild.bytes_total if rebuild.bytes_total else 1.0
    return Progress(is_done=False, share=share, rows=health.n_rows, left_s=rebuild.left_s)


async def show(look: Callable[[], Awaitable[Progress]]) -> None:
    """Show the progress until it is done: on a terminal one line in place, else a line every few seconds."""
    began, shown_at = time.monotonic(), 0.0
    while not (progress := await look()).is_done:
        now = time.monotonic()
        if sys.stdout.isatty():
            _write(f"\r{_line(progress)}\x1b[K")
        elif now - shown_at >= LINE_S:
            shown_at = now
            _write(f"{_line(progress)}\n")
        await asyncio.sleep(LOOK_S)
    end = "\r\x1b[K" if sys.stdout.isatty() else ""
    _write(f"{end}rebuilt: {progress.rows:,} events in {time.monotonic() - began:.1f} s\n")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _line(progress: Progress) -> str:
    full = round(BAR_WIDTH * progress.share)
    left = "" if progress.left_s is None else f", about {progress.left_s:.0f} s left"
    bar = "#" * full + "." * (BAR_WIDTH - full)
    return f"[{bar}] {100 * progress.share:3.0f} %  {progress.rows:,} events{left}"
