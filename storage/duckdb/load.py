"""One load: the lines of a range of a log, and the ledger row that says so, in one transaction (rules R7 and R11)."""

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from duckdb import DuckDBPyConnection

from storage.crashpoint import reached
from storage.duckdb.enrich import STAGING, Enrichment, enrich_staged
from storage.duckdb.erase import erase_staged
from storage.duckdb.statement import statement
from storage.errors import StorageError
from storage.event import CLOCK_SKEW_S
from storage.ports import LogRange
from storage.query.rejected import UNREADABLE
from storage.suppression import Suppression

PROMPT_S = 600
"""An event that is received so long after its client's time, or later, is looked for in the table `untimely`."""

CLOCK = {"clock_skew_us": CLOCK_SKEW_S * 1_000_000, "prompt_us": PROMPT_S * 1_000_000}


class LinesWrong(StorageError):
    """The lines are not those of the range."""


class Staged(NamedTuple):
    """What the staged lines hold; the last three are about ids that clients chose.

    `earliest_without_time` is when the first line without a client's time was received.
    """

    lines: int
    offsets: int
    first_offset: int | None
    last_offset: int | None
    has_rejected: bool
    has_signed_in: bool
    has_untimely: bool
    has_timely_ids: bool
    has_untimely_ids: bool
    earliest_without_time: datetime | None


class LedgerEnd(NamedTuple):
    """Where the ledger ends: its last position, and the last row of one log (0, -1, 0, 0 where there is none)."""

    position: int
    log_position: int
    to_offset: int
    segment: int
    byte_end: int


def load(
    connection: DuckDBPyConnection,
    batch: LogRange,
    lines: Path,
    *,
    since_position: int,
    loaded_at: datetime,
    suppression: Suppression,
    enrichment: Enrichment,
    rejected_bytes_max: int,
    one_by_one: bool,
) -> int:
    """Store the range and return its position; the caller rolls back after any error.

    `one_by_one`: a line that cannot be read is rejected, else it is an error; this takes up to 10 times as long. Of
    rejected items `rejected_bytes_max` bytes are kept in all.

    `since_position` is not behind the last ledger row of the range's log. `loaded_at` is UTC without a zone.

    Raises:
        StorageError: the range does not follow what is loaded.
        LinesWrong: the lines are not the range's.
        duckdb.Error: the database refused, maybe after a durable commit.
    """
    connection.begin()
    reached("load_begun")
    end = _ledger_end(connection, batch, since_position)
    _stage(connection, batch, lines, one_by_one=one_by_one)
    staged = Staged(*_row(connection.execute(statement("staged"))))
    _check_offsets(batch, staged)
    erase_staged(connection, suppression, enrichment.rules, batch.log_id, batch.from_offset)
    enrich_staged(connection, enrichment)
    _find_repeats(connection, staged)
    position = end.position + 1
    place = {"position": position, "log_id": batch.log_id}
    n_rejected = _insert_rejected(connection, place, rejected_bytes_max) if staged.has_rejected else 0
    n_rows = _insert_events(connection, place, staged)
    _note(connection, batch, place | {"n_rows": n_rows, "n_rejected": n_rejected, "loaded_at": loaded_at})
    connection.execute("DROP TABLE batch")
    connection.execute("DROP TABLE repeat")
    reached("load_inserted")
    connection.commit()
    reached("load_committed")
    return position


def _ledger_end(connection: DuckDBPyConnection, batch: LogRange, since_position: int) -> LedgerEnd:
    parameters = {"log_id": batch.log_id, "since": since_position}
    end = LedgerEnd(*_row(connection.execute(statement("ledger_end"), parameters)))
    goes_on = (batch.segment, batch.byte_end, batch.to_offset) > (end.segment, end.byte_end, end.to_offset)
    follows = batch.from_offset == end.to_offset + 1 and goes_on
    if not follows:
        raise StorageError(
            f"log {batch.log_id}: offsets {batch.from_offset} to {batch.to_offset} up to byte {batch.byte_end} of "
            f"segment {batch.segment} do not follow what is loaded: offset {end.to_offset}, byte {end.byte_end} of "
            f"segment {end.segment}"
        )
    return end


