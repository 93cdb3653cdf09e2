"""POST /device/{app_code}: R1's device service, by which an application's devices tell what their users do."""

from aiohttp import web

from collector.answers import json_answer
from collector.routes import Answer, Route, Taking
from collector.tracking.bodies import TrackingBody
from collector.tracking.intake import Intake
from collector.tracking.senders import ApiTokenUnknown, Senders
from collector.tracking.visitor import Visitor
from collector.wire.device import DeviceMessage, read_message
from collector.wire.tracking import Accepted, TrackItem

MESSAGE = TrackingBody(read_message, DeviceMessage, is_open=True)


class Devices:
    """The handler of devices' messages; every 200 means that the log said durable."""

    def __init__(self, intake: Intake, senders: Senders) -> None:
        self._intake = intake
        self._senders = senders

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        took = Taking(MESSAGE, self.message)
        return [Route("POST", "/device/{app_code}", took, "anyone", {200: Answer(Accepted)})]

    async def message(self, request: web.Request, item: TrackItem) -> web.Response:
        """Take one action of a device, by the api_token of the application in the path."""
        sender = await self._senders.of(request)
        if sender.app.is_built_in or sender.app.app_code != request.match_info["app_code"]:
            raise ApiTokenUnknown
        # The device says whose it is: a visitor made for each message would be nobody's.
        device = Visitor(sender.caller, None, None, sender.app, sender.context)
        return json_answer(await self._intake.take_one(item, device))
