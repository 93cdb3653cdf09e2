"""Named amounts as horizontal bars, one a line; pure."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from console.figures import count

EIGHTHS = " ▏▎▍▌▋▊▉█"
"""A cell by how many of its eighths are filled from the left (Unicode, block 2580)."""

LABEL_PART = 3
"""A label takes at most this part of the width."""


class Amount(NamedTuple):
    """A clean name and how much it has."""

    name: str
    value: float


class BarLine(NamedTuple):
    """A line: `name` and `value` as wide as those of the other lines, `bar` what stands between."""

    name: str
    bar: str
    value: str


def bars(amounts: Sequence[Amount], width: int, height: int, *, ascii_only: bool = False) -> list[BarLine]:
    """Return at most `height` lines of `width` cells; the last one says how many have no line, if any.

    The greatest amount has the longest bar; what is less than nothing has none.
    """
    drawn = amounts if len(amounts) <= height else amounts[: max(0, height - 1)]
    values = [count(one.value) for one in drawn]
    value_width = max(map(len, values), default=0)
    name_width = min(width // LABEL_PART, max((cell_len(one.name) for one in drawn), default=0))
    room = max(0, width - name_width - value_width - 2)
    most = max((one.value for one in drawn), default=0)
    lines = [
        BarLine(
            _named(one.name, name_width), _bar(one.value, most, room, ascii_only=ascii_only), f"{text:>{value_width}}"
        )
        for one, text in zip(drawn, values, strict=True)
    ]
    left = len(amounts) - len(drawn)
    return [*lines, BarLine(f"{left} more", "", "")] if left and height else lines


def _named(name: str, width: int) -> str:
    return name + " " * (width - cell_len(name)) if cell_len(name) <= width else set_cell_size(name, width - 1) + "…"


def _bar(value: float, most: float, room: int, *, ascii_only: bool) -> str:
    # What is more than nothing shows at least an eighth.
    eighths = max(1, round(value / most * room * 8)) if value > 0 else 0
    whole, rest = divmod(eighths, 8)
    if ascii_only:
        return ("#" * (whole + (rest > 0))).ljust(room)
    return (EIGHTHS[-1] * whole + (EIGHTHS[rest] if rest else "")).ljust(room)
