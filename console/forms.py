"""The forms in which rows are printed: columns for a person, the daemon's JSON, CSV, or a table of Markdown."""

import argparse
import csv
import io
from collections.abc import Sequence
from typing import Literal

from console.answers import escaped
from console.table import Cell, table

Form = Literal["json", "csv", "md"]
FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula."""


def add_forms(target: argparse.ArgumentParser) -> None:
    """Add `form`, which is None for a person."""
    forms = target.add_mutually_exclusive_group()
    words = {"json": "print the daemon's answer as JSON", "csv": "print CSV", "md": "print a table of Markdown"}
    for form, said in words.items():
        forms.add_argument(f"--{form}", dest="form", action="store_const", const=form, help=said)


def printed(form: Form | None, raw: bytes, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return the rows in a form, `raw` being the answer that they were read from. Text must be clean."""
    match form:
        case "json":
            return f"{escaped(raw)}\n"
        case "csv":
            return _csv([columns, *rows])
        case "md":
            return "".join(map(_markdown, [columns, ["---"] * len(columns), *rows]))
        case None:
            return table(columns, rows)


def _csv(rows: Sequence[Sequence[Cell]]) -> str:
    """Return CSV (RFC 4180); a text that would begin a formula has an apostrophe before it."""
    written = io.StringIO()
    csv.writer(written).writerows([_harmless(cell) for cell in row] for row in rows)
    return written.getvalue()


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _markdown(row: Sequence[Cell]) -> str:
    cells = ("" if cell is None else str(cell).replace("\\", "\\\\").replace("|", "\\|") for cell in row)
    return f"| {' | '.join(cells)} |\n"
