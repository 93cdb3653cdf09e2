"""POST /track, POST /visits and GET /pages: decode, stamp, append, answer once it is on disk."""

from aiohttp import hdrs, web

from collector.answers import accepted_answer, json_answer, tracked_answer
from collector.identity.caller import NotYours
from collector.routes import Answer, Route, Taking
from collector.tracking.bodies import TrackingBody
from collector.tracking.door import in_utc
from collector.tracking.intake import Intake
from collector.tracking.senders import Senders
from collector.tracking.visitor import Visitor, Visitors
from collector.wire import tracking as wire
from storage.event import PAGEVIEW

ACCEPTED = 202

# One action or an array is told apart, and read, where the answer is made of it.
ACTIONS = TrackingBody(bytes, wire.TrackItem, is_open=True, items_max=wire.ITEMS_MAX)
VISIT = TrackingBody(wire.read_visit, wire.Visit, is_open=True)


class Tracking:
    """The handlers of tracking; every 202 means that the log said durable."""

    def __init__(self, intake: Intake, senders: Senders, visitors: Visitors) -> None:
        self._intake = intake
        self._senders = senders
        self._visitors = visitors

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [
            Route("POST", "/track", Taking(ACTIONS, self.track), "anyone", {ACCEPTED: Answer(*wire.TRACKED)}),
            Route("POST", "/visits", Taking(VISIT, self.visit), "anyone", {ACCEPTED: Answer(wire.Accepted)}),
            Route("GET", "/pages/{path:.*}", self.page, "anyone", {ACCEPTED: Answer(wire.Accepted)}),
        ]

    async def track(self, request: web.Request, raw: bytes) -> web.Response:
        """Take one action, or an array of up to a thousand."""
        visitor = await self._senders.of(request)
        if raw.lstrip()[:1] == b"[":
            return await self._take_many(raw, visitor)
        return await self._take_one(wire.read_item(raw), visitor)

    async def visit(self, request: web.Request, visit: wire.Visit) -> web.Response:
        """Take one pageview; a signed-in caller may name no other user."""
        visitor = await self._senders.of(request)
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
        visitor = await self._senders.of(request)
        return await self._take_one(wire.TrackItem(source_label=PAGEVIEW, page_url=visit.page_url), visitor)

    async def _take_one(self, item: wire.TrackItem, visitor: Visitor) -> web.Response:
        taken = await self._intake.take_one(item, visitor)
        return tracked_answer(taken, self._visitors.cookie(visitor)) if visitor.is_new else accepted_answer(taken)

    async def _take_many(self, raw: bytes, visitor: Visitor) -> web.Response:
        batch = self._intake.batch(visitor)
        batch.read(raw)
        taken = await self._intake.take_many(batch)
        return tracked_answer(taken, self._visitors.cookie(visitor) if visitor.is_new else {})
