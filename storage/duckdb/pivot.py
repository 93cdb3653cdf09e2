"""The events of one definition by user and by value of an attr (R1), read with a reader's cursor."""

from collections.abc import Mapping

from storage.duckdb.receipts import Rows
from storage.duckdb.statement import statement
from storage.query.pivot import VALUE_LENGTH_MAX, Pivot, PivotCell, PivotQuery


def pivot(rows: Rows, query: PivotQuery, times: Mapping[str, object]) -> Pivot:
    """Return the cells; `times` are the range's as the store keeps them."""
    parameters: dict[str, object] = {
        **times,
        "app_code": query.app_code,
        "labels": list(query.labels),
        "by": _pointer(query.by),
        "sum": _pointer(query.sum),
        "users_max": query.users_max,
        "values_max": query.values_max,
        "length_max": VALUE_LENGTH_MAX,
    }
    found = rows(statement("pivot"), parameters)
    headings = [row for row in found if row[0] == 0]
    cells = [PivotCell(user, column - 1, total) for place, column, user, total, _ in found if place]
    users, values = headings[0][-2:] if headings else (0, 0)
    return Pivot([text for _, _, text, *_ in headings], cells, users, values)


def _pointer(attr: str | None) -> str | None:
    """Return the JSON pointer of a member, whatever its name (RFC 6901, 3)."""
    return None if attr is None else "/" + attr.replace("~", "~0").replace("/", "~1")
