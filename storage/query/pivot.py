"""An event by user and by value of an attr (R1)."""

from datetime import datetime

import msgspec

VALUE_LENGTH_MAX = 128
"""Characters by which the values of a pivot are told apart."""


class PivotQuery(msgspec.Struct, frozen=True, kw_only=True, tag="pivot"):
    """The events that any of `labels` names, from `from_time` to before `to_time`, UTC, by user and by value of an attr.

    `by` is the attr whose values are told apart, as texts of up to VALUE_LENGTH_MAX characters, what is longer by its
    beginning; without one there is the value "" alone, which is also that of events that have it not. `sum` is the attr whose integers are added up; without one events are counted.
    """

    app_code: str
    labels: tuple[str, ...]
    by: str | None = None
    sum: str | None = None
    from_time: datetime | None = None
    to_time: datetime | None = None
    users_max: int
    values_max: int


class PivotCell(msgspec.Struct, frozen=True):
    """A user's total of the value at `column`; the user is None of events of nobody, a pseudonym of somebody erased."""

    user_id: str | None
    column: int
    total: int


class Pivot(msgspec.Struct, frozen=True):
    """Totals by user and value, of both those with the greatest totals, which come first.

    A cell without events is not there. There are `users` and `n_values` in all, also those that were too many.
    """

    values: list[str]
    cells: list[PivotCell]
    users: int
    n_values: int
