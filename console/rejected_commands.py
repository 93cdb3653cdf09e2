"""`footfall rejected`: what was kept aside, and its replay, without the UI and from any machine."""

import argparse
from collections.abc import Sequence

from collector.wire.rejected import RejectedAnswer, RejectedItem
from console.answers import escaped, read
from console.client import Client
from console.forms import printed
from console.rejected import RejectedAsked, Replayed, fields_of, replay, report
from console.report import Report
from console.table import Cell, fields

COLUMNS = ("receipt", "received", "app", "code", "bytes", "reason")


async def rejected(client: Client, arguments: argparse.Namespace) -> Report:
    """Return a list, one item, or what became of a replay; degraded where any was refused. Raises as `Client.get` does."""
    match arguments.action:
        case "ls":
            return await _list(client, arguments)
        case "show":
            return await _show(client, arguments.receipt, as_json=arguments.json)
        case _:
            return _replayed(await replay(client, arguments.receipts))


async def _list(client: Client, arguments: argparse.Namespace) -> Report:
    asked = RejectedAsked(arguments.app, arguments.code)
    raw = await client.get("admin/rejected", asked.parameters(None, arguments.rows_max))
    page = read(raw, RejectedAnswer)
    words = () if page.next is None else (f"only {len(page.rows)} items are shown, there are more: see -n",)
    return Report(printed(arguments.form, raw, COLUMNS, [_row(one) for one in page.rows]), words)


def _row(item: RejectedItem) -> Sequence[Cell]:
    received = f"{item.received_at:%Y-%m-%d %H:%M:%S}" if item.received_at else None
    return item.receipt, received, item.app_code, item.code, item.raw_bytes, item.reason


async def _show(client: Client, receipt: str, *, as_json: bool) -> Report:
    if as_json:
        return Report(f"{escaped(await client.get(f'admin/rejected/{receipt}'))}\n")
    return Report(fields(fields_of(await report(client, receipt))))


def _replayed(found: list[Replayed]) -> Report:
    good = [f"{one.receipt} is {one.accepted.receipt} now: {one.accepted.status}\n" for one in found if one.accepted]
    words = tuple(f"{one.receipt}: {one.refusal}" for one in found if one.refusal)
    return Report("".join(good), words, degraded=bool(words))
