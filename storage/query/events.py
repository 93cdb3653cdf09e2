"""Which events a question is about, and their export."""

from datetime import datetime

import msgspec

CHUNK_BYTES = 256 * 1024
"""The longest chunk of an export, unless one line alone is longer."""


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events: every given member must match. Times are UTC; `from_time` is included, `to_time` is not."""

    app_code: str
    source_label: str | None = None
    user_id: str | None = None
    page_url: str | None = None
    from_time: datetime | None = None
    to_time: datetime | None = None


class ExportQuery(msgspec.Struct, frozen=True, kw_only=True, tag="export"):
    """Every event that matches, in load order, as NDJSON in the member names of POST /track; or of one visitor alone."""

    where: EventFilter
    anonymous_id: str | None = None
