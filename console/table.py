"""Rows as aligned columns of text, one row a line."""

import unicodedata
from collections.abc import Sequence

GAP = "  "
ABSENT = "-"

Cell = str | int | None


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a heading and the rows, each line ended; numbers stand right, None is shown as `-`. Text must be clean."""
    lines = [list(columns), *([ABSENT if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(_width(line[at]) for line in lines) for at in range(len(columns))]
    right = [all(isinstance(row[at], int) for row in rows) and bool(rows) for at in range(len(columns))]
    return "".join(f"{_joined(line, widths, right)}\n" for line in lines)


def fields(pairs: Sequence[tuple[str, str]]) -> str:
    """Return a name and its value a line, the values aligned. Text must be clean."""
    width = max(_width(name) for name, _ in pairs)
    return "".join(f"{_padded(name, width, right=False)}{GAP}{value}\n" for name, value in pairs)


def _joined(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = (_padded(text, width, right=at) for text, width, at in zip(line, widths, right, strict=True))
    return GAP.join(cells).rstrip()


def _padded(text: str, width: int, *, right: bool) -> str:
    blank = " " * (width - _width(text))
    return blank + text if right else text + blank


def _width(text: str) -> int:
    """Return how many cells of a terminal the text takes (UAX #11; combining marks take none)."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
