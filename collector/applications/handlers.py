"""The handlers of POST /app/create, GET /app and /app/{app_code} (R1)."""

import msgspec
from aiohttp import web
from msgspec.structs import replace

from collector.answers import empty_answer, json_answer
from collector.applications.asked_apps import AskedApps
from collector.applications.readers import Readers
from collector.identity.caller import CALLER
from collector.routes import Answer, JsonBody, Route, Taking
from collector.wire import apps as wire
from collector.wire.body import decode
from storage.account_ports import AppStore
from storage.app import App

_create = msgspec.json.Decoder(wire.CreateBody)
_patch = msgspec.json.Decoder(wire.AppPatch)
CREATE = JsonBody(lambda raw: decode(raw, _create), wire.CreateBody)
PATCH = JsonBody(lambda raw: decode(raw, _patch), wire.AppPatch)
SHOWN = {200: Answer(wire.AppShown)}


class AppAnswers:
    """Make, show, change and delete applications."""

    def __init__(self, apps: AppStore, asked: AskedApps, readers: Readers) -> None:
        self._apps = apps
        self._asked = asked
        self._readers = readers

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [
            Route("POST", "/app/create", Taking(CREATE, self.create), "user", {200: Answer(wire.Created)}),
            Route("GET", "/app", self.own, "user", {200: Answer(wire.AppsAnswer)}),
            Route("GET", "/app/{app_code}", self.show, "reader", SHOWN),
            Route("PATCH", "/app/{app_code}", Taking(PATCH, self.change), "user", SHOWN),
            Route("DELETE", "/app/{app_code}", self.delete, "user", {204: Answer()}),
        ]

    async def create(self, request: web.Request, body: wire.CreateBody) -> web.Response:
        """Make an application of the caller's."""
        app = await self._asked.create(request, body.app_name)
        return json_answer(wire.Created(app.write_tokens[0].token, app.app_code))

    async def own(self, request: web.Request) -> web.Response:
        """List the caller's applications, the oldest first."""
        return json_answer(wire.AppsAnswer([shown(app) for app in self._apps.of_owner(request[CALLER].user_id)]))

    async def show(self, request: web.Request) -> web.Response:
        """Show one application with its api_tokens, to its owner or by a read token of the scope definitions."""
        return json_answer(shown(await self._readers.app_of(request, request.match_info["app_code"], "definitions")))

    async def change(self, request: web.Request, patch: wire.AppPatch) -> web.Response:
        """Change what is sent: name, mode, visitors, origins, hostnames."""
        members = _members(patch)
        app = await self._asked.change(request, lambda one: replace(one, **members), "app_updated", " ".join(members))
        return json_answer(shown(app))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete an application with its tokens; its events stay."""
        await self._asked.delete(request)
        return empty_answer()


def shown(app: App) -> wire.AppShown:
    """Return an application as its owner sees it."""
    tokens = [wire.WriteTokenShown(one.token_id, one.token, one.created_at) for one in app.write_tokens]
    return wire.AppShown(
        app_code=app.app_code,
        app_name=app.app_name,
        api_token=tokens[0].api_token,
        created_at=app.created_at,
        tokens=tokens,
        origins=list(app.origins),
        hostnames=list(app.hostnames),
        mode=app.mode,
        visitors=app.visitors,
    )


def _members(patch: wire.AppPatch) -> dict[str, object]:
    """Return what is sent; of what is listed each once, in its order."""
    sent = {name: value for name, value in msgspec.structs.asdict(patch).items() if value is not None}
    return {name: tuple(dict.fromkeys(value)) if isinstance(value, list) else value for name, value in sent.items()}
