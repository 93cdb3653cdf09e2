"""A receipt and what became of the item it was given for."""

import re
from typing import Literal

import msgspec

from collector.wire.problem import FieldError, QueryInvalid

LOG_ID_CHARACTERS_MAX = 64

PATTERN = rf"([0-9a-z-]{{1,{LOG_ID_CHARACTERS_MAX}}}):(0|[1-9][0-9]{{0,17}})"
_RECEIPT = re.compile(PATTERN, re.ASCII)


class ReceiptReport(msgspec.Struct, frozen=True, kw_only=True):
    """Where an item is.

    `pending` is durable in the log and not loaded yet; `unknown` is a receipt that was never given. `position` is the
    load's, `first` the receipt of the row that a duplicate repeats, `code` why an item was rejected.
    """

    receipt: str
    status: Literal["pending", "stored", "duplicate", "rejected", "lost", "unknown"]
    position: int | None = None
    first: str | None = None
    code: str | None = None


def read_receipt(text: str) -> tuple[str, int]:
    """Return the log_id and the offset of a receipt; QueryInvalid for any other text."""
    found = _RECEIPT.fullmatch(text)
    if found is None:
        raise QueryInvalid([FieldError("/receipt", "wrong_value", "a receipt looks like <log_id>:<offset>")])
    return found[1], int(found[2])
