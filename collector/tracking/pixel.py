"""GET /pixel.gif: one action in a query, for where no script runs: a picture in an e-mail, `<noscript>`."""

import msgspec
from aiohttp import hdrs, web

from collector.answers import GIF, picture_answer
from collector.routes import Answer, Pictured, Route
from collector.tracking.bodies import form_members
from collector.tracking.intake import Intake
from collector.tracking.senders import IN_QUERY, Senders
from collector.tracking.visitor import Visitors
from collector.wire.problem import BodyInvalid, BodyMalformed
from collector.wire.tracking import Action, TrackItem, read_item


class ActionQuery:
    """The members of one action behind the question mark; those that have no name of ours become attrs."""

    shapes = (Action,)
    errors = (BodyMalformed, BodyInvalid)

    async def read(self, request: web.Request) -> TrackItem:
        """Return the action; what is wrong with it is what would be with a form."""
        # Without its compiled parser aiohttp keeps bytes that are no UTF-8 as surrogates.
        members = form_members(request.rel_url.raw_query_string.encode(errors="surrogateescape"))
        members.pop(IN_QUERY, None)
        return read_item(msgspec.json.encode(members))


class Pixel:
    """Serves the picture; each time it is shown is an event, durable before the answer."""

    def __init__(self, intake: Intake, senders: Senders, visitors: Visitors) -> None:
        self._intake = intake
        self._senders = senders
        self._visitors = visitors

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        shown = Pictured(ActionQuery(), self.pixel)
        return [Route("GET", "/pixel.gif", shown, "anyone", {200: Answer(media=GIF)})]

    async def pixel(self, request: web.Request, item: TrackItem) -> web.Response:
        """Take one action and answer a transparent picture; HEAD asks and is none."""
        if request.method == hdrs.METH_HEAD:
            return picture_answer({})
        visitor = await self._senders.of(request)
        await self._intake.take_one(item, visitor)
        return picture_answer(self._visitors.cookie(visitor) if visitor.is_new else {})
