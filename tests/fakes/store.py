"""A store in plain Python: EventSink and EventStore in one object, for tests of what stands in front of a store."""

import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace

from storage import cursor
from storage.errors import StorageError
from storage.event import Event, RejectedItem, encode
from storage.health import StoreHealth
from storage.named import named_in, senders
from storage.ports import LogPosition, LogRange
from storage.query.erasure import Person
from storage.query.events import CHUNK_BYTES, EventFilter, ExportQuery
from storage.query.metrics import MetricsPage, MetricsQuery
from storage.query.pivot import Pivot, PivotQuery
from storage.query.receipts import ReceiptAnswer, ReceiptQuery
from storage.query.rejected import (
    PersonRejectedQuery,
    RejectedPage,
    RejectedQuery,
    RejectedRaw,
    RejectedRawQuery,
    RejectedRow,
)
from storage.query.visits import (
    BreakdownPage,
    BreakdownQuery,
    BreakdownRow,
    PageCount,
    Summary,
    SummaryQuery,
    VisitRow,
    VisitsPage,
    VisitsQuery,
)
from tests.fakes import enrichment, metrics, pivot
from tests.fakes.stored import Stored

LOG_ID = "0000000001-fake"


class MemoryStore:
    """Questions ask `_owned` or `_counted`: whose an anonymous event is follows from all events there are."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._rows: list[Stored] = []
        self._ledger: list[LogRange] = []
        self._loaded_at: datetime | None = None
        self._rejected: list[tuple[int, int, RejectedRow, bytes]] = []
        self._refused: dict[str, RejectedItem] = {}
        self._repeats: list[Stored] = []

    def put(self, *items: Event | RejectedItem, duplicates: int = 0) -> None:
        """Load the items as the next batch of one log."""
        start = self.positions()[LOG_ID].next_offset if self._ledger else 0
        byte_end = self._ledger[-1].byte_end + 1 if self._ledger else 1
        batch = LogRange(
            log_id=LOG_ID,
            from_offset=start,
            to_offset=start + len(items) - 1,
            segment=1,
            byte_end=byte_end,
            duplicates=duplicates,
        )
        self._apply(batch, [b'{"offset":%d,' % (start + index) + encode(item)[1:] for index, item in enumerate(items)])

    def check(self) -> None:
        pass

    def positions(self) -> dict[str, LogPosition]:
        return {
            one.log_id: LogPosition(
                log_id=one.log_id,
                next_offset=one.to_offset + 1,
                segment=one.segment,
                byte_end=one.byte_end,
            )
            for one in self._ledger
        }

    def apply(self, batch: LogRange, lines: Path) -> None:
        *whole, rest = lines.read_bytes().split(b"\n")
        if rest:
            raise StorageError("the last line is cut")
        self._apply(batch, whole)

    def checkpoint(self) -> None:
        pass

    def _apply(self, batch: LogRange, lines: list[bytes]) -> None:
        self._check_follows(batch)
        items = [_item(line, offset) for offset, line in enumerate(lines, batch.from_offset)]
        if not batch.is_lost and sorted(offset for offset, _ in items) != list(
            range(batch.from_offset, batch.to_offset + 1)
        ):
            raise StorageError("the lines are not the range's")
        before: list[Stored] = []
        kept: list[Stored] = []
        for offset, item in sorted(items, key=lambda one: one[0]):
            if isinstance(item, RejectedItem):
                row = _rejected_row(len(self._ledger) + 1, offset, batch.log_id, item)
                self._rejected.append((row.position, offset, row, item.rejected_raw.encode()))
                self._refused[row.receipt] = item
                continue
            row = Stored(len(self._ledger) + 1, batch.log_id, offset, item)
            if any(_repeats(row, earlier) for earlier in [*self._rows, *before]):
                self._repeats.append(row)
            else:
                kept.append(row)
            before.append(row)
        self._rows += kept
        self._ledger.append(batch)
        self._loaded_at = self._clock()

    def _check_follows(self, batch: LogRange) -> None:
        last = self.positions().get(batch.log_id)
        expected, end = (last.next_offset, (last.segment, last.byte_end)) if last else (0, (0, 0))
        if batch.from_offset != expected or (batch.segment, batch.byte_end) <= end:
            raise StorageError(f"the range does not follow what is loaded: expected offset {expected} behind {end}")

    async def visits(self, query: VisitsQuery) -> VisitsPage:
        rows = sorted(self._pageviews(query.where), key=lambda row: row.place, reverse=True)
        if query.after is not None:
            after = cursor.decode(query.after, query, tuple[datetime, int, int])
            rows = [row for row in rows if row.place < after]
        shown = rows[: query.limit]
        following = cursor.encode(shown[-1].place, query) if len(rows) > query.limit else None
        return VisitsPage([_visit(row) for row in shown], following)

    async def breakdown(self, query: BreakdownQuery) -> BreakdownPage:
        cells: dict[tuple[str | None, ...], list[Stored]] = defaultdict(list)
        for row in self._pageviews(query.where):
            cells[tuple(_key(row, dimension) for dimension in query.by)].append(row)
        rows = [BreakdownRow(list(keys), len(found), _persons(found)) for keys, found in cells.items()]
        rows.sort(key=lambda row: _order(query, row.visits, row.keys))
        if query.after is not None:
            visits, keys = cursor.decode(query.after, query, tuple[int, list[str | None]])
            rows = [row for row in rows if _order(query, row.visits, row.keys) > _order(query, visits, keys)]
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        return BreakdownPage(shown, cursor.encode((shown[-1].visits, shown[-1].keys), query) if more else None)

    async def summary(self, query: SummaryQuery) -> Summary:
        rows = self._pageviews(query.where)
        pages: dict[str, list[Stored]] = defaultdict(list)
        for row in rows:
            pages[row.event.page_url or ""].append(row)
        counts = [PageCount(page, len(found), _persons(found)) for page, found in pages.items()]
        counts.sort(key=lambda page: (-page.visits, page.page_url))
        return Summary(len(rows), _persons(rows), counts[: query.pages])

    async def metrics(self, query: MetricsQuery) -> MetricsPage:
        return metrics.page(self._counted(), len(self._ledger), query)

    async def pivot(self, query: PivotQuery) -> Pivot:
        return pivot.pivot(self._counted(), query)

    async def export(self, query: ExportQuery | PersonRejectedQuery) -> AsyncGenerator[bytes, None]:
        chunk = b""
        for one in self._exported(query):
            line = msgspec.json.encode(one) + b"\n"
            if chunk and len(chunk) + len(line) > CHUNK_BYTES:
                yield chunk
                chunk = b""
            chunk += line
        if chunk:
            yield chunk

    def _exported(self, query: ExportQuery | PersonRejectedQuery) -> Iterator[dict[str, object]]:
        if isinstance(query, PersonRejectedQuery):
            yield from self._rejected_of(query.person)
            return
        for row in self._owned():
            is_asked = query.anonymous_id in (None, row.event.anonymous_id)
            if is_asked and _matches(row, query.where):
                yield _exported(row)

    def _rejected_of(self, person: Person) -> Iterator[dict[str, object]]:
        meant = {person}
        if person.user_id is not None:
            owned = [row.event for row in self._owned() if row.event.user_id == person.user_id]
            meant |= {Person(person.app_code, None, event.anonymous_id) for event in owned if event.anonymous_id}
        for receipt, item in self._refused.items():
            people = senders(item.app_code, item.user_id, item.anonymous_id)
            if item.rejected_raw and not meant.isdisjoint([*people, *named_in(item.rejected_raw, item.app_code)]):
                told = {"code": item.rejected_code, "received_at": item.received_at, "raw": item.rejected_raw}
                yield {"receipt": receipt} | told

    async def receipt(self, query: ReceiptQuery) -> ReceiptAnswer:
        loads = enumerate(self._ledger, 1)
        taken = (
            (position, one)
            for position, one in loads
            if one.log_id == query.log_id and one.from_offset <= query.offset <= one.to_offset
        )
        position, load = next(taken, (None, None))
        if load is None or load.is_lost:
            return ReceiptAnswer(status="unloaded" if load is None else "lost", position=position)
        place = (position, query.offset)
        for row in self._repeats:
            if (row.position, row.offset) == place:
                return ReceiptAnswer(status="duplicate", position=position, first=self._first_of(row))
        for at, offset, row, _ in self._rejected:
            if (at, offset) == place:
                return ReceiptAnswer(status="rejected", position=position, code=row.code)
        return ReceiptAnswer(status="stored", position=position)

    def _first_of(self, repeat: Stored) -> str:
        event = repeat.event
        first = max(
            (row.position, row.offset, row.log_id)
            for row in self._rows
            if (row.event.app_code, row.event.event_id) == (event.app_code, event.event_id)
            and (row.position, row.offset) < (repeat.position, repeat.offset)
            and event.occurred_at in (None, row.event.occurred_at)
        )
        return f"{first[2]}:{first[1]}"

    async def rejected(self, query: RejectedQuery) -> RejectedPage:
        items = sorted(self._rejected, key=lambda one: one[:2], reverse=True)
        if query.app_code is not None:
            items = [one for one in items if one[2].app_code == query.app_code]
        if query.code is not None:
            items = [one for one in items if one[2].code == query.code]
        if query.after is not None:
            after = cursor.decode(query.after, query, tuple[int, int])
            items = [one for one in items if one[:2] < after]
        shown = items[: query.limit]
        following = cursor.encode(shown[-1][:2], query) if len(items) > query.limit else None
        return RejectedPage([row for _, _, row, _ in shown], following)

    async def rejected_raw(self, query: RejectedRawQuery) -> RejectedRaw:
        for _, _, row, raw in self._rejected:
            if row.receipt == f"{query.log_id}:{query.offset}":
                return RejectedRaw(row, raw)
        return RejectedRaw(None, None)

    async def health(self) -> StoreHealth:
        duplicates = len(self._repeats) + sum(batch.duplicates for batch in self._ledger)
        return StoreHealth(
            position=len(self._ledger),
            n_rows=len(self._rows),
            n_rejected=len(self._rejected),
            n_duplicates=duplicates,
            n_lost=sum(batch.count for batch in self._ledger if batch.is_lost),
            door_duplicates=sum(batch.duplicates for batch in self._ledger),
            lines=sum(position.next_offset for position in self.positions().values()),
            loaded_at=self._loaded_at,
            marked=dict(Counter(mark for row in self._rows for mark in _marks(row.event))),
        )

    def _pageviews(self, where: EventFilter) -> list[Stored]:
        return [row for row in self._counted() if row.is_pageview and _matches(row, where)]

    def _counted(self) -> list[Stored]:
        return [row for row in self._owned() if enrichment.filtered(row.event) is None]

    def _owned(self) -> list[Stored]:
        owners: dict[tuple[str, str | None], str] = {}
        for row in sorted(self._rows, key=lambda row: (row.event.received_at, row.log_id, row.offset)):
            if row.event.user_id is not None and _unguessable(row.event.anonymous_id):
                owners.setdefault((row.event.app_code, row.event.anonymous_id), row.event.user_id)
        return [_owned(row, owners) for row in self._rows]


def _rejected_row(position: int, offset: int, log_id: str, item: RejectedItem) -> RejectedRow:
    return RejectedRow(
        receipt=f"{log_id}:{offset}",
        position=position,
        app_code=item.app_code,
        code=item.rejected_code,
        reason=item.rejected_reason,
        received_at=item.received_at,
        raw_bytes=len(item.rejected_raw.encode()),
        has_raw=True,
    )


def _owned(row: Stored, owners: dict[tuple[str, str | None], str]) -> Stored:
    event = row.event
    if event.user_id is not None or event.anonymous_id is None:
        return row
    owner = owners.get((event.app_code, event.anonymous_id))
    return replace(row, event=replace(event, user_id=owner))


def _unguessable(anonymous_id: str | None) -> bool:
    try:
        found = uuid.UUID(anonymous_id or "")
    except ValueError:
        return False
    return str(found) == anonymous_id and found.version in (4, 7)


UNREADABLE = "unreadable"


def _item(line: bytes, offset: int) -> tuple[int, Event | RejectedItem]:
    try:
        members = msgspec.json.decode(line, type=dict[str, object])
        shape = RejectedItem if "rejected_code" in members else Event
        return msgspec.convert(members["offset"], int), msgspec.convert(members, shape)
    except msgspec.DecodeError:
        return offset, RejectedItem(
            UNREADABLE, line.decode("utf-8", "replace"), "site", datetime.min.replace(tzinfo=UTC)
        )


def _repeats(row: Stored, earlier: Stored) -> bool:
    event, first = row.event, earlier.event
    if not event.id_given or (event.app_code, event.event_id) != (first.app_code, first.event_id):
        return False
    if event.occurred_at is not None:
        return first.occurred_at == event.occurred_at
    return first.received_at > event.received_at - timedelta(hours=24)


def _matches(row: Stored, where: EventFilter) -> bool:
    event = row.event
    return (
        event.app_code == where.app_code
        and where.source_label in (None, event.source_label)
        and where.user_id in (None, event.user_id)
        and where.page_url in (None, event.page_url)
        and (where.from_time is None or row.occurred_at >= where.from_time)
        and (where.to_time is None or row.occurred_at < where.to_time)
    )


def _key(row: Stored, dimension: str) -> str | None:
    at = row.occurred_at
    match dimension:
        case "user":
            return row.event.user_id
        case "page":
            return row.event.page_url
        case "hour":
            return f"{at.date()}T{at.hour:02}:00:00Z"
        case "week":
            return str(at.date() - timedelta(days=at.weekday()))
        case "month":
            return str(at.date())[:7]
    return str(at.date())


def _order(query: BreakdownQuery, visits: int, keys: list[str | None]) -> tuple[object, ...]:
    named = list(zip(query.by, keys, strict=True))
    periods = [key for name, key in named if name not in ("user", "page")]
    return (*periods, -visits, *((key is None, key or "") for name, key in named if name in ("user", "page")))


def _persons(rows: Iterable[Stored]) -> int:
    return len({row.person for row in rows} - {None})


def _visit(row: Stored) -> VisitRow:
    return VisitRow(row.event.user_id, row.event.anonymous_id, row.event.page_url, row.occurred_at)


def _marks(event: Event) -> list[str]:
    marks = [enrichment.filtered(event), event.signal, None if event.violation is None else "violation"]
    return [mark for mark in marks if mark is not None]


def _exported(row: Stored) -> dict[str, object]:
    event = row.event
    members: dict[str, object] = {
        "receipt": f"{row.log_id}:{row.offset}",
        "received_at": event.received_at,
        "app_code": event.app_code,
        "event_id": event.event_id,
        "source_label": event.source_label,
        "id_user": event.user_id,
        "anonymous_id": event.anonymous_id,
        "date_created": event.occurred_at,
        "sent_at": event.sent_at,
        "page_url": event.page_url,
        "referrer": event.referrer,
        "title": event.title,
        "attrs": event.attrs,
        "occurred_at": row.occurred_at if row.clock else None,
        "clock": row.clock,
        "user_agent": event.user_agent,
        "country": event.country,
        "filtered": enrichment.filtered(event),
        "signal": event.signal,
        "violation": event.violation,
    }
    return {name: member for name, member in members.items() if member is not None}
