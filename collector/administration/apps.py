"""GET /admin/apps: every application and whose it is; what is done to one goes by /app."""

from collections.abc import Iterable

from aiohttp import web

from collector.answers import json_answer
from collector.routes import Answer, QueryString, Route, Taking
from collector.wire import apps as wire
from storage.account_ports import AppStore, UserStore
from storage.app import App
from storage.errors import UserFileCorrupt

ASKED = QueryString(wire.AppsParameters)


class AdminAppAnswers:
    """The handler; `built_in` is listed before all others."""

    def __init__(self, apps: AppStore, users: UserStore, built_in: App) -> None:
        self._apps = apps
        self._users = users
        self._built_in = built_in

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        return [Route("GET", "/admin/apps", Taking(ASKED, self.page), "admin", {200: Answer(wire.AdminAppsAnswer)})]

    async def page(self, _: web.Request, asked: wire.AppsParameters) -> web.Response:
        """List applications, the built-in one first, then the oldest."""
        found = [app for app in (self._built_in, *self._apps.every()) if _is_asked_for(app, asked.search)]
        shown = found[: asked.limit]
        names = await self._names(app.owner_id for app in shown)
        return json_answer(wire.AdminAppsAnswer([_listed(app, names) for app in shown], len(found)))

    async def _names(self, user_ids: Iterable[str | None]) -> dict[str | None, str | None]:
        return {user_id: await self._name(user_id) for user_id in set(user_ids) if user_id is not None}

    async def _name(self, user_id: str) -> str | None:
        try:
            user = await self._users.by_id(user_id)
        except UserFileCorrupt:
            return None  # one damaged account hides no application
        return None if user is None else user.nickname or user.email


def _is_asked_for(app: App, search: str | None) -> bool:
    if search is None:
        return True
    return search.casefold() in app.app_name.casefold() or search in (app.app_code, app.owner_id)


def _listed(app: App, names: dict[str | None, str | None]) -> wire.AdminApp:
    return wire.AdminApp(
        app_code=app.app_code,
        app_name=app.app_name,
        owner_id=app.owner_id,
        owner=names.get(app.owner_id),
        created_at=app.created_at,
        mode=app.mode,
        visitors=app.visitors,
        origins=list(app.origins),
        hostnames=list(app.hostnames),
        tokens=len(app.write_tokens),
        definitions=len(app.definitions),
    )
