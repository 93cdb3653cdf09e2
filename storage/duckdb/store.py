"""The store: one DuckDB file behind EventSink, and readers beside the load."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import structlog
from duckdb import DuckDBPyConnection

from storage.crashpoint import reached
from storage.duckdb.aside import condemn, condemned, identity, set_aside
from storage.duckdb.connection import connect
from storage.duckdb.damage import POISON, is_damage, is_fatal
from storage.duckdb.enrich import ENRICHMENT, Enrichment
from storage.duckdb.erase import copy_database, erase_stored, replace_database, visitors_of
from storage.duckdb.last_position import forget_position, note_position
from storage.duckdb.ledger import note_rebuild, positions, rebuild_begun
from storage.duckdb.load import LinesWrong, load
from storage.duckdb.marks import Marks
from storage.duckdb.reader import Reader
from storage.duckdb.rederive import rederive
from storage.duckdb.schema import SchemaOutdated
from storage.errors import StorageError, StoreDamaged, StoreDown
from storage.filesystem import LOCAL
from storage.health import RebuildBegun
from storage.ports import LogPosition, LogRange
from storage.query.rederivation import Rederived
from storage.suppression import Erased, Suppression


def _now() -> datetime:
    return datetime.now(UTC)


log = structlog.get_logger()


class DuckDBStore:
    """An EventSink for one thread, and readers for others; the lines to load lie in the directory of `path`.

    The file belongs to one process at a time, which the caller sees to with a lock of its own: DuckDB's is dropped as
    soon as anything else in the process closes the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        memory_limit_mb: int,
        threads: int,
        temp_directory: Path,
        quarantine: Path,
        suppression: Suppression,
        rejected_bytes_max: int,
        enrichment: Enrichment = ENRICHMENT,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._path = path
        self._memory_limit_mb = memory_limit_mb
        self._threads = threads
        self._temp_directory = temp_directory
        self._quarantine = quarantine
        self._suppression = suppression
        self._rejected_bytes_max = rejected_bytes_max
        self._enrichment = enrichment
        self._clock = clock
        self._lock, self._visiting = threading.Lock(), threading.Lock()
        self._connection: DuckDBPyConnection | None = None
        self._readers: set[Reader] = set()
        self._marks = Marks()
        self._log_positions: dict[str, int] = {}
        self._identity: tuple[int, int] | None = None
        self._found_damage: str | None = None
        self._is_useless = False
        self.aside_reason: str | None = None

    def open(self) -> None:
        """Open or create the file; StorageError names what is wrong with it.

        Files that are damaged, condemned or of an earlier version are set aside in `quarantine`, which `aside_reason`
        then says: the log fills the new one.
        """
        with self._lock:
            reason = condemned(self._path)
            if reason is not None:
                self._set_aside(reason)
            try:
                self._open()
            except SchemaOutdated as error:
                self._set_aside(f"an earlier program's: {error}")
                self._open()
            except StoreDamaged as error:
                self._set_aside(str(error))
                self._open()

    def close(self) -> None:
        """End every reader's question and close the file; a load must not be under way."""
        with self._lock:
            self._close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def check(self) -> None:
        """Open the files anew where a question found that nothing works; StoreDamaged where they have to be set aside.

        They are looked at by name only: opening them here would drop DuckDB's lock.
        """
        with self._lock:
            if self._found_damage is not None:
                raise StoreDamaged(self._found_damage)
            if identity(self._path) != self._identity:
                raise StoreDamaged(f"{self._path} is gone, or another file than the one that was opened")
            if self._is_useless:
                self._close()
                self._open()

    def condemn(self, reason: str) -> None:
        """Have the next start set the files aside."""
        condemn(self._path, reason)

    def positions(self) -> dict[str, LogPosition]:
        """Return how far each log is loaded."""
        with self._trusted("the ledger could not be read") as connection:
            return positions(connection)

    def rebuild_begun(self) -> RebuildBegun | None:
        """Return the rebuild that has begun and not ended."""
        with self._trusted("the rebuild could not be read") as connection:
            return rebuild_begun(connection)

    def begin_rebuild(self, reason: str, bytes_total: int) -> RebuildBegun:
        """Note that the store is filled again."""
        return RebuildBegun(self._note_rebuild(reason, bytes_total), reason, bytes_total)

    def end_rebuild(self) -> None:
        """Note that the store is whole again."""
        self._note_rebuild(None, 0)

    def apply(self, batch: LogRange, lines: Path) -> None:
        """Load natively: no row passes through Python.

        An event whose id the client chose repeats an earlier one of its application: by the same id and client's time
        where it carries one, else by the same id received within the 24 hours before. A line that is no item
        becomes a rejected one of code `unreadable`: a batch that fails for its lines is loaded again line by line.
        """
        try:
            self._apply(batch, lines, one_by_one=False)
        except StorageError as error:
            if not isinstance(error, LinesWrong) and not isinstance(error.__cause__, POISON):
                raise
            log.warning("batch_poisoned", log_id=batch.log_id, from_offset=batch.from_offset, reason=str(error))
            self._apply(batch, lines, one_by_one=True)

    def _apply(self, batch: LogRange, lines: Path, *, one_by_one: bool) -> None:
        since = self._log_positions.get(batch.log_id, 0)
        loaded_at = self._clock().astimezone(UTC).replace(tzinfo=None)
        what = f"log {batch.log_id}: offsets {batch.from_offset} to {batch.to_offset} were not loaded"
        with self._trusted(what) as connection:
            position = load(
                connection,
                batch,
                lines,
                since_position=since,
                loaded_at=loaded_at,
                suppression=self._suppression,
                enrichment=self._enrichment,
                rejected_bytes_max=self._rejected_bytes_max,
                one_by_one=one_by_one,
            )
        self._log_positions[batch.log_id] = position
        note_position(self._path, position)

    def checkpoint(self) -> None:
        """Write DuckDB's own write-ahead log into its file, and make both names durable: DuckDB syncs no directory."""
        with self._trusted("the checkpoint failed") as connection:
            connection.execute("CHECKPOINT")
        reached("checkpoint_written")
        LOCAL.sync_directory(self._path.parent)

    def visitors_of(self, entries: Iterable[Erased]) -> list[Erased]:
        """Return the visitors of erased users, on a connection of its own, which the file stays open for."""
        with self._lock:
            cursor = self._opened().cursor()
            self._visiting.acquire()
        try:
            with cursor:
                return visitors_of(cursor, self._suppression, entries)
        finally:
            self._visiting.release()

    def erase(self, entries: Iterable[Erased]) -> None:
        """Take people out of every table, then copy what is left to a new file: the old one keeps what was deleted."""
        fresh = self._path.with_name(f"fresh-{self._path.name}")
        with self._trusted("nobody was erased") as connection:
            erase_stored(connection, self._suppression, entries)
            copy_database(connection, self._path.stem, fresh)
        with self._lock:
            self._close()
            replace_database(self._path, fresh)
            self._open()

    def rederive(self, *, is_dry_run: bool) -> Rederived:
        """Derive what is stored again, by the present rules, and return what became different."""
        with self._trusted("nothing was derived again") as connection:
            rederived = rederive(connection, self._enrichment.rules, is_dry_run=is_dry_run)
        self._marks = Marks()
        return rederived

    @contextlib.contextmanager
    def reader(self) -> Iterator[Reader]:
        """Yield a reader with a cursor of its own; StoreDown while the store is not open."""
        with self._lock:
            reader = Reader(self._opened().cursor(), self._distrust, self._marks)
            self._readers.add(reader)
        try:
            yield reader
        finally:
            with self._lock:
                self._readers.discard(reader)
            reader.close()

    @contextlib.contextmanager
    def _trusted(self, what_failed: str) -> Iterator[DuckDBPyConnection]:
        """Roll back after an error of our own; after one of DuckDB's trust no connection any more (rule R8)."""
        connection = self._opened()
        try:
            try:
                yield connection
            except StorageError:
                connection.rollback()
                raise
        except duckdb.Error as error:
            with self._lock:
                self._close()
                if is_damage(error):
                    self._found_damage = str(error)
                    raise StoreDamaged(f"{what_failed}: {error}") from error
                # A commit may have raised and be durable: only a file opened anew tells.
                self._open()
            raise StorageError(f"{what_failed}, or durably in spite of this: {error}") from error

    def _note_rebuild(self, reason: str | None, bytes_total: int) -> datetime:
        now = self._clock().astimezone(UTC)
        with self._trusted("the rebuild could not be noted") as connection:
            note_rebuild(connection, now, reason, bytes_total)
        return now

    def _distrust(self, error: duckdb.Error) -> None:
        """Note what a question met: `check` acts on it in the thread that loads."""
        if is_damage(error):
            self._found_damage = str(error)
        self._is_useless |= is_fatal(error)

    def _opened(self) -> DuckDBPyConnection:
        if self._connection is None:
            raise StoreDown(f"{self._path} is not open")
        return self._connection

    def _open(self) -> None:
        self._connection = connect(
            self._path,
            memory_limit_mb=self._memory_limit_mb,
            threads=self._threads,
            temp_directory=self._temp_directory,
            created_at=self._clock().astimezone(UTC).replace(tzinfo=None),
        )
        self._identity = identity(self._path)
        # The ledger may end before what this process has loaded: a write-ahead log that is gone takes its rows along.
        self._log_positions.clear()
        self._marks = Marks()
        self._is_useless = False

    def _set_aside(self, reason: str) -> None:
        forget_position(self._path)
        set_aside(self._path, self._quarantine, reason, self._clock())
        self.aside_reason = reason

    def _close(self) -> None:
        for reader in self._readers:
            reader.close()
        self._readers.clear()
        if self._connection is not None:
            with self._visiting:
                self._connection.close()
            self._connection = None
