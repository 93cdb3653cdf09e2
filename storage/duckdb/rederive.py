"""Deriving what is stored again, by the rules of this program: what a store filled anew would have."""

from collections.abc import Callable

from duckdb import DuckDBPyConnection

from storage.duckdb.enrich import agent_rows, arrival_rows
from storage.duckdb.statement import Row, statement
from storage.enrichment.rules import Rules
from storage.event import FILTERED_AT_DOOR
from storage.query.rederivation import Rederived, RederivedCount

TEXTS_AT_ONCE = 10_000
"""Texts in memory."""

Derive = Callable[[Rules, list[Row]], list[dict[str, object]]]
TABLES: dict[str, tuple[str, Derive]] = {"agent": ("user_agent", agent_rows), "arrival": ("landing", arrival_rows)}
"""Each with the text that its rows are derived of."""


def rederive(connection: DuckDBPyConnection, rules: Rules, *, is_dry_run: bool) -> Rederived:
    """Return what became different; one transaction, which a dry run takes back. The caller rolls back after any error."""
    connection.begin()
    before = _counts(connection)
    for table in TABLES:
        _derive(connection, rules, table)
    connection.execute(statement("rederive_marks").format(at_door=FILTERED_AT_DOOR))
    after = _counts(connection)
    if is_dry_run:
        connection.rollback()
    else:
        connection.commit()
    changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return Rederived(rules.version, [RederivedCount(*key, before.get(key, 0), after.get(key, 0)) for key in changed])


def _derive(connection: DuckDBPyConnection, rules: Rules, table: str) -> None:
    text, derive = TABLES[table]
    texts = statement("rederive_texts").format(table=table, text=text)
    last = 0
    while rows := connection.execute(texts, {"after": last, "limit": TEXTS_AT_ONCE}).fetchall():
        connection.execute(statement(f"rederive_{table}s"), {"rows": derive(rules, [row[:2] for row in rows])})
        last = rows[-1][2]


def _counts(connection: DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Return the events by dimension and value, `-` for none."""
    rows = connection.execute(statement("rederive_counts")).fetchall()
    return {(dimension, value): count for dimension, value, count in rows}
