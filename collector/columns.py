"""Rows of text in columns, as the verbs of `footfalld` print them."""

import sys
from collections.abc import Iterable, Sequence


def harmless(text: str) -> str:
    """Return a stranger's text as one that no terminal takes for a command."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def write_columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print the rows below their head, each column as wide as its widest cell."""
    table = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
