"""`footfall pivot`: an application's event by user, and by the values of one of its attrs."""

import argparse
from collections.abc import Mapping

from console.app_commands import app_named, event_named
from console.client import Client
from console.figures import exact
from console.forms import printed
from console.pivot import USER, Pivot, PivotAsked, read_pivot
from console.pivot import pivot as ask_pivot
from console.report import Report
from console.table import Cell


async def pivot(client: Client, arguments: argparse.Namespace, period: Mapping[str, str]) -> Report:
    """Return the pivot; raises as `Client.get` does, UsageError where there is no such application or event."""
    app = await app_named(client, arguments.app)
    event = await event_named(client, app, arguments.event)
    raw = await ask_pivot(client, PivotAsked(app.app_code, event.event_code, arguments.by, arguments.summed), period)
    found = read_pivot(raw)
    return Report(printed(arguments.form, raw, (USER, *found.columns), _cells(found)))


def _cells(found: Pivot) -> list[list[Cell]]:
    return [[row.user, *(_figure(row.figures.get(column)) for column in found.columns)] for row in found.rows]


def _figure(figure: float | None) -> Cell:
    return exact(figure) if isinstance(figure, float) else figure
