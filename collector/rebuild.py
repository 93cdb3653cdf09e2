"""`footfalld rebuild`: the store fills itself again from archive and log, and the terminal shows how far it is.

With a running daemon it is asked over the control socket and tracking goes on; else the verb runs a store itself.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import msgspec

from collector import control
from collector.store_process import StoreProcess
from storage.errors import StoreDown
from storage.health import StoreHealth
from storage.ports import EventStore

REBUILD = "rebuild"
PROGRESS = "rebuild progress"
"""The verbs on the control socket: the second is asked until the first is done."""

LOOK_S = 0.2
"""Between two looks at the progress."""

LINE_S = 5.0
"""Between two lines where the output is no terminal."""

START_WAIT_S = 60.0
BAR_WIDTH = 30


class Asked(Protocol):
    """A store that says how it is."""

    async def health(self) -> StoreHealth:
        """StoreDown while nobody answers."""


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
        await started(process, store, starts)
        return {}

    async def progress(_: control.Arguments) -> control.Arguments:
        return msgspec.to_builtins(await progress_of(store))  # type: ignore[no-any-return]

    return {REBUILD: rebuild, PROGRESS: progress}


async def rebuild_here(process: StoreProcess, store: EventStore) -> None:
    """Run a store until it is filled again; the lock of the data directory is held."""
    process.rebuild()
    running = asyncio.create_task(process.run())
    try:
        await started(process, store, 0)
        await show(lambda: progress_of(store))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


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


async def started(process: StoreProcess, store: Asked, starts: int) -> None:
    """Return once a store process that began after `starts` others answers; StoreDown when none does in time."""
    try:
        async with asyncio.timeout(START_WAIT_S):
            while True:
                if process.starts > starts:
                    with contextlib.suppress(StoreDown):
                        await store.health()
                        return
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise StoreDown(f"the store did not start within {START_WAIT_S:g} s; see its log") from None
