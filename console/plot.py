"""A time series as lines of text: filled braille columns, nice ticks, a time axis; pure.

A cell of braille holds two columns of four dots (Unicode, block 2800). A terminal without it gets ASCII.
"""

import itertools
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from console.figures import count

DOTS_X, DOTS_Y = 2, 4
BRAILLE = 0x2800
LEFT = (0x00, 0x40, 0x44, 0x46, 0x47)
RIGHT = (0x00, 0x80, 0xA0, 0xB0, 0xB8)
"""The dots of a column filled from below, by how many there are."""

ASCII = " .:||####"
"""A cell by how many of its eight dots are set."""

AXIS_LINES = 2
LABEL_GAP = 2
ROWS_PER_TICK = 2

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TIME_STEPS = (
    *(n * SECOND for n in (5, 10, 15, 30)),
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 14, 28, 91, 182, 364)),
)


class Series(NamedTuple):
    """Counts of periods of one length, the first from `start` on; times are UTC."""

    start: datetime
    step: timedelta
    values: Sequence[float]

    @property
    def end(self) -> datetime:
        """The end of the last period."""
        return self.start + len(self.values) * self.step


class Plot(NamedTuple):
    """Lines from top to bottom: `axis` stands left of `area`, `foot` below both."""

    axis: list[str]
    area: list[str]
    foot: list[str]


def plot(series: Series, width: int, height: int, *, ascii_only: bool = False) -> Plot:
    """Return the series drawn into `width` x `height` cells, axes included."""
    rows = max(1, height - AXIS_LINES)
    top, step = scale(max(series.values, default=0), max(1, rows // ROWS_PER_TICK))
    labels = _labels(top, step, rows)
    margin = max(map(len, labels)) + 1
    columns = max(1, width - margin)
    # What is more than nothing shows at least one dot.
    heights = (value / top * rows * DOTS_Y for value in _columns(series.values, columns * DOTS_X))
    dots = [max(1, round(height)) if height > 0 else 0 for height in heights]
    axis = [f"{label:>{margin - 1}}{_mark(label, ascii_only=ascii_only)}" for label in labels]
    area = [_row(dots, row, rows, ascii_only=ascii_only) for row in range(rows)]
    return Plot(axis, area, _foot(series, margin, columns, ascii_only=ascii_only))


def scale(most: float, ticks_max: int) -> tuple[float, float]:
    """Return the top of an axis and the step of its ticks: 1, 2 or 5 times a power of ten, whole numbers."""
    step = 1.0
    while math.ceil(max(most, 1) / step) > ticks_max:
        # 1, 2, 5, 10, ...: the leading digit says what comes next.
        step *= 2.5 if str(step)[0] == "2" else 2
    return math.ceil(max(most, 1) / step) * step, step


def _labels(top: float, step: float, rows: int) -> list[str]:
    labels = [""] * rows
    value = top
    while value > 0:
        labels[min(rows - 1, rows - round(value / top * rows))] = count(value)
        value -= step
    return labels


def _mark(label: str, *, ascii_only: bool) -> str:
    if ascii_only:
        return "+" if label else "|"
    return "┤" if label else "│"


def _columns(values: Sequence[float], columns: int) -> list[float]:
    """Return the height of each column of dots: the greatest value of those that fall into it, so that peaks stay."""
    periods = len(values)
    if not periods:
        return [0.0] * columns
    begins = [column * periods // columns for column in range(columns + 1)]
    return [max(values[begin : max(end, begin + 1)]) for begin, end in itertools.pairwise(begins)]


def _row(dots: Sequence[int], row: int, rows: int, *, ascii_only: bool) -> str:
    below = (rows - 1 - row) * DOTS_Y
    filled = [min(DOTS_Y, max(0, height - below)) for height in dots]
    pairs = zip(filled[::2], filled[1::2], strict=True)
    if ascii_only:
        return "".join(ASCII[left + right] for left, right in pairs)
    return "".join(chr(BRAILLE | LEFT[left] | RIGHT[right]) if left or right else " " for left, right in pairs)


def _foot(series: Series, margin: int, columns: int, *, ascii_only: bool) -> list[str]:
    corner, line, tick = ("+", "-", "+") if ascii_only else ("└", "─", "┬")
    ruler, labels = [line] * columns, [" "] * columns
    for at, label in _times(series, columns):
        if len(label) > columns:
            continue
        ruler[at] = tick
        begin = max(0, min(at - len(label) // 2, columns - len(label)))
        labels[begin : begin + len(label)] = label
    return [" " * (margin - 1) + corner + "".join(ruler), " " * margin + "".join(labels)]


def _times(series: Series, columns: int) -> list[tuple[int, str]]:
    span = series.end - series.start
    step = next((one for one in TIME_STEPS if _fits(one, span, columns)), None)
    if step is None or not series.values:
        return []
    midnight = datetime(series.start.year, 1, 1, tzinfo=UTC)
    at = midnight + math.ceil((series.start - midnight) / step) * step
    ticks = []
    while at < series.end:
        ticks.append((int((at - series.start) / span * columns), _time(at, step)))
        at += step
    return ticks


def _fits(step: timedelta, span: timedelta, columns: int) -> bool:
    return bool(span) and step / span * columns >= len(_time(datetime(2026, 1, 1, tzinfo=UTC), step)) + LABEL_GAP


def _time(at: datetime, step: timedelta) -> str:
    if step < MINUTE:
        return f"{at:%H:%M:%S}"
    return f"{at:%H:%M}" if step < DAY else f"{at:%b} {at.day:2}"
