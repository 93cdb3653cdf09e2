"""What became of single lines of the logs: receipts and rejected items, read with a reader's cursor."""

from collections.abc import Callable, Mapping
from datetime import UTC

import msgspec

from storage import cursor
from storage.duckdb.breakdown import Count
from storage.duckdb.statement import Row, statement
from storage.query.receipts import ReceiptAnswer, ReceiptQuery
from storage.query.rejected import RejectedPage, RejectedQuery, RejectedRaw, RejectedRawQuery, RejectedRow

Rows = Callable[[str, Mapping[str, object]], list[Row]]
"""Runs a statement with its parameters."""


class RejectedPlace(msgspec.Struct, frozen=True, array_like=True):
    """The place of a rejected item: all that the order looks at."""

    position: Count
    offset: Count


def receipt(rows: Rows, query: ReceiptQuery) -> ReceiptAnswer:
    """Return what became of a line; several statements, which must see one state of the store."""
    loads = rows(statement("receipt_load"), {"log_id": query.log_id, "offset": query.offset})
    if not loads:
        return ReceiptAnswer(status="unloaded")
    ((position, n_lost),) = loads
    if n_lost:
        return ReceiptAnswer(status="lost", position=position)
    place = {"position": position, "offset": query.offset}
    ((status, code),) = rows(statement("receipt"), place)
    first = rows(statement("repeated"), place) if status == "duplicate" else []
    return ReceiptAnswer(status=status, position=position, first=first[0][0] if first else None, code=code)


def rejected(rows: Rows, query: RejectedQuery) -> RejectedPage:
    """Return rejected items, last loaded first."""
    place = cursor.decode(query.after, query, RejectedPlace) if query.after is not None else None
    after = {"after_position": place and place.position, "after_offset": place and place.offset}
    which = {"app_code": query.app_code, "code": query.code}
    found = rows(statement("rejected"), after | which | {"limit": query.limit + 1})
    shown = [_rejected_row(row) for row in found[: query.limit]]
    if len(found) <= query.limit:
        return RejectedPage(shown, None)
    _, offset, position, *_ = found[query.limit - 1]
    return RejectedPage(shown, cursor.encode(RejectedPlace(position, offset), query))


def rejected_raw(rows: Rows, query: RejectedRawQuery) -> RejectedRaw:
    """Return one rejected item and what was sent."""
    found = rows(statement("rejected_raw"), {"log_id": query.log_id, "offset": query.offset})
    if not found:
        return RejectedRaw(None, None)
    ((*members, raw),) = found
    return RejectedRaw(_rejected_row(tuple(members)), raw)


def _rejected_row(row: Row) -> RejectedRow:
    log_id, offset, position, app_code, code, reason, received_at, raw_bytes, has_raw = row
    return RejectedRow(
        receipt=f"{log_id}:{offset}",
        position=position,
        app_code=app_code,
        code=code,
        reason=reason,
        received_at=received_at and received_at.replace(tzinfo=UTC),
        raw_bytes=raw_bytes,
        has_raw=has_raw,
    )
