"""Rows counted in the store after every load: a figure counts only when everything it counts is there."""

import time

import msgspec

from bench.daemon import Daemon
from bench.errors import BenchFailed

LOOK_S = 0.05
UNCHANGED_S = 15.0
"""A store that loads nothing for this long will not load the rest."""

Counts = tuple[int, int, int]
"""Rows, rejected items and duplicates in the store."""


class Step(msgspec.Struct):
    """What a step sent (items of requests answered 202), and what the store gained: these must be equal."""

    step: str
    sent: int = 0
    refused_requests: int = 0
    rows: int = 0
    rejected: int = 0
    duplicates: int = 0


class Tally:
    """Compares what was acknowledged with what is stored."""

    def __init__(self, daemon: Daemon, *, unchanged_s: float = UNCHANGED_S) -> None:
        self._daemon = daemon
        self._unchanged_s = unchanged_s
        self._steps: dict[str, Step] = {}
        daemon.await_store()
        self._counts: Counts = _counts(daemon)

    @property
    def steps(self) -> list[Step]:
        """All steps so far; loads of the same name are one step."""
        return list(self._steps.values())

    @property
    def sent(self) -> int:
        """Items of all steps."""
        return sum(step.sent for step in self._steps.values())

    def add(self, name: str, *, sent: int, refused_requests: int) -> None:
        """Return once the store holds all that was sent and nothing is left of the log.

        Raises:
            BenchFailed: the store gained something else, or came to a halt.
        """
        counts = self._drained(sum(self._counts) + sent)
        rows, rejected, duplicates = (now - before for now, before in zip(counts, self._counts, strict=True))
        if rows + rejected + duplicates != sent:
            raise BenchFailed(
                f"{name}: {sent} events were answered 202, the store gained {rows} rows, {rejected} rejected and "
                f"{duplicates} duplicates"
            )
        self._counts = counts
        step = self._steps.setdefault(name, Step(name))
        step.sent += sent
        step.refused_requests += refused_requests
        step.rows += rows
        step.rejected += rejected
        step.duplicates += duplicates

    def check_rows(self) -> None:
        """Compare the ledger with the rows themselves; each event was the pageview of a visitor of its own."""
        summary = self._daemon.summary()
        rows = sum(step.rows for step in self._steps.values())
        if (summary.total_visits, summary.unique_users) != (rows, rows):
            raise BenchFailed(
                f"the ledger says {rows} rows of as many visitors, the statistics count {summary.total_visits} visits "
                f"of {summary.unique_users}"
            )

    def _drained(self, expected: int) -> Counts:
        """Return the counts when they are what is expected and the log is loaded, or when nothing changes any more."""
        last, changed_at = self._counts, time.monotonic()
        while time.monotonic() < changed_at + self._unchanged_s:
            counts = _counts(self._daemon)
            if sum(counts) == expected and self._daemon.stored().lag_bytes == 0:
                return counts
            if counts != last:
                last, changed_at = counts, time.monotonic()
            time.sleep(LOOK_S)
        return last


def _counts(daemon: Daemon) -> Counts:
    store = daemon.stored()
    return store.n_rows, store.n_rejected, store.n_duplicates
