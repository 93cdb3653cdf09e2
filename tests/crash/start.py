"""A start of the store on what a power cut left, and what must hold once all is loaded."""

from collections import Counter
from pathlib import Path

from storage.__main__ import condemning
from storage.duckdb.store import DuckDBStore
from storage.errors import StorageError, StoreDamaged
from storage.rebuild import MISSING
from tests.crash.life import Violated, check_ledger, require, stored
from tests.crash.loader import LINES, LOG_IDS, PERSON, PERSON_LINES, Loader

STARTS_MAX = 3


def start(data: Path, kind: type[DuckDBStore] = DuckDBStore) -> str:
    """Start after a power cut, as often as the front would; return why the database was filled anew, "" where it was not.

    Violated when a promise is broken then.
    """
    told = ""
    for _ in range(STARTS_MAX):
        loader = Loader(data, batch_events=LINES, kind=kind)
        try:
            with loader.store, condemning(loader.store):
                told = told or loader.store.aside_reason or ""
                loader.begin()
                told = told or (MISSING if not loader.store.positions() else "")
                loader.finish()
                _check(loader)
        except StoreDamaged as damage:
            told = told or str(damage)
        else:
            return told
    raise Violated(f"it is damaged again and again: {told}")


def _check(loader: Loader) -> None:
    try:
        found = stored(loader.store, LOG_IDS)
        with loader.store.reader() as reader:
            repeats = reader.rows('SELECT log_id, "offset" FROM repeats', {})
            named = reader.rows("SELECT count(*) FROM events WHERE user_id = $person", {"person": PERSON})
            reader.rows("SELECT count(COLUMNS(*)) FROM events", {})
    except StorageError:
        loader.store.check()  # what a question meets is acted on before the next load
        raise
    kept = Counter([(log_id, offset) for log_id, offset, _ in (*found.rows, *found.rejected)] + repeats)
    every = {(log_id, offset) for log_id in LOG_IDS for offset in range(LINES)}
    require(
        kept == Counter(every),
        f"missing {sorted(every - kept.keys())[:3]}, twice {(kept - Counter(every)).most_common(3)}",
    )
    require(all(label == f"{log_id}:{offset}" for log_id, offset, label in found.rows), "an event is another one")
    require(sum(row[6] for row in found.ledger) == 0, "something was called lost")
    check_ledger(found)
    # An erasure that is on the list comes to its end; one that is not changes nothing.
    of_person = 0 if loader.suppression.entries else len(LOG_IDS) * PERSON_LINES
    require(named == [(of_person,)], f"{named} events are of the person, not {of_person}")
