"""What became of every item that was answered 2xx (promise P2), and of a single one by its receipt."""

from collector.wire.health import Lag, Ledger
from storage.health import DiskUsage, LogHealth, StoreHealth


def ledger_of(store: StoreHealth, log: LogHealth) -> Ledger:
    """Return the equation; `log` is the living log, asked after the store, so that nothing is pending less than once.

    Each side is counted where it happened: `answered` by the logs, the rest by the store, `pending` by comparing the
    places up to which both went. answered = stored + duplicate + rejected + lost + pending says that nothing is missing.
    """
    lines = store.ended.lines + log.durable_offset + 1
    door_duplicates = store.ended.duplicates + log.duplicates
    return Ledger(
        answered=lines + door_duplicates,
        stored=store.n_rows,
        duplicate=store.n_duplicates,
        rejected=store.n_rejected,
        lost=store.n_lost,
        pending=lines - store.lines + door_duplicates - store.door_duplicates,
    )


def is_exact(ledger: Ledger) -> bool:
    """Return whether the equation holds."""
    found = ledger.stored + ledger.duplicate + ledger.rejected + ledger.lost + ledger.pending
    return ledger.answered == found


def lag_of(store: StoreHealth | None, ledger: Ledger | None, disk: DiskUsage) -> Lag:
    """Return how far the store is behind; of one that is away the files tell only what it may not have taken over yet."""
    if store is None or ledger is None:
        return Lag(None, disk.live_bytes, None)
    return Lag(ledger.pending, store.lag_bytes, store.lag_s)
