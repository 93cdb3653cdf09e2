"""The days that a batch names, as few ranges: what the search for repeats has to read."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise


def day_ranges(days: Sequence[date], ranges_max: int) -> list[tuple[date, date]]:
    """Return at most `ranges_max` ranges, ends included, that hold all of the ascending `days`.

    Neighbouring days share a range; where there are too many, the smallest gaps are closed.
    """
    gaps = [(later - earlier, index) for index, (earlier, later) in enumerate(pairwise(days), 1)]
    wide = sorted(gap for gap in gaps if gap[0] > timedelta(days=1))
    splits = sorted(index for _, index in wide[-(ranges_max - 1) :]) if ranges_max > 1 else []
    bounds = pairwise([0, *splits, len(days)])
    return [(days[first], days[end - 1]) for first, end in bounds if end > first]
