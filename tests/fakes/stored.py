"""One event as the fake of a store keeps it."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from storage.event import PAGEVIEW, Event

MINUTE = timedelta(minutes=1)
FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, tzinfo=UTC)


class Stored(msgspec.Struct, frozen=True):
    position: int
    log_id: str
    offset: int
    event: Event

    @property
    def occurred_at(self) -> datetime:
        return self._timed[0]

    @property
    def clock(self) -> Literal["corrected", "clamped"] | None:
        return self._timed[1]

    @property
    def _timed(self) -> tuple[datetime, Literal["corrected", "clamped"] | None]:
        event = self.event
        if event.occurred_at is None:
            return event.received_at, None
        off = event.received_at - (event.sent_at or event.received_at)
        try:
            at = event.occurred_at + off if abs(off) > MINUTE else event.occurred_at
        except OverflowError:
            at = LAST if off > timedelta(0) else FIRST
        if at - event.received_at > MINUTE:
            return event.received_at, "clamped"
        return at, None if at == event.occurred_at else "corrected"

    @property
    def place(self) -> tuple[datetime, int, int]:
        return self.occurred_at, self.position, self.offset

    @property
    def person(self) -> tuple[str, str] | None:
        if self.event.user_id is not None:
            return "user", self.event.user_id
        return None if self.event.anonymous_id is None else ("visitor", self.event.anonymous_id)

    @property
    def is_pageview(self) -> bool:
        return self.event.source_label == PAGEVIEW and self.event.page_url is not None
