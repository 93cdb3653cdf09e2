"""Taking erased people out of what is loaded and out of what is stored (rule R12); no event passes through Python."""

from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import NamedTuple

from duckdb import DuckDBPyConnection

from storage.crashpoint import reached
from storage.duckdb.statement import statement
from storage.enrichment.mark import mark_of_texts
from storage.enrichment.rules import Rules
from storage.filesystem import LOCAL
from storage.named import named_in, senders
from storage.query.erasure import LogPlace, Person
from storage.suppression import ERASED_TEXT, NAMED_SUFFIX, Erased, Finder, Suppression

BATCH = {"rows": "batch", "log_id": "$log_id", "derived": "user_agent = NULL, landing = NULL"}
STORED = {
    "rows": "events",
    "log_id": "line.log_id",
    # Whether an event counts stays as it was.
    "derived": "agent_id = NULL, arrival_id = NULL",
}
"""What stands in the braces of the statements."""

RAWS_AT_ONCE = 1_000
"""Rejected items in memory."""

VISITOR, AS_USER = "'/visitor/' || line.anonymous_id", "'/user/' || line.anonymous_id"
"""A client may give a user's id for the visitor's: Segment's alias does, of somebody who had another user id before."""

MEANT = f"coalesce('/user/' || line.user_id, {VISITOR})"

STATEMENTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("erase_rows", {"whose": MEANT, "suffix": ""}),
    ("erase_rows", {"whose": f"CASE WHEN line.user_id IS NULL THEN {AS_USER} END", "suffix": NAMED_SUFFIX}),
    ("erase_visitors", {"whose": VISITOR}),
    ("erase_visitors", {"whose": AS_USER}),
    ("erase_claims", {}),
)
"""What cleans events, stored or staged, and by whom it knows that they are meant."""


class Raws(NamedTuple):
    """Where rejected items are: a table, what its columns begin with, and their log where the table does not say it."""

    rows: str
    prefix: str
    log_id: str | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """What stands for the log."""
        return {} if self.log_id is None else {"log_id": self.log_id}

    def text(self, name: str) -> str:
        """Return the statement of this name over them."""
        log_id = "log_id" if self.log_id is None else "$log_id"
        columns = {"raw": f"{self.prefix}raw", "code": f"{self.prefix}code", "reason": f"{self.prefix}reason"}
        return statement(name).format(rows=self.rows, log_id=log_id, **columns)


def erase_staged(
    connection: DuckDBPyConnection, suppression: Suppression, rules: Rules, log_id: str, from_offset: int
) -> None:
    """Take out of the staged batch whoever was erased before its lines were loaded again.

    Not whose erasure is under way: until it ends the store has to know which visitors are theirs. What the rules keep
    out of statistics is marked first.
    """
    entries = [entry for entry in suppression.concerning(log_id, from_offset) if entry.done_at is not None]
    if entries:
        _name(connection, entries)
        _mark(connection, suppression, rules, log_id)
        for name, parts in STATEMENTS:
            text = statement(name).format(**parts, **BATCH)
            connection.execute(text, _used(text, suppression) | {"log_id": log_id})
        connection.execute("DROP TABLE erased")
        _erase_raws(connection, suppression.finder(entries), Raws("batch", "rejected_", log_id))


def erase_stored(connection: DuckDBPyConnection, suppression: Suppression, entries: Iterable[Erased]) -> None:
    """Take these out of every table; one transaction."""
    connection.begin()
    _name(connection, entries)
    for name, parts in STATEMENTS:
        text = statement(name).format(**parts, **STORED)
        connection.execute(text, _used(text, suppression))
    connection.execute(statement("erase_owners"), {"key": suppression.key})
    for table in ("agent", "arrival"):
        connection.execute(statement("erase_texts").format(table=table))
    connection.execute("DROP TABLE erased")
    _erase_raws(connection, suppression.finder(entries), Raws("rejected", ""))
    connection.commit()
    reached("rows_erased")


