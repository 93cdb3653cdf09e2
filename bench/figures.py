"""What a run has to say: figures beside their baselines and targets, as a table or as JSON."""

import statistics
from collections.abc import Sequence

import msgspec

from bench.tally import Step


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measurement. A ratio of pairs has its median and range; `met` says whether the target was reached."""

    figure: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    ratio_min: float | None = None
    ratio_max: float | None = None
    target: str | None = None
    met: bool | None = None


def compared(figure: str, unit: str, values: Sequence[float], baselines: Sequence[float]) -> Figure:
    """Return medians of paired measurements, and the median and the range of the ratios of the pairs."""
    ratios = [value / baseline for value, baseline in zip(values, baselines, strict=True)]
    return Figure(
        figure=figure,
        value=statistics.median(values),
        unit=unit,
        baseline=statistics.median(baselines),
        ratio=statistics.median(ratios),
        ratio_min=min(ratios),
        ratio_max=max(ratios),
    )


def compared_once(figure: str, unit: str, value: float, baseline: float) -> Figure:
    """Return a measurement over a whole step beside its baseline's."""
    return Figure(figure=figure, value=value, unit=unit, baseline=baseline, ratio=value / baseline)


def aimed(figure: Figure, target: str, *, met: bool) -> Figure:
    """Return the figure with its target."""
    return msgspec.structs.replace(figure, target=target, met=met)


class Report(msgspec.Struct, frozen=True):
    """A whole run: where it ran, with which settings, the figures, and the counts that vouch for them."""

    machine: dict[str, str]
    settings: dict[str, str]
    figures: list[Figure]
    counts: list[Step]


def as_json(report: Report) -> str:
    """Return the report for programs."""
    return msgspec.json.format(msgspec.json.encode(report)).decode()


def as_text(report: Report) -> str:
    """Return the report for people: aligned columns, an empty line between the parts."""
    pairs = [[name, value] for name, value in {**report.machine, **report.settings}.items()]
    figures = [["figure", "value", "baseline", "ratio", "target", ""], *map(_cells, report.figures)]
    counts = [
        [name.replace("_", " ") for name in Step.__struct_fields__],
        *([str(cell) for cell in msgspec.structs.astuple(s)] for s in report.counts),
    ]
    return "\n\n".join(
        _table(rows, right=right) for rows, right in ((pairs, ()), (figures, (1, 2)), (counts, range(1, 6)))
    )


def _cells(figure: Figure) -> list[str]:
    verdict = {True: "ok", False: "short", None: ""}[figure.met]
    baseline = "" if figure.baseline is None else _number(figure.baseline, figure.unit)
    return [figure.figure, _number(figure.value, figure.unit), baseline, _ratio(figure), figure.target or "", verdict]


def _number(value: float, unit: str) -> str:
    digits = 0 if value >= 1000 or isinstance(value, int) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def _ratio(figure: Figure) -> str:
    if figure.ratio is None:
        return ""
    spread = "" if figure.ratio_min is None else f" ({figure.ratio_min:.2f} to {figure.ratio_max:.2f})"
    return f"{figure.ratio:.2f}{spread}"


def _table(rows: Sequence[Sequence[str]], *, right: Sequence[int]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
