"""The audit log as files of one JSON line an entry, each chained to the one before it by a MAC."""

import asyncio
import hashlib
import hmac
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

import msgspec

from storage.audit import AuditEntry, AuditFilter, AuditFinding, AuditPage, AuditRow, Mac, decode, encode, sealed
from storage.derived_key import derived_key
from storage.errors import AuditFailed, DirectoryUnusable
from storage.files import make_directory, write_all
from storage.filesystem import LOCAL

FILE_BYTES_MAX = 64 << 20
"""From this length on a file is followed by the next one."""
READ_BYTES = 1 << 16
"""How much of a file is read at once, from its end."""
SCAN_ENTRIES_MAX = 50_000
"""How many entries are looked at for one page; what is behind them comes with the next."""
NAME = re.compile(r"(\d{8})\.ndjson")
HEAD_NAME = "head"
"""Keeps the newest entry's number and chain, so that a cut end is seen."""
HEAD_BYTES = 86
"""A number of 20 digits, a space, a chain of 64, and a newline."""


class Head(NamedTuple):
    """The newest entry: its number, 0 where there is none, and its chain."""

    number: int
    chain: str


def audit_key(secret: str) -> bytes:
    """Return the key of the chain; the secret is one that is never changed."""
    return derived_key(secret, "audit")


