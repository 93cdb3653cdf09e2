"""From the dimensions of a breakdown to its statement: the one place where a question changes the text of a query."""

from typing import Annotated, NamedTuple

import msgspec

from storage.duckdb.statement import statement
from storage.query.visits import Dimension

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Column(NamedTuple):
    """What a dimension groups by, and the text that its key shows; a period's texts sort as its times do."""

    group: str
    text: str
    is_period: bool


COLUMNS: dict[Dimension, Column] = {
    "user": Column("user_id", "{}", is_period=False),
    "page": Column("page_url", "{}", is_period=False),
    "hour": Column("date_trunc('hour', occurred_at)", "strftime({}, '%Y-%m-%dT%H:00:00Z')", is_period=True),
    "day": Column("date_trunc('day', occurred_at)", "strftime({}, '%Y-%m-%d')", is_period=True),
    "week": Column("date_trunc('week', occurred_at)", "strftime({}, '%Y-%m-%d')", is_period=True),
    "month": Column("date_trunc('month', occurred_at)", "strftime({}, '%Y-%m')", is_period=True),
}


class BreakdownPlace(msgspec.Struct, frozen=True, array_like=True):
    """The place of a row in its breakdown: all that the order looks at."""

    visits: Count
    keys: list[str | None]

    def parameters(self) -> dict[str, object]:
        """Return the place as parameters of the breakdown's statement."""
        return {"after_visits": self.visits} | {f"after_{index}": key for index, key in enumerate(self.keys)}


def compiled(by: tuple[Dimension, ...]) -> str:
    """Return the statement of a breakdown; its parameters besides the filter's: first, limit and BreakdownPlace's."""
    columns = [COLUMNS[dimension] for dimension in by]
    names = [f"key_{index}" for index in range(len(by))]
    named = list(zip(names, columns, strict=True))
    periods = [name for name, column in named if column.is_period]
    others = [name for name, column in named if not column.is_period]
    place = [*periods, "-visits", *others]
    return statement("breakdown").format(
        periods=", ".join(f"{column.group} AS {name}" for name, column in named),
        groups=", ".join(names),
        keys=", ".join(f"{column.text.format(name)} AS {name}" for name, column in named),
        order=", ".join(place),
        after=", ".join(_after(part) for part in place),
    )


def _after(part: str) -> str:
    return "-$after_visits::BIGINT" if part == "-visits" else f"${part.replace('key', 'after')}::VARCHAR"