def visitors_of(connection: DuckDBPyConnection, suppression: Suppression, entries: Iterable[Erased]) -> list[Erased]:
    """Return entries for the visitors that belong to users among `entries`."""
    _name(connection, entries)
    rows = connection.execute(statement("visitors_of_erased"), {"key": suppression.key}).fetchall()
    connection.execute("DROP TABLE erased")
    return [
        Erased(
            digest=suppression.digest(Person(app_code, None, anonymous_id)),
            pseudonym=pseudonym,
            until=LogPlace(until_log_id, until_offset),
            erased_at=erased_at.replace(tzinfo=UTC),
        )
        for app_code, anonymous_id, pseudonym, until_log_id, until_offset, erased_at in rows
    ]


def copy_database(connection: DuckDBPyConnection, name: str, copy: Path) -> None:
    """Write all that database `name` holds into a new file, durably; what a crash left of an earlier copy goes first."""
    for leftover in (copy, copy.with_name(f"{copy.name}.wal")):
        leftover.unlink(missing_ok=True)
    quoted = str(copy.absolute()).replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS fresh")
    connection.execute(f'COPY FROM DATABASE "{name}" TO fresh')
    reached("database_copied")
    connection.execute("CHECKPOINT fresh")
    connection.execute("DETACH fresh")
    reached("copy_durable")


def replace_database(path: Path, copy: Path) -> None:
    """Put the copy under the name of the database, which is closed; durably."""
    # First the old file's own log: it must never be replayed on the new one.
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    LOCAL.sync_directory(path.parent)
    reached("database_log_removed")
    copy.rename(path)
    reached("database_replaced")
    LOCAL.sync_directory(path.parent)


def _mark(connection: DuckDBPyConnection, suppression: Suppression, rules: Rules, log_id: str) -> None:
    """Mark those of the staged events that a load would mark, and that are about to lose what tells so."""
    text = statement("erase_told").format(**BATCH, meant=MEANT, as_user=AS_USER)
    told = connection.execute(text, {"key": suppression.key, "log_id": log_id}).fetchall()
    marked = [
        {"user_agent": user_agent, "landing": landing, "mark": mark}
        for user_agent, landing in told
        if (mark := mark_of_texts(rules, user_agent, landing)) is not None
    ]
    if marked:
        connection.execute(statement("erase_marks"), {"marked": marked})


def _erase_raws(connection: DuckDBPyConnection, find: Finder, raws: Raws) -> None:
    """Take the bytes of rejected items that name one of the people, or that they sent; code and receipt stay.

    Python reads them, as it does those of the archive: one rule says what names somebody. There are no more of them
    than `rejected_bytes_max`.
    """
    found = connection.execute(raws.text("raws"), raws.parameters)
    named = []
    while some := found.fetchmany(RAWS_AT_ONCE):
        for log_id, offset, *told in some:
            if find(LogPlace(log_id, offset), _people_of(*told)):
                named.append({"log_id": log_id, "offset": offset})
    if named:
        connection.execute(raws.text("erase_raws"), raws.parameters | {"named": named})


def _people_of(app_code: str | None, sent: str, user_id: str | None, anonymous_id: str | None) -> list[Person]:
    known = [] if app_code is None else senders(app_code, user_id, anonymous_id)
    return known + named_in(sent, app_code)


def _name(connection: DuckDBPyConnection, entries: Iterable[Erased]) -> None:
    connection.execute(statement("erased"))
    rows = [
        (one.digest, one.pseudonym, one.until.log_id, one.until.offset, one.erased_at.replace(tzinfo=None))
        for one in entries
    ]
    connection.executemany("INSERT INTO erased VALUES ($1, $2, $3, $4, $5)", rows)


def _used(text: str, suppression: Suppression) -> dict[str, object]:
    given = {"key": suppression.key, "erased_text": ERASED_TEXT}
    return {name: value for name, value in given.items() if f"${name}" in text}
