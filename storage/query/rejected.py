"""Items that were answered 2xx and are no events: which ones, and what was sent."""

from datetime import datetime

import msgspec

from storage.query.erasure import Person

UNREADABLE = "unreadable"
"""The code of a rejected item that is a line of the log and no item (rule R10)."""


class RejectedQuery(msgspec.Struct, frozen=True, kw_only=True, tag="rejected"):
    """Rejected items of an application, or of all, last loaded first. `after` is the `next` of the previous answer."""

    limit: int
    app_code: str | None = None
    code: str | None = None
    after: str | None = None


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rejected item; `app_code` and `received_at` are None where its line cannot be read.

    `raw_bytes` were kept in the log; `has_raw` says whether the store has them too.
    """

    receipt: str
    position: int
    app_code: str | None
    code: str
    reason: str | None
    received_at: datetime | None
    raw_bytes: int
    has_raw: bool


class RejectedPage(msgspec.Struct, frozen=True):
    """A page of rejected items; `next` is None on the last one."""

    rows: list[RejectedRow]
    next: str | None


class RejectedRawQuery(msgspec.Struct, frozen=True, tag="rejected_raw"):
    """One rejected item by its receipt, with what was sent."""

    log_id: str
    offset: int


class RejectedRaw(msgspec.Struct, frozen=True):
    """The item, None where there is no such one, and its bytes, None where they were not kept.

    What was refused at the door is cut to `tracking.rejected_raw_bytes_max`; a line that cannot be read is whole.
    """

    item: RejectedRow | None
    raw: bytes | None


class PersonRejectedQuery(msgspec.Struct, frozen=True, tag="person_rejected"):
    """Every rejected item that a person sent, or that names the person or a visitor of theirs, as NDJSON."""

    person: Person
