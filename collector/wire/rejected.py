"""Rejected items, as administrators see them: GET /admin/rejected."""

from datetime import datetime
from typing import Annotated

import msgspec

from collector.wire.statistics import Cursor, Limit
from collector.wire.tracking import Identifier

RejectedCode = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class RejectedParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of GET /admin/rejected, and of the replay of all that it lists."""

    app_code: Identifier | None = None
    code: RejectedCode | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class RejectedItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item and why it was rejected; `app_code` and `received_at` are null where its line cannot be read.

    `reason` is the path of what is wrong in it, null where that is all of it; of a line that cannot be read it is a text.
    `raw_bytes` of it are in the log; `has_raw` says whether the store keeps them too. `position` is the load's.
    """

    receipt: str
    position: int
    app_code: str | None
    code: str
    reason: str | None
    received_at: datetime | None
    raw_bytes: int
    has_raw: bool


class RejectedReport(msgspec.Struct, frozen=True, kw_only=True):
    """One item with its bytes as text, U+FFFD where they are no UTF-8; `raw` is null where they are not kept."""

    item: RejectedItem
    raw: str | None


class RejectedAnswer(msgspec.Struct, frozen=True):
    """Rejected items, last loaded first; `next` is the cursor of the next page."""

    rows: list[RejectedItem]
    next: str | None


class Refusal(msgspec.Struct, frozen=True):
    """An item that was not replayed, and why."""

    receipt: str
    code: str
    message: str


class ReplayedPage(msgspec.Struct, frozen=True):
    """How many items of a page went through the door again, and those that did not; `next` is the cursor of the rest."""

    replayed: int
    refused: list[Refusal]
    next: str | None
