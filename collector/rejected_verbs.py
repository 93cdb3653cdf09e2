"""`footfalld rejected ls|show|replay`: the items that were kept aside.

With a running daemon it is asked over the control socket; else the verb runs a store, and for a replay a log, itself.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Protocol

import msgspec

from collector import control
from collector.columns import harmless, write_columns
from collector.errors import CommandError
from collector.wire.problem import RequestError
from collector.wire.rejected import RejectedAnswer, RejectedItem, RejectedParameters
from collector.wire.tracking import Accepted
from storage.query.rejected import RejectedRow

LS = "rejected ls"
SHOW = "rejected show"
REPLAY = "rejected replay"
"""The verbs on the command line and on the control socket."""

PAGE_ITEMS = 50
PIECE_BYTES = 32 * 1024
"""Items, and bytes of one item, that are asked for at once: with either an answer stays far below LINE_BYTES_MAX."""

COLUMNS = ("receipt", "received", "app", "code", "bytes", "reason")


class Desk(Protocol):
    """Where rejected items are looked at and replayed."""

    async def page(self, asked: RejectedParameters) -> RejectedAnswer:
        """Return items, last loaded first."""

    async def kept(self, receipt: str) -> tuple[RejectedRow, bytes | None]:
        """Return one item and its bytes."""

    async def replay(self, receipt: str) -> Accepted:
        """Send it through the door again."""


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    receipt: str
    start: int = 0


class _Piece(msgspec.Struct, frozen=True):
    item: RejectedRow
    raw: bytes | None


def add_verbs(root: "argparse._SubParsersAction[argparse.ArgumentParser]", flags: argparse.ArgumentParser) -> None:
    """Add the verbs to the parser of `footfalld`."""
    rejected = root.add_parser("rejected", aliases=["dlq"], help="items that were kept aside because they are wrong")
    verbs = rejected.add_subparsers(required=True, metavar="VERB")
    ls = verbs.add_parser("ls", parents=[flags], help="list them, last loaded first")
    ls.add_argument("--limit", type=int, default=100, metavar="N", help="at most so many (default: 100)")
    ls.set_defaults(verb=LS)
    show = verbs.add_parser("show", parents=[flags], help="print one, with what was sent")
    show.add_argument("receipt", metavar="RECEIPT")
    show.add_argument("--raw", action="store_true", help="only what was sent, byte for byte")
    show.set_defaults(verb=SHOW)
    replay = verbs.add_parser("replay", parents=[flags], help="send them through the door again")
    replay.add_argument("receipts", metavar="RECEIPT", nargs="+")
    replay.set_defaults(verb=REPLAY)


def rejected_verbs(desk: Desk) -> dict[str, control.Verb]:
    """Return what a running daemon does for `footfalld rejected`."""

    async def ls(arguments: control.Arguments) -> control.Arguments:
        return _members(await desk.page(msgspec.convert(arguments, RejectedParameters)))

    async def show(arguments: control.Arguments) -> control.Arguments:
        asked = msgspec.convert(arguments, _Asked)
        item, raw = await desk.kept(asked.receipt)
        return _members(_Piece(item, None if raw is None else raw[asked.start : asked.start + PIECE_BYTES]))

    async def replay(arguments: control.Arguments) -> control.Arguments:
        return _members(await desk.replay(msgspec.convert(arguments, _Asked).receipt))

    return {LS: ls, SHOW: show, REPLAY: replay}


class DaemonDesk:
    """Asks the daemon that listens on the control socket `path`; ControlError as `control.ask` raises it."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s

    async def page(self, asked: RejectedParameters) -> RejectedAnswer:
        """Return a page."""
        return msgspec.convert(await self._ask(LS, _members(asked)), RejectedAnswer)

    async def kept(self, receipt: str) -> tuple[RejectedRow, bytes | None]:
        """Return one item and its bytes, fetched in pieces."""
        raw = b""
        while True:
            answer = await self._ask(SHOW, {"receipt": receipt, "start": len(raw)})
            piece = msgspec.convert(answer, _Piece)
            if not piece.raw:
                return piece.item, None if piece.raw is None else raw
            raw += piece.raw

    async def replay(self, receipt: str) -> Accepted:
        """Have it replayed."""
        return msgspec.convert(await self._ask(REPLAY, {"receipt": receipt}), Accepted)

    async def _ask(self, verb: str, arguments: control.Arguments) -> control.Arguments:
        return await asyncio.to_thread(control.ask, self._path, verb, arguments, self._timeout_s)


async def run_rejected(arguments: argparse.Namespace, desk: Desk) -> None:
    """Run one of the verbs; CommandError, or the desk's error, when it cannot be done."""
    match arguments.verb:
        case "rejected ls":
            await _list(desk, arguments.limit)
        case "rejected show":
            await _show(desk, arguments.receipt, is_raw=arguments.raw)
        case _:
            await _replay(desk, arguments.receipts)


async def _list(desk: Desk, limit: int) -> None:
    items, cursor, is_more = list[RejectedItem](), None, True
    while is_more and len(items) < limit:
        page = await desk.page(RejectedParameters(limit=min(limit - len(items), PAGE_ITEMS), cursor=cursor))
        items += page.rows
        cursor, is_more = page.next, page.next is not None
    write_columns(COLUMNS, map(_row, items))
    if is_more:
        sys.stderr.write(f"footfalld: there are more than {limit}; ask for more with --limit\n")


def _row(item: RejectedItem) -> tuple[str, ...]:
    received = f"{item.received_at:%Y-%m-%dT%H:%M:%SZ}" if item.received_at else "-"
    size = f"{item.raw_bytes}" if item.has_raw else f"{item.raw_bytes}, not kept"
    return (item.receipt, received, item.app_code or "-", item.code, size, item.reason or "-")


async def _show(desk: Desk, receipt: str, *, is_raw: bool) -> None:
    item, raw = await desk.kept(receipt)
    if is_raw:
        if raw is None:
            raise CommandError(f"the bytes of {receipt} were not kept")
        sys.stdout.buffer.write(raw)
        return
    for name, value in msgspec.to_builtins(item).items():
        sys.stdout.write(f"{name:<12} {'-' if value is None else value}\n")
    if raw is not None:
        sys.stdout.write(f"\n{_harmless(raw)}\n")


def _harmless(raw: bytes) -> str:
    """Return bytes of a stranger as text that no terminal takes for a command."""
    return harmless(raw.decode(errors="backslashreplace"))


async def _replay(desk: Desk, receipts: list[str]) -> None:
    failed = 0
    for receipt in receipts:
        try:
            accepted = await desk.replay(receipt)
        except (RequestError, control.ControlRefused) as error:
            failed += 1
            sys.stderr.write(f"footfalld: {receipt}: {error}\n")
        else:
            sys.stdout.write(f"{receipt} is {accepted.receipt} now\n")
    if failed:
        raise CommandError(f"{failed} of {len(receipts)} could not be replayed; the reasons stand above")


def _members(answer: msgspec.Struct) -> control.Arguments:
    return msgspec.to_builtins(answer)  # type: ignore[no-any-return]