def _stage(connection: DuckDBPyConnection, batch: LogRange, lines: Path, *, one_by_one: bool) -> None:
    if not one_by_one:
        connection.execute(_staging("lines_at_once"), CLOCK | {"path": str(lines)})
        return
    *raws, rest = lines.read_bytes().split(b"\n")
    if rest:
        raise LinesWrong(
            f"log {batch.log_id}: the last line of offsets {batch.from_offset} to {batch.to_offset} is cut"
        )
    parameters = {"lines": raws, "from_offset": batch.from_offset, "unreadable": UNREADABLE}
    connection.execute(_staging("lines_one_by_one"), CLOCK | parameters)


def _staging(lines: str) -> str:
    return statement("stage").format(lines=statement(lines), **STAGING)


def _check_offsets(batch: LogRange, staged: Staged) -> None:
    count = 0 if batch.is_lost else batch.count
    expected = (count, count, batch.from_offset, batch.to_offset) if count else (0, 0, None, None)
    found = staged[: len(expected)]
    if found != expected:
        raise LinesWrong(
            f"log {batch.log_id}: expected lines, distinct offsets, first and last offset {expected}, found {found}"
        )


def _find_repeats(connection: DuckDBPyConnection, staged: Staged) -> None:
    if not (staged.has_timely_ids or staged.has_untimely_ids or staged.earliest_without_time):
        connection.execute(statement("no_repeats"))
        return
    connection.execute(statement("repeats_in_batch"))
    connection.execute(statement("repeats_of_untimely"))
    # One behind the other: together, a few times of long ago would have more read for each of today's.
    if staged.has_timely_ids:
        connection.execute(statement("repeats_of_timely"), {"is_untimely": False})
    if staged.has_untimely_ids:
        connection.execute(statement("repeats_of_timely"), {"is_untimely": True})
    if staged.earliest_without_time is not None:
        connection.execute(statement("repeats_without_time"), {"earliest": staged.earliest_without_time})


def _insert_rejected(connection: DuckDBPyConnection, place: dict[str, object], rejected_bytes_max: int) -> int:
    (kept_bytes,) = _row(connection.execute(statement("rejected_bytes")))
    room = {"room_bytes": rejected_bytes_max - int(kept_bytes)}
    return int(_row(connection.execute(statement("insert_rejected"), place | room))[0])


def _insert_events(connection: DuckDBPyConnection, place: dict[str, object], staged: Staged) -> int:
    (n_rows,) = _row(connection.execute(statement("insert_events"), place))
    if staged.has_untimely:
        connection.execute(statement("insert_untimely"))
    if staged.has_signed_in:
        connection.execute(statement("own_visitors"), {"log_id": place["log_id"]})
    return int(n_rows)


def _note(connection: DuckDBPyConnection, batch: LogRange, inserted: dict[str, object]) -> None:
    """Write the ledger's row, and the repeats that it counts; StorageError unless every line is accounted for."""
    ledger = inserted | {
        "from_offset": batch.from_offset,
        "to_offset": batch.to_offset,
        "duplicates": batch.duplicates,
        "segment": batch.segment,
        "byte_end": batch.byte_end,
        "n_lost": batch.count if batch.is_lost else 0,
    }
    n_dup, is_exact = _row(connection.execute(statement("insert_ledger"), ledger))
    if n_dup:
        connection.execute(statement("insert_repeats"), {name: inserted[name] for name in ("position", "log_id")})
    if not is_exact:
        raise StorageError(
            f"log {batch.log_id}: {inserted['n_rows']} rows, {inserted['n_rejected']} rejected and {n_dup} repeats are "
            f"not the {batch.count} lines from offset {batch.from_offset}"
        )


def _row(result: DuckDBPyConnection) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = result.fetchone()
    assert row is not None
    return row
