"""A log without a disk: what is appended is durable at once."""

import asyncio
from collections.abc import Sequence

from storage.errors import LogFull
from storage.health import LogHealth


class MemoryLog:
    """An EventLog that keeps its lines in a list; `full` makes it refuse."""

    def __init__(self, log_id: str = "0000000001-memory00") -> None:
        self.log_id = log_id
        self.lines: list[bytes] = []
        self.full: str | None = None
        self._duplicates = 0
        self._rejected = 0
        self._groups = 0

    async def append(self, lines: Sequence[bytes], *, rejected: int = 0, duplicates: int = 0) -> int:
        if self.full is not None:
            raise LogFull(self.full)
        first = len(self.lines)
        self.lines += lines
        self._rejected += rejected
        self._duplicates += duplicates
        self._groups += 1
        await asyncio.sleep(0)
        return first

    def health(self) -> LogHealth:
        return LogHealth(
            log_id=self.log_id,
            accepting=self.full is None,
            reason=self.full,
            durable_offset=len(self.lines) - 1,
            segment=1,
            segment_bytes=sum(map(len, self.lines)),
            unflushed_bytes=0,
            groups=self._groups,
            duplicates=self._duplicates,
            rejected=self._rejected,
        )
