"""A rejected item once more through the door: for when a rule, a limit or the loader refused it and no longer would."""

import msgspec
from msgspec.structs import replace

from collector.tracking.definitions import VIOLATIONS
from collector.tracking.door import Door
from collector.tracking.visitor import Visitor
from collector.wire.body import decode
from collector.wire.problem import BodyMalformed, RequestError
from collector.wire.tracking import Accepted, read_item
from storage.account_ports import AppStore
from storage.app import App
from storage.event import Event
from storage.ports import EventLog
from storage.query.rejected import UNREADABLE, RejectedRow

_line = msgspec.json.Decoder(Event)


class NotReplayable(RequestError):
    """The bytes of the item are not there, or are cut, or its application is gone (409)."""

    code = "not_replayable"


class Replay:
    """Makes events of rejected items and appends them to the log; what was rejected stays as it is."""

    def __init__(self, log: EventLog, door: Door, apps: AppStore, built_in: App) -> None:
        self._log = log
        self._door = door
        self._apps = apps
        self._built_in = built_in

    async def replay(self, row: RejectedRow, raw: bytes | None) -> Accepted:
        """Return once the event is durable; another replay of the same item becomes a repeat of it in the store.

        Raises:
            NotReplayable: the bytes are not there, or are no JSON, or the application is gone.
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
        if row.code == UNREADABLE:
            return _again(raw)
        app = self._app_of(row.app_code)
        if row.code in VIOLATIONS:
            return self._door.checked(replace(_again(raw), violation=None), app)
        item = read_item(raw)
        # Who sent it is not kept: nobody but whom it names, and no new visitor either.
        event = self._door.event_of(item, Visitor(None, None, None, app), self._door.arrival())
        return replace(
            event,
            event_id=item.event_id or row.receipt,
            occurred_at=event.occurred_at or row.received_at,
            id_given=True,
        )

    def _app_of(self, app_code: str | None) -> App:
        app = self._apps.by_code(app_code) if app_code and app_code != self._built_in.app_code else self._built_in
        if app is None:
            raise NotReplayable(f"there is no application {app_code} any more")
        return app


def _again(raw: bytes) -> Event:
    """Return the event that the door has made before, of its line."""
    event = decode(raw, _line)
    return replace(event, occurred_at=event.occurred_at or event.received_at, id_given=True)
