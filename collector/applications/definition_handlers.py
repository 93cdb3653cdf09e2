"""The handlers of event definitions: POST /app/create_event/{app_code} and /app/{app_code}/events (R1)."""

import msgspec
from aiohttp import web

from collector.answers import empty_answer, json_answer
from collector.applications.asked_apps import AskedApps
from collector.applications.codes import RandomBytes
from collector.applications.definitions import defined, definitions_of, undefined
from collector.applications.readers import Readers
from collector.routes import Answer, JsonBody, Route, Taking
from collector.wire import apps as wire
from collector.wire.body import decode
from storage.app import EventDefinition

_define = msgspec.json.Decoder(wire.DefineBody)
DEFINE = JsonBody(lambda raw: decode(raw, _define), wire.DefineBody)


class DefinitionAnswers:
    """Define events, show and delete their definitions; an application has at most `definitions_max`."""

    def __init__(self, asked: AskedApps, readers: Readers, random_bytes: RandomBytes, *, definitions_max: int) -> None:
        self._asked = asked
        self._readers = readers
        self._random_bytes = random_bytes
        self._definitions_max = definitions_max

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        define, shown = Taking(DEFINE, self.define), {200: Answer(wire.DefinitionsAnswer)}
        return [
            Route("POST", "/app/create_event/{app_code}", define, "user", {200: Answer(wire.Defined)}),
            Route("GET", "/app/{app_code}/events", self.show, "reader", shown),
            Route("DELETE", "/app/{app_code}/events/{event_code}", self.delete, "user", {204: Answer()}),
        ]

    async def define(self, request: web.Request, body: wire.DefineBody) -> web.Response:
        """Define events by their names; one that is defined already gets these attrs and keeps its event_code."""
        new = definitions_of(body.events, self._random_bytes)
        app = await self._asked.change(
            request,
            lambda one: defined(one, new, definitions_max=self._definitions_max),
            "app_updated",
            "definitions",
        )
        code_of = {one.name: one.event_code for one in app.definitions}
        codes = [code_of[one.name] for one in new]
        return json_answer(wire.Defined(codes[0], app.app_code, codes if len(codes) > 1 else None))

    async def show(self, request: web.Request) -> web.Response:
        """Show the event definitions, the oldest first, to the owner or by a read token of the scope definitions."""
        app = await self._readers.app_of(request, request.match_info["app_code"], "definitions")
        return json_answer(wire.DefinitionsAnswer(app.app_code, app.mode, [_shown(one) for one in app.definitions]))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete an event definition; its events stay."""
        event_code = request.match_info["event_code"]
        await self._asked.change(request, lambda one: undefined(one, event_code), "app_updated", "definitions")
        return empty_answer()


def _shown(definition: EventDefinition) -> wire.DefinitionShown:
    attrs = [wire.AttrShape(one.name, one.type) for one in definition.attrs]
    return wire.DefinitionShown(definition.event_code, definition.name, attrs)
