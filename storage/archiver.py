"""Moves segments that the store does not need any more from the log to the archive (rule R9)."""

import queue
import threading

import structlog

from storage.crashpoint import reached
from storage.eraser import Eraser
from storage.errors import DirectoryBusy, StorageError
from storage.ports import LogPosition
from storage.wal.directory import LOCK_NAME
from storage.wal.segment import HEADER_BYTES
from storage.wal.segments import Segments

NAMES_MAX = 3
"""How many of the files that are not the log's are named."""

log = structlog.get_logger()


class Archiver:
    """Runs in a thread of its own until `stop`; a segment leaves the log only after it is durable in the archive."""

    def __init__(self, segments: Segments, eraser: Eraser) -> None:
        self._segments = segments
        self._eraser = eraser
        self._due: queue.SimpleQueue[dict[str, LogPosition] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._told: dict[str, str] = {}

    def settle(self, positions: dict[str, LogPosition]) -> None:
        """Archive, soon, what stands before `positions`: the store has it, and a checkpoint behind it."""
        self._due.put(positions)

    def run(self) -> None:
        """Archive until `stop`; what fails is tried again after the next checkpoint."""
        while (positions := self._due.get()) is not None:
            try:
                self.archive(positions)
            except (StorageError, OSError) as error:
                log.error("archive_failed", reason=str(error))

    def archive(self, positions: dict[str, LogPosition]) -> None:
        """Archive what stands before `positions`, log by log, and go on with the erasures that waited for it.

        What fails for one log is told once, and tried again at the next call.
        """
        for log_id in self._segments.live_log_ids():
            if log_id not in positions:
                continue
            try:
                self._archive(positions[log_id])
                self._told.pop(log_id, None)
            except (StorageError, OSError) as error:
                self._tell(log_id, str(error))
        self._eraser.clean_archive(positions)

    def stop(self) -> None:
        """End `run` after the segment that is under way."""
        self._stopping.set()
        self._due.put(None)

    def _tell(self, log_id: str, reason: str) -> None:
        if self._told.get(log_id) != reason:
            log.error("archive_failed", log_id=log_id, reason=reason)
            self._told[log_id] = reason

    def _archive(self, position: LogPosition) -> None:
        log_id = position.log_id
        for number in self._segments.live(log_id):
            if self._stopping.is_set() or not self._is_behind(position, number):
                return
            with self._segments.open(log_id, number) as file:
                self._segments.archive.keep(file)
            reached("segment_archived")
            path = self._segments.path(log_id, number)
            self._segments.files.remove(path)
            # Without it a power cut brings the segment back, and with it a person who was erased meanwhile.
            self._segments.files.sync_directory(path.parent)
            reached("segment_removed")
            log.info("segment_archived", log_id=log_id, segment=number)
        self._remove_if_dead(log_id)

    def _remove_if_dead(self, log_id: str) -> None:
        """Remove what is left of a log whose writer is dead; StorageError where there is more than its lock."""
        directory = self._segments.root / log_id
        if log_id not in self._segments.live_log_ids():
            return
        lock = self._segments.lock(log_id)
        try:
            lock.acquire()
        except DirectoryBusy:
            return
        try:
            if foreign := sorted({*self._segments.files.names(directory)} - {LOCK_NAME}):
                raise StorageError(
                    f"{directory} is kept: {', '.join(foreign[:NAMES_MAX])} is not the log's; take it away"
                )
            self._segments.files.remove(directory / LOCK_NAME)
            self._segments.files.remove_directory(directory)
            self._segments.files.sync_directory(directory.parent)
        finally:
            lock.release()
        reached("log_removed")

    def _is_behind(self, position: LogPosition, number: int) -> bool:
        """Return whether all of the segment is loaded, and nobody writes to it any more."""
        if number != position.segment:
            return number < position.segment
        with self._segments.open(position.log_id, number) as file:
            seal_at = file.size() - HEADER_BYTES
            seal = file.header_at(max(0, seal_at))
            return seal is not None and seal.frame == "SEAL" and position.byte_end >= seal_at