class AuditFile:
    """An AuditLog in `directory`, whose lock the caller holds; one thread of its own writes it."""

    def __init__(self, directory: Path, key: bytes, *, file_bytes_max: int = FILE_BYTES_MAX) -> None:
        self._directory = directory
        self._key = key
        self._file_bytes_max = file_bytes_max
        self._file = self._head_file = -1
        self._broken: str | None = None
        self._paging = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Make the directory, or go on behind its newest entry; a line that was torn by a crash is cut.

        Raises:
            DirectoryUnusable: it can be neither read nor written.
        """
        self._thread = ThreadPoolExecutor(1, "audit")
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        except OSError as error:
            self._thread.shutdown()
            raise DirectoryUnusable(f"{self._directory}: the audit log cannot be opened: {error}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is being written."""
        await asyncio.to_thread(self._thread.shutdown)
        os.close(self._file)
        os.close(self._head_file)

    async def append(self, row: AuditRow) -> None:
        """Append as the port says."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._append, row)

    async def page(self, wanted: AuditFilter, *, limit: int) -> AuditPage:
        """Return entries as the port says, to one caller after the other.

        Reading holds the interpreter: users who export what is theirs all at once would keep everybody else waiting.
        """
        async with self._paging:
            return await asyncio.to_thread(self._page, wanted, limit)

    async def check(self) -> AuditFinding:
        """Return what the chain says as the port says."""
        return await asyncio.to_thread(_check, self._directory, self._mac, self._head)

    def _mac(self, content: bytes) -> str:
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()

    # On the log's own thread.

    def _open(self) -> None:
        make_directory(self._directory)
        numbers = _numbers(self._directory)
        self._head_file = os.open(self._directory / HEAD_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._begin(numbers[-1] if numbers else 1)
        last = next((entry for number in reversed(numbers) for entry in _newest_first(self._path(number), None)), None)
        written = Head(0, "") if last is None else Head(last.number, last.chain)
        # An end that somebody cut off leaves a gap that the check names.
        self._head = max(written, _head_of(os.pread(self._head_file, HEAD_BYTES, 0)), key=lambda head: head.number)

    def _begin(self, number: int) -> None:
        path = self._path(number)
        is_new = not path.exists()
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        before, self._file, self._number = self._file, opened, number
        if before >= 0:
            os.close(before)
        self._size = _whole_lines(self._file)
        os.ftruncate(self._file, self._size)
        if is_new:
            LOCAL.sync_directory(self._directory)

    def _append(self, row: AuditRow) -> None:
        if self._broken is not None:
            raise AuditFailed(self._broken)
        if self._size >= self._file_bytes_max:
            self._go_on(self._number + 1)
        entry = sealed(self._head.number + 1, row, self._head.chain, self._mac)
        line = encode(entry)
        self._write(line)
        self._size += len(line)
        self._head = Head(entry.number, entry.chain)
        self._write_head()

    def _go_on(self, number: int) -> None:
        try:
            self._begin(number)
        except OSError as error:
            reason = f"{self._path(number)}: cannot be begun: {error}"
            if self._number == number:
                # It is open, but its name may not be on the disk: what is written to it could go with it.
                reason = self._broken = f"{reason}; restart the daemon"
            raise AuditFailed(reason) from error

    def _write_head(self) -> None:
        # Not synced: behind the entry it may be old after a power cut, never ahead of it.
        try:
            os.pwrite(self._head_file, b"%020d %s\n" % (self._head.number, self._head.chain.encode("ascii")), 0)
        except OSError as error:
            raise AuditFailed(f"{self._directory / HEAD_NAME}: cannot be written: {error}") from error

    def _write(self, line: bytes) -> None:
        try:
            write_all(self._file, line, self._size)
        except OSError as error:
            self._cut_back()
            raise AuditFailed(f"{self._path(self._number)}: cannot be written: {error}") from error
        try:
            LOCAL.sync_data(self._file)
        except OSError as error:
            # Never tried again: what the kernel calls clean now may not be on the disk.
            self._broken = f"{self._path(self._number)}: cannot be synced: {error}; restart the daemon"
            raise AuditFailed(self._broken) from error

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._file, self._size)
        except OSError as error:
            self._broken = f"{self._path(self._number)}: a torn line cannot be cut: {error}; restart the daemon"

    # On any thread.

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:08d}.ndjson"

    def _page(self, wanted: AuditFilter, limit: int) -> AuditPage:
        found: list[AuditEntry] = []
        scanned = 0
        for number in reversed(_numbers(self._directory)):
            for entry in _newest_first(self._path(number), wanted.before):
                if len(found) == limit or scanned == SCAN_ENTRIES_MAX:
                    return AuditPage(found, before=entry.number + 1)
                scanned += 1
                if wanted.takes(entry):
                    found.append(entry)
        return AuditPage(found, before=None)


def _numbers(directory: Path) -> list[int]:
    return sorted(int(match[1]) for path in directory.iterdir() if (match := NAME.fullmatch(path.name)))


def _head_of(raw: bytes) -> Head:
    number, _, chain = raw.decode("ascii", "replace").strip().partition(" ")
    return Head(int(number), chain) if number.isdigit() else Head(0, "")


def _whole_lines(descriptor: int) -> int:
    """Return the length of a file without a line that does not end."""
    at = os.fstat(descriptor).st_size
    while at > 0:
        begin = max(0, at - READ_BYTES)
        newline = os.pread(descriptor, at - begin, begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        at = begin
    return 0


def _newest_first(path: Path, before: int | None) -> Iterator[AuditEntry]:
    """Yield the entries of a file from its end, or from below a number; lines that are none are left to the check."""
    with path.open("rb") as file:
        end = _whole_lines(file.fileno())
        for line in _lines_backwards(file, end if before is None else _end_below(file, end, before)):
            try:
                yield decode(line)
            except msgspec.DecodeError:
                continue


def _end_below(file: BinaryIO, end: int, number: int) -> int:
    """Return where the entries below that number end, by bisection: whoever pages far back must not read all of it."""
    low, high = 0, end
    while low < high:
        begin = (low + high) // 2
        file.seek(max(begin - 1, low))
        if begin > low:
            file.readline()
        if file.tell() >= high:
            high = begin
            continue
        line = file.readline()
        if _is_below(line, number):
            low = file.tell()
        else:
            high = begin
    return low


def _is_below(line: bytes, number: int) -> bool:
    try:
        return decode(line).number < number
    except msgspec.DecodeError:
        return True  # the filter looks at what is behind it all the same


def _lines_backwards(file: BinaryIO, end: int) -> Iterator[bytes]:
    at, rest = end, b""
    while at > 0:
        begin = max(0, at - READ_BYTES)
        file.seek(begin)
        rest, *lines = (file.read(at - begin) + rest).split(b"\n")
        yield from (line for line in reversed(lines) if line)
        at = begin
    if rest:
        yield rest


def _check(directory: Path, mac: Mac, head: Head) -> AuditFinding:
    at = Head(0, "")
    for number in _numbers(directory):
        path = directory / f"{number:08d}.ndjson"
        with path.open("rb") as file:
            for place, line in enumerate(file, 1):
                if at.number == head.number:
                    break  # appended since
                damage = _damage(line, at, mac)
                if damage is not None:
                    return AuditFinding(rows=at.number, damage=f"entry {at.number + 1} ({path}:{place}) {damage}")
                at = Head(at.number + 1, decode(line).chain)
    if at.number < head.number:
        return AuditFinding(rows=at.number, damage=f"entries {at.number + 1} to {head.number} are missing at the end")
    return AuditFinding(rows=at.number)


def _damage(line: bytes, before: Head, mac: Mac) -> str | None:
    """Return what is wrong with the line as the entry behind `before`, None where it is as it was written."""
    try:
        entry = decode(line)
    except msgspec.DecodeError:
        return "is not an entry"
    if entry.number != before.number + 1:
        return f"is missing: number {entry.number} stands in its place"
    if not hmac.compare_digest(sealed(entry.number, entry.row, before.chain, mac).chain, entry.chain):
        return "is not what was written"
    if encode(entry) != line:
        return "is not what was written"
    return None
