"""Logs that dead daemons left: read, ended and released, while another daemon writes its own."""

from pathlib import Path

import pytest

from storage.archiver import Archiver
from storage.eraser import Eraser
from storage.wal.archive import Archive
from storage.wal.reader import LogReader
from storage.wal.segment import HEADER_BYTES
from storage.wal.segments import Segments
from tests.damage import ROTATE, UNSYNCED, lock_of, reader_of, write_log
from tests.logs import open_log
