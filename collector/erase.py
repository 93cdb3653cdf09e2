"""`footfalld erase`: an account goes, and what a user or a visitor did is taken out of log, archive and statistics.

With a running daemon it is asked over the control socket and tracking goes on; else the verb runs a store itself.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from collector import control
from collector.errors import CommandError
from collector.identity.erasure import ErasingStore, Erasure
from collector.identity.origin import HERE
from collector.store_process import LOOK_S, START_WAIT_S, StoreProcess
from storage.errors import StoreDown
from storage.event import BUILT_IN_APP
from storage.health import StoreHealth
from storage.query.erasure import LogPlace, Person

ERASE = "erase"
PROGRESS = "erase progress"
"""The verbs on the control socket: the second is asked until nothing is left."""

EVER = 2**62
"""Behind every offset."""


class ToldStore(ErasingStore, Protocol):
    """A store that also says how far it is."""

    async def health(self) -> StoreHealth:
        """Return, among others, how many identifiers are being erased."""


class SealedLog(Protocol):
    """What erasing needs of the log that is being written."""

    log_id: str

    async def seal(self) -> int:
        """End the open segment, so that it can be archived, and return the offset that the next one begins with."""


def add_verb(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", flags: argparse.ArgumentParser) -> None:
    """Add `erase` to the command line."""
    erase = verbs.add_parser(ERASE, parents=[flags], help="take what somebody did out of log, archive and statistics")
    who = erase.add_mutually_exclusive_group(required=True)
    who.add_argument("--user-id", metavar="ID", help="a user with its account, and the visitors that are theirs")
    who.add_argument("--visitor-id", metavar="ID", help="a visitor (anonymous_id) who never signed in")
    erase.add_argument("--app-code", metavar="CODE", default=BUILT_IN_APP, help=f"whose (default: {BUILT_IN_APP})")
    erase.add_argument("--yes", action="store_true", help="do not ask: it cannot be undone")
    erase.set_defaults(verb=ERASE)


def person_of(arguments: argparse.Namespace, ask: Callable[[str], str]) -> Person:
    """Return who is meant, once somebody typed the identifier again or said --yes; CommandError otherwise."""
    person = Person(arguments.app_code, arguments.user_id, arguments.visitor_id)
    identifier = person.user_id or person.anonymous_id
    if not identifier:
        raise CommandError("the identifier is empty")
    if not arguments.yes and ask(f"This cannot be undone. Type {identifier!a} to go on: ") != identifier:
        raise CommandError("that is another identifier; nothing was erased")
    return person


def end_of(log: SealedLog) -> Callable[[], Awaitable[LogPlace]]:
    """Return what ends the log's open segment and says where that is."""

    async def end() -> LogPlace:
        return LogPlace(log.log_id, await log.seal())

    return end


def end_of_all(log_ids: Sequence[str]) -> Callable[[], Awaitable[LogPlace]]:
    """Return what says where all logs end, none of which is being written."""

    async def end() -> LogPlace:
        return LogPlace(log_ids[-1], EVER)

    return end


def erase_verbs(erasure: Erasure, store: ToldStore) -> dict[str, control.Verb]:
    """Return what a running daemon does for `footfalld erase`."""

    async def erase(arguments: control.Arguments) -> control.Arguments:
        await erasure.erase(msgspec.convert(arguments, Person), HERE)
        return {}

    async def progress(_: control.Arguments) -> control.Arguments:
        return {"left": erasure.owed + await _left(store)}

    return {ERASE: erase, PROGRESS: progress}


async def erase_here(person: Person, erasure: Erasure, store: ToldStore, process: StoreProcess | None) -> None:
    """Erase the account if there is one, and with a store process what the person did; raises as `Erasure` does.

    The lock of the data directory is held, every log has ended. Without a log there is nothing for a store to do.
    """
    user_id = await erasure.account_of(person)
    if user_id is not None:
        await erasure.remove(user_id, HERE)
    if process is not None:
        async with process.running():
            await (erasure.erase(person, HERE) if user_id is None else erasure.erase_person(person))
            await _until_none(lambda: _left(store))


async def erase_there(person: Person, path: Path, timeout_s: float) -> None:
    """Have the daemon that listens on `path` erase the person; ControlError as `control.ask` raises it."""
    arguments = msgspec.to_builtins(person)
    await asyncio.to_thread(control.ask, path, ERASE, arguments, START_WAIT_S + timeout_s)

    async def left() -> int:
        answer = await asyncio.to_thread(control.ask, path, PROGRESS, {}, timeout_s)
        return msgspec.convert(answer["left"], int)

    await _until_none(left)


async def _left(store: ToldStore) -> int:
    try:
        return (await store.health()).erasing
    except StoreDown:
        return 1  # it is being started again, and goes on with the erasure


async def _until_none(left: Callable[[], Awaitable[int]]) -> None:
    while True:
        if not await left():
            return
        await asyncio.sleep(LOOK_S)
