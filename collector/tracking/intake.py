"""The one way of items into the log, whichever route brought them: door, repeats, append, receipts."""

from typing import Literal

from collector.tracking.batch import Batch, rejected_line
from collector.tracking.door import Door, EventBroken
from collector.tracking.recent import RecentIds
from collector.tracking.visitor import Visitor
from collector.wire.tracking import Accepted, BatchResult, TrackItem
from storage.event import Event
from storage.ports import EventLog


class Intake:
    """Takes what senders send; everything that it returns is durable."""

    def __init__(self, log: EventLog, door: Door, recent: RecentIds, *, rejected_raw_bytes_max: int) -> None:
        self._log = log
        self._door = door
        self._recent = recent
        self._rejected_raw_bytes_max = rejected_raw_bytes_max

    async def take_one(self, item: TrackItem, visitor: Visitor) -> Accepted:
        """Return once the item is durable, or known as a repeat of one that is.

        Raises:
            BodyInvalid, EventTooLarge: it cannot be stored.
            EventBroken: it is in quarantine, durable as everything.
            LogFull, LogFailed: nothing was kept.
        """
        arrival = self._door.arrival()
        try:
            event = self._door.event_of(item, visitor, arrival)
        except EventBroken as broken:
            await self._log.append([rejected_line(broken.errors[0], broken.line, visitor, arrival)], rejected=1)
            raise
        line = self._door.line_of(event)
        key = (event.app_code, event.event_id)
        first = self._recent.offset_of(key) if event.id_given else None
        if first is not None:
            await self._log.append([], duplicates=1)
            return self._accepted("duplicate", event, first)
        offset = await self._log.append([line])
        if event.id_given:
            self._recent.remember(key, offset)
        return self._accepted("accepted", event, offset)

    def batch(self, visitor: Visitor, *, tells_repeats: bool = True) -> Batch:
        """Return an empty batch of this sender's, to be filled, and taken or kept; `tells_repeats`: the sender is told."""
        return Batch(
            self._door,
            self._recent if tells_repeats else None,
            visitor,
            log_id=self._log.log_id,
            rejected_raw_bytes_max=self._rejected_raw_bytes_max,
        )

    async def take_many(self, batch: Batch) -> BatchResult:
        """Return once all of the batch that could be stored is durable.

        Raises:
            BodyInvalid: all that could be kept is in quarantine, and durable there.
            LogFull, LogFailed: nothing was kept.
        """
        return batch.result(await self._append(batch))

    async def keep(self, batch: Batch) -> None:
        """Return once all of the batch is durable, whose sender asks for no results; LogFull, LogFailed: nothing was kept."""
        await self._append(batch)

    async def _append(self, batch: Batch) -> int:
        return await self._log.append(batch.lines, rejected=batch.rejected, duplicates=batch.duplicates)

    def _accepted(self, status: Literal["accepted", "duplicate"], event: Event, offset: int) -> Accepted:
        return Accepted(status, event.event_id, f"{self._log.log_id}:{offset}")
