"""What the pivot of an event takes and answers: GET /analytics/{app_code}/{event_code} (R1)."""

from collector.wire.apps import AttrName
from collector.wire.statistics import Range

PIVOT_USERS_MAX = 1000
PIVOT_VALUES_MAX = 50
"""Rows, and columns besides the user's; those with the greatest totals."""

USER_CODE = "user_code"
TOTAL = "total"
"""The member of a row that says whose it is, and the one of its total where no attr's values are told apart."""


class PivotParameters(Range, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`by` is a string attr of the event and `sum` an integer one, the first of it unless told."""

    by: AttrName | None = None
    sum: AttrName | None = None


def column(value: str) -> str:
    """Return the member that a value's totals stand under: one that looks like USER_CODE gets an underscore more."""
    return value + "_" if value.rstrip("_") == USER_CODE else value
