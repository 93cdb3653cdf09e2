"""A rejected item once more through the door: for when a rule, a limit or the loader refused it and no longer would."""

import msgspec
from msgspec.structs import replace

from collector.tracking.door import Door
from collector.tracking.visitor import Visitor
from collector.wire.body import decode
from collector.wire.problem import BodyMalformed, RequestError
from collector.wire.tracking import Accepted, read_item
from storage.event import Event
from storage.ports import EventLog
from storage.query import UNREADABLE, RejectedRow

_line = msgspec.json.Decoder(Event)


class NotReplayable(RequestError):
    """The bytes of the item are not there, or are cut (409)."""

    code = "not_replayable"


class Replay:
    """Makes events of rejected items and appends them to the log; what was rejected stays as it is."""

    def __init__(self, log: EventLog, door: Door) -> None:
        self._log = log
        self._door = door

    async def replay(self, row: RejectedRow, raw: bytes | None) -> Accepted:
        """Return once the event is durable; another replay of the same item becomes a repeat of it in the store.

        Raises:
            NotReplayable: the bytes are not there, or are no JSON.
            BodyInvalid, EventTooLarge: the item would be rejected again.
            LogFull, LogFailed: nothing was kept.
        """
        if not raw:
            raise NotReplayable("the bytes of this item were not kept, or somebody was erased from them")
        try:
            event = self._event(row, raw)
        except BodyMalformed as error:
            raise NotReplayable(f"the bytes of this item are cut, or never were JSON: {error}") from None
        offset = await self._log.append([self._door.line_of(event)])
        return Accepted("accepted", event.event_id, f"{self._log.log_id}:{offset}")

    def _event(self, row: RejectedRow, raw: bytes) -> Event:
        """Return the event with the time and the id that make a second one known as a repeat."""
        if row.code == UNREADABLE:  # a line of the log: the door has made an event of it before
            event = decode(raw, _line)
            return replace(event, occurred_at=event.occurred_at or event.received_at, id_given=True)
        item = read_item(raw)
        # Who sent it is not kept: nobody, and no new visitor either.
        event = self._door.event_of(item, Visitor(None, item.anonymous_id, str), self._door.arrival())
        return replace(
            event,
            event_id=item.event_id or row.receipt,
            occurred_at=event.occurred_at or row.received_at,
            anonymous_id=item.anonymous_id,
            id_given=True,
        )
