"""Plausible's event API: its trackers work unchanged."""

from aiohttp import web

from collector.answers import text_answer
from collector.routes import Answer, Route, Taking
from collector.tracking.bodies import TrackingBody
from collector.tracking.intake import Intake
from collector.tracking.senders import ApiTokenUnknown, Senders
from collector.tracking.visitor import Visitor
from collector.wire import plausible as wire
from collector.wire.problem import BodyInvalid

EVENT = TrackingBody(bytes, wire.PlausibleEvent, is_open=True)
ACCEPTED = 202


class Plausible:
    """The handler of Plausible's API; 202 means that the event is on the disk."""

    def __init__(self, intake: Intake, senders: Senders) -> None:
        self._intake = intake
        self._senders = senders

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        taken = {ACCEPTED: Answer(media="text/plain")}
        return [Route("POST", "/api/event", Taking(EVENT, self.event), "anyone", taken)]

    async def event(self, request: web.Request, raw: bytes) -> web.Response:
        """Take an event of Plausible's API, once for each application that its domains stand for."""
        try:
            sent = wire.read_event(raw)
            for visitor in await self._visitors(request, sent):
                await self._intake.take_one(sent.item, visitor)
        except BodyInvalid as error:
            raise wire.EventInvalid(error.errors) from None
        return text_answer("ok", ACCEPTED)

    async def _visitors(self, request: web.Request, sent: wire.Sent) -> list[Visitor]:
        """Return the sender to each application; ApiTokenUnknown where none of the domains is any application's."""
        found: dict[str, Visitor] = {}
        unknown: list[ApiTokenUnknown] = []
        for domain in sent.domains:
            try:
                visitor = await self._senders.of_cookieless(request, domain, sent.host)
            except ApiTokenUnknown as error:
                unknown.append(error)
            else:
                found[visitor.app.app_code] = visitor
        if not found:
            raise unknown[0]
        return list(found.values())
