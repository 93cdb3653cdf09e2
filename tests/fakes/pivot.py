"""The pivot in plain Python, event by event."""

import json
from collections import Counter, defaultdict

from storage.query.pivot import VALUE_LENGTH_MAX, Pivot, PivotCell, PivotQuery
from tests.fakes.stored import Stored

User = str | None


def pivot(stored: list[Stored], query: PivotQuery) -> Pivot:
    totals: dict[tuple[User, str], int] = defaultdict(int)
    for row in stored:
        if _matches(row, query):
            attrs = row.event.attrs or {}
            totals[row.event.user_id, _value(attrs, query.by)] += _amount(attrs, query.sum)
    users, values = Counter[User](), Counter[str]()
    for (user, value), total in totals.items():
        users[user] += total
        values[value] += total
    by_user = sorted(users, key=lambda user: (-users[user], user is None, user or ""))
    by_value = sorted(values, key=lambda value: (-values[value], value))
    shown = by_value[: query.values_max]
    cells = [
        PivotCell(user, column, min(totals[user, value], 2**63 - 1))
        for user in by_user[: query.users_max]
        for column, value in enumerate(shown)
        if (user, value) in totals
    ]
    return Pivot(shown, cells, len(users), len(values))


def _matches(row: Stored, query: PivotQuery) -> bool:
    return (
        row.event.app_code == query.app_code
        and row.event.source_label in query.labels
        and (query.from_time is None or row.occurred_at >= query.from_time)
        and (query.to_time is None or row.occurred_at < query.to_time)
    )


def _value(attrs: dict[str, object], by: str | None) -> str:
    value = None if by is None else attrs.get(by)
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text[:VALUE_LENGTH_MAX]


def _amount(attrs: dict[str, object], name: str | None) -> int:
    if name is None:
        return 1
    value = attrs.get(name)
    return value if type(value) is int and -(2**63) <= value < 2**63 else 0
