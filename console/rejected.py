"""What administrators ask about rejected items, and their replay."""

from collections.abc import Iterable
from typing import NamedTuple

from collector.wire.rejected import RejectedAnswer, RejectedItem, RejectedReport
from collector.wire.tracking import Accepted
from console.answers import read
from console.asks import Asks
from console.errors import Refused
from console.figures import ABSENT

PAGE_ITEMS = 100


class RejectedAsked(NamedTuple):
    """Which items: those of all that is given."""

    app_code: str | None = None
    code: str | None = None

    @property
    def words(self) -> str:
        """The same for a person."""
        parts = [f"app {self.app_code}"] if self.app_code else []
        return " · ".join([*parts, self.code] if self.code else parts) or "everything"

    def parameters(self, cursor: str | None, limit: int = PAGE_ITEMS) -> dict[str, str]:
        """Return the parameters of GET /admin/rejected for the page behind the cursor."""
        asked = {"app_code": self.app_code, "code": self.code, "cursor": cursor, "limit": str(limit)}
        return {name: value for name, value in asked.items() if value is not None}


EVERYTHING = RejectedAsked()


class Replayed(NamedTuple):
    """What became of one item: the answer to its replay, or why it was refused."""

    receipt: str
    accepted: Accepted | None
    refusal: str = ""


def narrowings(shown: Iterable[RejectedItem], asked: RejectedAsked) -> list[RejectedAsked]:
    """Return what can be asked for: the applications and codes of those shown, each beside what is asked already."""
    shown = list(shown)
    apps = sorted({one.app_code for one in shown if one.app_code})
    codes = sorted({one.code for one in shown})
    found = [EVERYTHING, asked, *(asked._replace(app_code=one) for one in apps)]
    return list(dict.fromkeys([*found, *(asked._replace(code=one) for one in codes)]))


async def rejected(client: Asks, asked: RejectedAsked, cursor: str | None) -> RejectedAnswer:
    """Return a page of items, the last loaded first; raises as `Client.get` does."""
    return read(await client.get("admin/rejected", asked.parameters(cursor)), RejectedAnswer)


async def report(client: Asks, receipt: str) -> RejectedReport:
    """Return one item with what was sent; raises as `Client.get` does."""
    return read(await client.get(f"admin/rejected/{receipt}", {}), RejectedReport)


async def replay(client: Asks, receipts: Iterable[str]) -> list[Replayed]:
    """Send items through the door again, one by one.

    An item that is refused does not stop the others; raises as `Client.get` does for what is no refusal of an item.
    """
    return [await _replay(client, one) for one in receipts]


async def _replay(client: Asks, receipt: str) -> Replayed:
    try:
        return Replayed(receipt, read(await client.post(f"admin/rejected/{receipt}/replay"), Accepted))
    except Refused as refused:
        if refused.status in STOPPING:
            raise
        return Replayed(receipt, None, str(refused))


STOPPING = frozenset({401, 403, 429, 503})
"""The statuses that are about who asks or how the daemon is: the next item would hear the same."""


def summary(found: list[Replayed]) -> str:
    """Return in words how many of them came to what."""
    counts = {"accepted": 0, "duplicate": 0, "refused": 0}
    for one in found:
        counts[one.accepted.status if one.accepted else "refused"] += 1
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)


def fields_of(found: RejectedReport) -> list[tuple[str, str]]:
    """Return the whole of an item, name by name, what was sent at the end."""
    item = found.item
    return [
        *(("receipt", item.receipt), ("app_code", item.app_code or ABSENT), ("code", item.code)),
        *(("reason", item.reason or ABSENT), ("position", str(item.position))),
        ("received", f"{item.received_at:%Y-%m-%d %H:%M:%S}" if item.received_at else ABSENT),
        ("sent", f"{item.raw_bytes} bytes" if found.raw is not None else f"{item.raw_bytes} bytes, which are not kept"),
        *([] if found.raw is None else [("", found.raw)]),
    ]
