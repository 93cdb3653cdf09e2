"""The event: one action of a person, and its single encoding as a line of the log."""

from datetime import datetime

import msgspec

PAGEVIEW = "pageview"
"""The source_label that makes an event with a page_url a pageview."""

ENGAGEMENT = "engagement"
"""The source_label by which the tracker tells how long a page was looked at."""

BUILT_IN_APP = "site"
"""The app_code of events that name no application."""

ADDRESS_BLOCKED, HOSTNAME_FOREIGN = "address", "hostname"
FILTERED_AT_DOOR = (ADDRESS_BLOCKED, HOSTNAME_FOREIGN)
"""Rules that the door marks events by: the address is blocked, the page's host is none of the application's."""

CLOCK_SKEW_S = 60
"""A client's clock may be off by so much, the way of the event included; what is off by more is corrected or clamped."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One accepted action.

    Times are aware datetimes in UTC, and here as the client sent them: the store sets `occurred_at` right where the clock
    that made it was off. `occurred_at` is None when the client sent no time: the event then counts as having happened
    when it was received. `id_given` is true when the client chose `event_id`: only such an event can
    repeat an earlier one.

    What only the door can know is frozen here: `country` (ISO 3166-1, two letters) of an address that is not kept,
    `filtered` (FILTERED_AT_DOOR: why the event counts in no statistics), `signal` (the browser's wish that was honoured:
    `dnt` or `gpc`), `violation` (the path and code of what breaks the event's definition, in mode warn).
    """

    event_id: str
    app_code: str
    source_label: str
    received_at: datetime
    occurred_at: datetime | None = None
    sent_at: datetime | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    page_url: str | None = None
    referrer: str | None = None
    title: str | None = None
    attrs: dict[str, object] | None = None
    id_given: bool = False
    user_agent: str | None = None
    country: str | None = None
    filtered: str | None = None
    signal: str | None = None
    violation: str | None = None


class RejectedItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item refused at the door inside an accepted request: why, and the first bytes of what was sent.

    `rejected_reason` is the path of what is wrong in it, None where that is all of it.
    `user_id` and `anonymous_id` are its sender's, where one was known: what a person sent goes with the person.
    """

    rejected_code: str
    rejected_raw: str
    app_code: str
    received_at: datetime
    user_id: str | None = None
    anonymous_id: str | None = None
    rejected_reason: str | None = None


_encoder = msgspec.json.Encoder()


def encode(item: Event | RejectedItem) -> bytes:
    """Return the item as one JSON object without a line end; the log adds the offset in front."""
    return _encoder.encode(item)
