"""What became of one line of a log."""

from typing import Literal

import msgspec


class ReceiptQuery(msgspec.Struct, frozen=True, tag="receipt"):
    """What became of one line of a log."""

    log_id: str
    offset: int


class ReceiptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a line went; `unloaded`: the store has not taken it, and does not know whether there is one.

    `position` is the load's. Of a repeat `first` is the receipt of the row that it repeats, None where that has gone
    meanwhile; `code` is why an item was rejected.
    """

    status: Literal["stored", "duplicate", "rejected", "lost", "unloaded"]
    position: int | None = None
    first: str | None = None
    code: str | None = None
