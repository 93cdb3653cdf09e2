"""POST /track, POST /visits and GET /pages: decode, stamp, append, answer once it is on disk."""

from typing import Literal

from aiohttp import hdrs, web
from multidict import istr

from collector.answers import accepted_answer, json_answer, tracked_answer
from collector.identity.caller import Authenticate, NotYours, TokenInvalid
from collector.routes import Answer, JsonBody, Route, Taking
from collector.tracking.batch import Batch
from collector.tracking.door import Door, in_utc
from collector.tracking.recent import RecentIds
from collector.tracking.visitor import Visitor, Visitors
from collector.wire import tracking as wire
from storage.event import PAGEVIEW, Event
from storage.ports import EventLog

ACCEPTED = 202

# One action or an array is told apart, and read, where the answer is made of it.
ACTIONS = JsonBody(bytes, wire.TrackItem, is_open=True, items_max=wire.ITEMS_MAX)
VISIT = JsonBody(wire.read_visit, wire.Visit, is_open=True)
X_API_TOKEN = istr("X-Api-Token")


class ApiTokenUnknown(TokenInvalid):
    """X-Api-Token names no application (401)."""

    code = "api_token_unknown"


class Tracking:
    """The handlers of tracking; every 202 means that the log said durable."""

    def __init__(
        self,
        log: EventLog,
        door: Door,
        recent: RecentIds,
        visitors: Visitors,
        authenticate: Authenticate,
        *,
        rejected_raw_bytes_max: int,
    ) -> None:
        self._log = log
        self._door = door
        self._recent = recent
        self._visitors = visitors
        self._authenticate = authenticate
        self._rejected_raw_bytes_max = rejected_raw_bytes_max

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [
            Route("POST", "/track", Taking(ACTIONS, self.track), "anyone", {ACCEPTED: Answer(*wire.TRACKED)}),
            Route("POST", "/visits", Taking(VISIT, self.visit), "anyone", {ACCEPTED: Answer(wire.Accepted)}),
            Route("GET", "/pages/{path:.*}", self.page, "anyone", {ACCEPTED: Answer(wire.Accepted)}),
        ]

    async def track(self, request: web.Request, raw: bytes) -> web.Response:
        """Take one action, or an array of up to a thousand."""
        visitor = await self._visitor(request)
        if raw.lstrip()[:1] == b"[":
            return await self._take_many(raw, visitor)
        return await self._take_one(wire.read_item(raw), visitor)

    async def visit(self, request: web.Request, visit: wire.Visit) -> web.Response:
        """Take one pageview; a signed-in caller may name no other user."""
        visitor = await self._visitor(request)
        caller = visitor.caller
        if caller and visit.user_id is not None and str(visit.user_id) != caller.user_id:
            raise NotYours("user_id is another user's")
        item = wire.TrackItem(
            source_label=PAGEVIEW,
            page_url=visit.page_url,
            id_user=visit.user_id,
            date_created=in_utc(visit.timestamp, "timestamp"),
            attrs=visit.attrs,
        )
        return await self._take_one(item, visitor)

    async def page(self, request: web.Request) -> web.Response:
        """Take the request itself as a pageview of its path, without its query; HEAD asks and is not one."""
        if request.method == hdrs.METH_HEAD:
            return json_answer(None)
        visit = wire.read_page(request.rel_url.raw_path)
        visitor = await self._visitor(request)
        return await self._take_one(wire.TrackItem(source_label=PAGEVIEW, page_url=visit.page_url), visitor)

    async def _visitor(self, request: web.Request) -> Visitor:
        headers = request.headers
        if X_API_TOKEN in headers:
            raise ApiTokenUnknown("no application has this X-Api-Token")
        caller = await self._authenticate(request) if hdrs.AUTHORIZATION in headers else None
        return self._visitors.of(request, caller)

    async def _take_one(self, item: wire.TrackItem, visitor: Visitor) -> web.Response:
        event = self._door.event_of(item, visitor, self._door.arrival())
        line = self._door.line_of(event)
        key = (event.app_code, event.event_id)
        first = self._recent.offset_of(key) if event.id_given else None
        if first is not None:
            await self._log.append([], duplicates=1)
            return self._accepted("duplicate", event, first, visitor)
        offset = await self._log.append([line])
        if event.id_given:
            self._recent.remember(key, offset)
        return self._accepted("accepted", event, offset, visitor)

    def _accepted(
        self, status: Literal["accepted", "duplicate"], event: Event, offset: int, visitor: Visitor
    ) -> web.Response:
        body = wire.Accepted(status, event.event_id, f"{self._log.log_id}:{offset}")
        return tracked_answer(body, self._visitors.cookie(visitor)) if visitor.is_new else accepted_answer(body)

    async def _take_many(self, raw: bytes, visitor: Visitor) -> web.Response:
        batch = Batch(
            self._door,
            self._recent,
            visitor,
            log_id=self._log.log_id,
            rejected_raw_bytes_max=self._rejected_raw_bytes_max,
        )
        batch.read(raw)
        first = await self._log.append(batch.lines, rejected=batch.rejected, duplicates=batch.duplicates)
        cookie = self._visitors.cookie(visitor) if visitor.is_new else {}
        return tracked_answer(batch.result(first), cookie)
