"""Erasing a person (rule R12): suppression list, then archive, then store; each step can be done again after a crash."""

import queue
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from storage.crashpoint import reached
from storage.enrichment.mark import mark_of
from storage.ports import LogPosition
from storage.query.erasure import EraseQuery, ErasureStarted, LogPlace
from storage.suppression import Erased, Suppression
from storage.wal.rewrite import rewrite
from storage.wal.segments import Segments

log = structlog.get_logger()


class ErasableStore(Protocol):
    """What a store does for an erasure."""

    def visitors_of(self, entries: Iterable[Erased]) -> list[Erased]:
        """Return entries for the visitors that belong to users among `entries`; may be asked from any thread."""

    def erase(self, entries: Iterable[Erased]) -> None:
        """Return once no file of the store holds anything of these people; between two loads."""


class Eraser:
    """Takes every entry of `suppression` to its end: `clean_archive` in the archive's thread, `clean_store` in the loader's."""

    def __init__(
        self,
        suppression: Suppression,
        segments: Segments,
        store: ErasableStore,
        quarantine: Path,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._suppression = suppression
        self._segments = segments
        self._store = store
        self._quarantine = quarantine
        self._clock = clock
        self._clean: queue.SimpleQueue[list[Erased]] = queue.SimpleQueue()

    def begin(self, query: EraseQuery) -> ErasureStarted:
        """Return once the erasure is durable: it then comes to its end whatever happens. May be asked from any thread."""
        entry = Erased(
            digest=self._suppression.digest(query.person),
            pseudonym=f"erased-{secrets.token_hex(8)}",
            until=query.until,
            erased_at=self._clock(),
        )
        self._suppression.add([entry])
        return ErasureStarted(len(self._suppression.unfinished()))

    def count(self) -> int:
        """Return how many identifiers of people are being erased."""
        return len(self._suppression.unfinished())

    def clean_archive(self, positions: Mapping[str, LogPosition]) -> None:
        """Rewrite the archive without those of whom all is archived, visitors of theirs included.

        Only when the store, which is at `positions`, has all of the archive: its places in a segment do not outlive that.
        """
        settled = [entry for entry in self._suppression.unfinished() if self._is_archived(entry.until)]
        if not settled or not self._is_loaded(positions):
            return
        self._suppression.add(self._store.visitors_of(settled))
        reached("visitors_listed")
        settled = [entry for entry in self._suppression.unfinished() if self._is_archived(entry.until)]
        for log_id in self._segments.archive.log_ids():
            for number in self._segments.archive.numbers(log_id):
                self._rewrite(log_id, number)
        reached("archive_rewritten")
        self._clean.put(settled)

    def clean_store(self) -> bool:
        """Take those out of the store who are out of the archive; whether there were any."""
        try:
            queued = self._clean.get_nowait()
        except queue.Empty:
            return False
        # The archive may have been found clean of them more than once before it came to this.
        entries = [entry for entry in queued if entry in self._suppression.unfinished()]
        if not entries:
            return False
        self._store.erase(entries)
        self._clear_quarantine()
        reached("quarantine_cleared")
        self._suppression.finish(entries, self._clock())
        reached("erasure_finished")
        log.info("erased", identifiers=len(entries))
        return True

    def _is_archived(self, until: LogPlace) -> bool:
        """Return whether no live segment begins before that place: what is archived is loaded."""
        for log_id in self._segments.live_log_ids():
            for number in self._segments.live(log_id):
                with self._segments.open(log_id, number) as file:
                    head = file.header_at(0)
                if head is None or LogPlace(log_id, head.first_offset) < until:
                    return False
        return True

    def _is_loaded(self, positions: Mapping[str, LogPosition]) -> bool:
        archive = self._segments.archive
        return all(
            log_id in positions
            and archive.manifest(log_id, archive.numbers(log_id)[-1]).next_offset <= positions[log_id].next_offset
            for log_id in archive.log_ids()
        )

    def _rewrite(self, log_id: str, number: int) -> None:
        first_offset = self._segments.archive.manifest(log_id, number).first_offset
        if not self._suppression.concerning(log_id, first_offset):
            return
        clean = self._suppression.cleaner(log_id, first_offset, mark_of)
        if rewrite(self._segments.archive, log_id, number, clean):
            reached("segment_rewritten")
            log.info("segment_rewritten", log_id=log_id, segment=number)

    def _clear_quarantine(self) -> None:
        # What lies there cannot be read any more, and so not be cleaned.
        files = self._segments.files
        try:
            names = files.names(self._quarantine)
        except FileNotFoundError:
            return
        for name in names:
            files.remove(self._quarantine / name)
            log.warning("quarantine_cleared", file=name)
        files.sync_directory(self._quarantine)
