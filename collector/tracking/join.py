"""A sign-up or sign-in as an event: it ties the visitor to the user, also in what the visitor did before."""

from aiohttp import web

from collector.identity.caller import Caller
from collector.tracking.door import Door
from collector.tracking.visitor import Visitor, known
from collector.wire.tracking import TrackItem
from storage.event import encode
from storage.ports import EventLog
from storage.user import User


class Joins:
    """Appends these events to the log."""

    def __init__(self, log: EventLog, door: Door) -> None:
        self._log = log
        self._door = door

    async def join(self, request: web.Request, user: User, source_label: str) -> None:
        """Return once the event is durable; without a cookie there is no visitor to tie, and no event.

        Raises:
            LogFull, LogFailed: nothing was kept.
        """
        anonymous_id = known(request)
        if anonymous_id is None:
            return
        caller = Caller(user.user_id, user.role, user.sessions[-1].sid)
        visitor = Visitor(caller, anonymous_id, lambda: anonymous_id)
        event = self._door.event_of(TrackItem(source_label=source_label), visitor, self._door.arrival())
        await self._log.append([encode(event)])
