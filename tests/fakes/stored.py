"""One event as the fake of a store keeps it."""

from datetime import datetime

import msgspec

from storage.event import PAGEVIEW, Event


class Stored(msgspec.Struct, frozen=True):
    position: int
    log_id: str
    offset: int
    event: Event

    @property
    def occurred_at(self) -> datetime:
        return self.event.occurred_at or self.event.received_at

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
