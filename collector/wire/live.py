"""What GET /live sends: server-sent events, each message with what became durable since the one before."""

from datetime import datetime

import msgspec

SHUTDOWN = "shutdown"
"""The code of a stream that ends because its daemon does."""


class LiveEvent(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One event under the member names of POST /track; `date_created` only where the client sent a time.

    The last four are what the door has noted: see storage/event.py.
    """

    receipt: str
    received_at: datetime
    app_code: str
    event_id: str
    source_label: str
    id_user: str | None = None
    anonymous_id: str | None = None
    date_created: datetime | None = None
    sent_at: datetime | None = None
    page_url: str | None = None
    referrer: str | None = None
    title: str | None = None
    attrs: dict[str, object] | None = None
    country: str | None = None
    filtered: str | None = None
    signal: str | None = None
    violation: str | None = None


class LiveBatch(msgspec.Struct, frozen=True, kw_only=True):
    """One message; its SSE id is the receipt of the last item that it covers.

    `accepted`, `rejected` and `duplicates` count everything since the message before. `events` are the newest of the
    accepted ones, oldest first; `skipped` counts the accepted ones that are not shown. `at` is the daemon's clock.
    """

    at: datetime
    events: list[LiveEvent]
    accepted: int
    skipped: int
    rejected: int
    duplicates: int


class LiveEnd(msgspec.Struct, frozen=True):
    """The last message where the daemon ends the stream (SSE event `end`); `code` says why, as in a problem."""

    code: str
