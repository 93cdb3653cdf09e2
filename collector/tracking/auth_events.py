"""What happens to accounts as events: they tie the visitor to the user, also in what the visitor did before."""

from collector.identity.caller import Caller
from collector.tracking.door import Door
from collector.tracking.visitor import Visitor
from collector.wire.tracking import TrackItem
from storage.audit import AuditRow
from storage.event import encode
from storage.ports import EventLog


class AuthEvents:
    """Appends these events to the log; they say who and what, never the address, the name or the note."""

    def __init__(self, log: EventLog, door: Door) -> None:
        self._log = log
        self._door = door

    async def append(self, row: AuditRow, anonymous_id: str | None) -> None:
        """Return once the event is durable: what the row's actor did, as the visitor of the request's cookie.

        Raises:
            LogFull, LogFailed: nothing was kept.
        """
        caller = None if row.actor is None else Caller(row.actor, "user", row.sid or "")
        # A stranger without a cookie gets none by a failure: it would count as a new visitor each time.
        visitor = Visitor(caller, anonymous_id, None)
        item = TrackItem(source_label=row.event, attrs={"outcome": row.outcome})
        event = self._door.event_of(item, visitor, self._door.arrival())
        await self._log.append([encode(event)])
