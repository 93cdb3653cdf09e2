"""`footfall receipt`: where an item is that was answered with this receipt."""

from collector.wire.receipt import ReceiptReport
from console.answers import escaped, read
from console.client import Client
from console.report import Report
from console.table import fields


async def receipt(client: Client, text: str, *, as_json: bool) -> Report:
    """Return what became of the item; degraded where it is lost or the receipt was never given. Raises as `get` does."""
    raw = await client.get(f"admin/receipts/{text}")
    found = read(raw, ReceiptReport)
    shown = f"{escaped(raw)}\n" if as_json else fields(_pairs(found))
    return Report(shown, degraded=found.status in ("lost", "unknown"))


def _pairs(found: ReceiptReport) -> list[tuple[str, str]]:
    pairs = [("receipt", found.receipt), ("status", found.status)]
    if found.position is not None:
        pairs.append(("position", str(found.position)))
    if found.status == "duplicate":
        pairs.append(("repeats", found.first or "an event that is gone"))
    return pairs if found.code is None else [*pairs, ("reason", found.code)]
