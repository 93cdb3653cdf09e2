"""`footfall audit`: what happened to accounts, and whether its record is whole, without the UI."""

import argparse

from collector.wire.audit import AuditReport, AuthEvent, AuthEventsAnswer
from console.answers import escaped, read
from console.auth_log import who
from console.client import Client
from console.report import Report
from console.table import table

COLUMNS = ("number", "at", "event", "outcome", "who", "from", "note")


async def audit(client: Client, arguments: argparse.Namespace) -> Report:
    """Return entries, the newest first, or the finding of the check of the whole chain; raises as `Client.get` does."""
    if arguments.action == "verify":
        return await _verify(client, as_json=arguments.json)
    names = ("event", "outcome", "user_id", "peer")
    asked = {name: str(value) for name in names if (value := getattr(arguments, name)) is not None}
    raw = await client.get("admin/auth-events", asked | {"limit": str(arguments.rows_max)})
    if arguments.json:
        return Report(f"{escaped(raw)}\n")
    page = read(raw, AuthEventsAnswer)
    words = () if page.next is None else (f"only {len(page.events)} entries are shown, there may be more: see -n",)
    return Report(table(COLUMNS, [_row(one) for one in page.events]), words)


def _row(one: AuthEvent) -> tuple[str | int, ...]:
    # Whole ids: they are what --user-id and `footfall users show` take.
    whose = who(one, id_length=None)
    return one.number, f"{one.at:%Y-%m-%d %H:%M:%S}", one.event, one.outcome, whose, one.peer, one.note


async def _verify(client: Client, *, as_json: bool) -> Report:
    raw = await client.get("admin/auth-events/check")
    found = read(raw, AuditReport)
    if as_json:
        return Report(f"{escaped(raw)}\n", degraded=found.damage is not None)
    if found.damage is None:
        return Report(f"{found.entries} entries, every one as it was written\n")
    return Report(f"{found.entries} entries are as they were written, then {found.damage}\n", degraded=True)
