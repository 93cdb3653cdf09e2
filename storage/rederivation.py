"""Deriving stored events again: asked for from any thread, done between two loads, since one thread alone writes."""

import queue
from concurrent.futures import Future
from typing import Protocol

import structlog

from storage.query.rederivation import Rederived, RederiveQuery

log = structlog.get_logger()


class RederivableStore(Protocol):
    """A store whose events can be derived again."""

    def rederive(self, *, is_dry_run: bool) -> Rederived:
        """Return what became different, or would; between two loads."""


class Rederivation:
    """What was asked for and is not done yet."""

    def __init__(self, store: RederivableStore) -> None:
        self._store = store
        self._asked: queue.SimpleQueue[tuple[RederiveQuery, Future[Rederived]]] = queue.SimpleQueue()

    def ask(self, query: RederiveQuery) -> Future[Rederived]:
        """Return what will have the answer."""
        answer = Future[Rederived]()
        self._asked.put((query, answer))
        return answer

    def do_next(self) -> None:
        """Do what was asked for first; who asked gets the error too."""
        try:
            query, answer = self._asked.get_nowait()
        except queue.Empty:
            return
        if not answer.set_running_or_notify_cancel():
            return
        try:
            rederived = self._store.rederive(is_dry_run=query.is_dry_run)
        except Exception as error:  # whatever it is, who asked must not wait for ever; the batcher gets it too
            answer.set_exception(error)
            raise
        answer.set_result(rederived)
        log.info("rederived", rules=rederived.version, changes=len(rederived.counts), is_dry_run=query.is_dry_run)
