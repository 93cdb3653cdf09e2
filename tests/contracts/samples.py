"""Events of the contract suite, and whole answers put together from pages."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import msgspec

from storage.event import Event, RejectedItem
from storage.ports import EventStore
from storage.query.events import EventFilter, ExportQuery
from storage.query.visits import BreakdownQuery, BreakdownRow, Dimension, VisitRow, VisitsQuery

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday
SITE = EventFilter(app_code="site")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_ids = iter(range(10**9))


def event(**members: object) -> Event:
    """Return an event of ours: received at noon, or when it happened if that is later."""
    occurred_at = members.get("occurred_at")
    return msgspec.convert(
        {
            "event_id": f"00000000-0000-7000-8000-{next(_ids):012x}",
            "app_code": "site",
            "source_label": "pageview",
            "received_at": max(NOON, occurred_at) if isinstance(occurred_at, datetime) else NOON,
            **members,
        },
        Event,
    )


def visitor_id(name: str) -> str:
    """Return an anonymous_id as a browser gets it, the same for the same name."""
    return str(uuid.UUID(bytes=hashlib.md5(name.encode()).digest(), version=4))


def given_id(event_id: str, **members: object) -> Event:
    return event(event_id=event_id, id_given=True, **members)


def rejected(code: str = "attrs_too_many") -> RejectedItem:
    return RejectedItem(
        rejected_code=code, rejected_raw='{"x":', app_code="site", received_at=NOON, rejected_reason="$.x"
    )


async def exported(store: EventStore, where: EventFilter = SITE) -> list[dict[str, object]]:
    chunks = [chunk async for chunk in store.export(ExportQuery(where=where))]
    return [msgspec.json.decode(line) for line in b"".join(chunks).splitlines()]


async def all_visits(store: EventStore, limit: int, where: EventFilter = SITE) -> list[VisitRow]:
    rows: list[VisitRow] = []
    after = None
    while True:
        page = await store.visits(VisitsQuery(where=where, limit=limit, after=after))
        assert 0 < len(page.rows) <= limit or not rows
        rows += page.rows
        after = page.next
        if after is None:
            return rows


async def all_cells(store: EventStore, by: tuple[Dimension, ...], limit: int = 100) -> list[BreakdownRow]:
    rows: list[BreakdownRow] = []
    after = None
    while True:
        page = await store.breakdown(BreakdownQuery(where=SITE, by=by, limit=limit, after=after))
        rows += page.rows
        after = page.next
        if after is None:
            return rows
