"""Write-ahead logs as the tests open them: small limits, no watermark."""

from pathlib import Path

from storage.wal.archive import Archive
from storage.wal.log import WriteAheadLog
from storage.wal.reader import LogReader
from storage.wal.segments import Segments

LIMITS = {
    "group_bytes_max": 1 << 20,
    "group_events_max": 2048,
    "segment_bytes_max": 1 << 20,
    "segment_age_s": 3600.0,
    "fence_idle_s": 0.02,
    "unflushed_bytes_max": 1 << 20,
    "append_wait_s": 0.2,
    "disk_free_bytes_min": 0,
    "backlog_bytes_max": 1 << 40,
}


def open_log(data: Path, **limits: float) -> WriteAheadLog:
    """Return a log below `data` that is not entered yet."""
    return WriteAheadLog(data / "log", **(LIMITS | limits))


def reader_of(data: Path) -> LogReader:
    """Return a reader of the logs below `data`, from their beginning."""
    return LogReader(Segments(data / "log", Archive(data / "archive")), data / "quarantine")


def read_all(data: Path, *, events_max: int = 10_000, bytes_max: int = 1 << 30) -> tuple[LogReader, list[bytes]]:
    """Read every durable line below `data` from the beginning; the reader is returned for what it noted."""
    reader = reader_of(data)
    spool, lines = data / "spool.ndjson", []
    while reader.take(spool, events_max=events_max, bytes_max=bytes_max):
        lines += spool.read_bytes().splitlines()
    return reader, lines
