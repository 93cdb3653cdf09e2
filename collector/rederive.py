"""`footfalld rederive`: what is derived of stored events is derived again, by the rules of this program.

With a running daemon it is asked over the control socket and tracking goes on; else the verb runs a store itself.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec.structs import replace

from collector import control
from collector.columns import harmless, write_columns
from collector.store_process import StoreProcess
from storage.query.rederivation import Rederived

REDERIVE = "rederive"
"""The verb on the command line and on the control socket."""

WAIT_S = 3600.0
"""How long the answer may take."""

COUNTS_MAX, VALUE_CHARS_MAX = 100, 80
"""Differences that are told, the largest first, and characters of each: they have to fit the line of the control socket."""

COLUMNS = ("of", "value", "before", "after")


class RederivableStore(Protocol):
    """A store that derives again what it has."""

    async def rederive(self, *, is_dry_run: bool) -> Rederived:
        """Return what became different, or would."""


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    is_dry_run: bool


def add_verb(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", flags: argparse.ArgumentParser) -> None:
    """Add `rederive` to the command line."""
    rederive = verbs.add_parser(
        REDERIVE, parents=[flags], help="derive browsers, channels and filters of what is stored again"
    )
    rederive.add_argument("--dry-run", action="store_true", help="only say what would be different")
    rederive.set_defaults(verb=REDERIVE)


def rederive_verbs(store: RederivableStore) -> dict[str, control.Verb]:
    """Return what a running daemon does for `footfalld rederive`."""

    async def rederive(arguments: control.Arguments) -> control.Arguments:
        asked = msgspec.convert(arguments, _Asked)
        return msgspec.to_builtins(_largest(await store.rederive(is_dry_run=asked.is_dry_run)))  # type: ignore[no-any-return]

    return {REDERIVE: rederive}


async def rederive_here(store: RederivableStore, process: StoreProcess, *, is_dry_run: bool) -> None:
    """Run a store for it; the lock of the data directory is held."""
    async with process.running():
        _show(_largest(await store.rederive(is_dry_run=is_dry_run)), is_dry_run=is_dry_run)


async def rederive_there(path: Path, *, is_dry_run: bool) -> None:
    """Have the daemon that listens on `path` do it; ControlError as `control.ask` raises it."""
    answer = await asyncio.to_thread(control.ask, path, REDERIVE, {"is_dry_run": is_dry_run}, WAIT_S)
    _show(msgspec.convert(answer, Rederived), is_dry_run=is_dry_run)


def _largest(rederived: Rederived) -> Rederived:
    counts = sorted(rederived.counts, key=lambda one: -abs(one.after - one.before))[:COUNTS_MAX]
    told = [replace(one, value=one.value[:VALUE_CHARS_MAX]) for one in counts]
    return Rederived(rederived.version, sorted(told, key=lambda one: (one.dimension, one.value)))


def _show(rederived: Rederived, *, is_dry_run: bool) -> None:
    rows = ((one.dimension, harmless(one.value), str(one.before), str(one.after)) for one in rederived.counts)
    if rederived.counts:
        write_columns(COLUMNS, rows)
    done = "nothing was changed yet" if is_dry_run else "done"
    sys.stdout.write(f"{len(rederived.counts)} counts differ by the rules {rederived.version}; {done}\n")
