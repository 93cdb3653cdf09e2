"""`footfall pivot`: an application's event by user, and by the values of one of its attrs."""

import argparse
from collections.abc import Mapping

from collector.wire.pivot import PIVOT_USERS_MAX, PIVOT_VALUES_MAX, USER_CODE
from console.app_commands import app_named, event_named
from console.client import Client
from console.figures import exact
from console.forms import printed
from console.pivot import Pivot, PivotAsked, read_pivot
from console.pivot import pivot as ask_pivot
from console.report import Report
from console.table import Cell


async def pivot(client: Client, arguments: argparse.Namespace, period: Mapping[str, str]) -> Report:
    """Return the pivot; raises as `Client.get` does, UsageError where there is no such application or event."""
    app = await app_named(client, arguments.app)
    event = await event_named(client, app, arguments.event)
    raw = await ask_pivot(client, PivotAsked(app.app_code, event.event_code, arguments.by, arguments.summed), period)
    found = read_pivot(raw)
    return Report(printed(arguments.form, raw, (USER_CODE, *found.columns), _cells(found)), _cut(found))


def _cut(found: Pivot) -> tuple[str, ...]:
    """Return what may be left out: the daemon answers so many rows and columns at most."""
    counts = (("users", len(found.rows), PIVOT_USERS_MAX), ("values", len(found.columns), PIVOT_VALUES_MAX))
    return tuple(
        f"only the {most} {what} with the greatest totals are shown" for what, there, most in counts if there >= most
    )


def _cells(found: Pivot) -> list[list[Cell]]:
    return [[row.user, *(_figure(row.figures.get(column)) for column in found.columns)] for row in found.rows]


def _figure(figure: float | None) -> Cell:
    return exact(figure) if isinstance(figure, float) else figure
