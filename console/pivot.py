"""An event's pivot: what GET /analytics/{app_code}/{event_code} answers, as a table with totals."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from collector.wire.pivot import USER_CODE
from console.answers import decoded
from console.asks import Asks
from console.bars import Amount
from console.errors import AnswerUnreadable
from console.text import clean


class PivotAsked(NamedTuple):
    """Which pivot: its columns are the values of the attr `by`, its figures the sums of `total`; None leaves it to the daemon."""

    app_code: str
    event_code: str
    by: str | None = None
    total: str | None = None

    def parameters(self, period: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters of the request, those of the period among them."""
        chosen = {"by": self.by, "sum": self.total}
        return {name: value for name, value in chosen.items() if value is not None} | dict(period)


class PivotRow(NamedTuple):
    """One user and its figures by value, or what came of nobody known; a value that there is not is not there."""

    user: str | None
    figures: Mapping[str, float]

    @property
    def total(self) -> float:
        """All figures together."""
        return sum(self.figures.values())

    @property
    def amounts(self) -> tuple[Amount, ...]:
        """The figures, the greatest first."""
        return tuple(sorted((Amount(*one) for one in self.figures.items()), key=lambda one: (-one.value, one.name)))


class Pivot(NamedTuple):
    """Rows and columns, which are the values, with the greatest total first; `everyone` is no user but all together."""

    columns: tuple[str, ...]
    rows: tuple[PivotRow, ...]
    everyone: PivotRow


async def pivot(client: Asks, asked: PivotAsked, period: Mapping[str, str]) -> bytes:
    """Return the answer as it came; raises as `Client.get` does."""
    return await client.get(f"analytics/{asked.app_code}/{asked.event_code}", asked.parameters(period))


def read_pivot(raw: bytes) -> Pivot:
    """Return the pivot of an answer.

    Values that are alike once they are clean count together. Raises AnswerUnreadable for what is no pivot.
    """
    try:
        answered = msgspec.convert(decoded(raw), list[dict[str, str | int | float | None]])
    except msgspec.ValidationError as error:
        raise AnswerUnreadable(f"the daemon answered no pivot: {clean(str(error))}") from None
    rows = [_row(members) for members in answered]
    totals: dict[str, float] = {}
    for row in rows:
        for name, figure in row.figures.items():
            totals[name] = totals.get(name, 0) + figure
    whole = PivotRow(None, totals)
    rows.sort(key=lambda row: (-row.total, row.user or ""))
    return Pivot(tuple(one.name for one in whole.amounts), tuple(rows), whole)


def _row(members: Mapping[str, str | float | None]) -> PivotRow:
    figures: dict[str, float] = {}
    for name, figure in members.items():
        if name == USER_CODE or figure is None:
            continue
        if isinstance(figure, str):
            raise AnswerUnreadable(f"the daemon answered a text as the figure of {clean(name)!a}")
        figures[clean(name)] = figures.get(clean(name), 0) + figure
    user = members.get(USER_CODE)
    return PivotRow(None if user is None else clean(str(user)), figures)
