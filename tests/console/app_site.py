"""The daemon's routes about applications, as the contract says, over those that a test has in its hands."""

from datetime import timedelta

import msgspec
from aiohttp import web

from collector.wire.apps import (
    AdminApp,
    AdminAppsAnswer,
    AppPatch,
    AppsAnswer,
    AppShown,
    AppsParameters,
    CreateBody,
    Created,
    DefineBody,
    Defined,
    DefinitionsAnswer,
    DefinitionShown,
    WriteTokenShown,
)
from tests.console.site import NOW, Site, problem

BUILT_IN = AdminApp(
    app_code="site",
    app_name="site",
    owner_id=None,
    owner=None,
    created_at=NOW,
    mode="off",
    visitors="cookie",
    origins=[],
    hostnames=[],
    tokens=0,
    definitions=0,
)


def token(number=1):
    return WriteTokenShown(f"t{number}", f"ffw_{number:032x}", NOW - timedelta(days=10 - number))


def application(number=1, **members):
    code = f"shop{number}-{number:08x}-0000-4000-8000-{number:012x}"
    known = {"app_code": code, "app_name": f"Shop {number}", "api_token": token(number).api_token}
    known |= {"created_at": NOW - timedelta(days=20 - number), "tokens": [token(number)], "origins": []}
    return AppShown(**(known | {"hostnames": [], "mode": "off", "visitors": "cookie"} | members))


class AppSite(Site):
    """`done` keeps what was done to applications, `pivots` what pivots were asked; all of them are of who asks."""

    def __init__(self):
        super().__init__()
        self.apps = {one.app_code: one for one in map(application, range(1, 4))}
        self.apps_most = 1000
        self.owners = {}
        self.definitions = {}
        self.pivot = [
            {"user_code": "ann", "resistor": 11, "diode": 235, "transistor": 14},
            {"user_code": "bo", "diode": 9},
        ]
        self.pivots = []
        self.pivot_refusal = None
        self.done = []
        self.admin_refusal = None

    def change_app(self, app_code, **members):
        """Have the application be otherwise."""
        self.apps[app_code] = msgspec.structs.replace(self.apps[app_code], **members)

    def define(self, app_code, *shapes):
        """Have these events defined: those of a name that is there already are repaired."""
        known = {one.name: one for one in self.definitions.get(app_code, [])}
        for shape in shapes:
            code = known[shape.name].event_code if shape.name in known else f"event{len(known)}"
            known[shape.name] = DefinitionShown(code, shape.name, shape.attrs)
        self.definitions[app_code] = list(known.values())
        return [known[shape.name].event_code for shape in shapes]

    async def every_app(self, request):
        asked = msgspec.convert(dict(request.query), AppsParameters)
        found = [BUILT_IN, *map(self._of_admin, self.apps.values())]
        taken = [one for one in found if (asked.search or "").lower() in one.app_name.lower()]
        return answer(AdminAppsAnswer(taken[: self.apps_most], len(taken)))

    def _of_admin(self, app):
        names = ("app_code", "app_name", "created_at", "mode", "visitors", "origins", "hostnames")
        return AdminApp(
            **{name: getattr(app, name) for name in names},
            owner_id="00",
            owner=self.owners.get(app.app_code, "boss"),
            tokens=len(app.tokens),
            definitions=len(self.definitions.get(app.app_code, [])),
        )

    async def own_apps(self, request):
        return answer(AppsAnswer(list(self.apps.values())))

    async def shown(self, request):
        return answer(self.apps[request.match_info["app_code"]])

    async def create(self, request):
        body = msgspec.json.decode(await request.read(), type=CreateBody)
        self.done.append(("create", body.app_name))
        if self.admin_refusal:
            return problem(*self.admin_refusal)
        made = application(len(self.apps) + 1, app_name=body.app_name)
        self.apps[made.app_code] = made
        return answer(Created(made.api_token, made.app_code))

    async def rotate(self, request):
        app = self.apps[request.match_info["app_code"]]
        made = token(9)
        self.done.append(("rotate", app.app_code))
        self.change_app(app.app_code, tokens=[made, *app.tokens], api_token=made.api_token)
        return answer(Created(made.api_token, app.app_code))

    async def revoke(self, request):
        app, token_id = self.apps[request.match_info["app_code"]], request.match_info["token_id"]
        self.done.append(("revoke", app.app_code, token_id))
        if len(app.tokens) == 1:
            return problem(409, "last_token")
        self.change_app(app.app_code, tokens=[one for one in app.tokens if one.token_id != token_id])
        return web.Response(status=204)

    async def patch(self, request):
        body, app_code = await request.read(), request.match_info["app_code"]
        self.done.append(("patch", app_code, msgspec.json.decode(body)))
        if self.admin_refusal:
            return problem(*self.admin_refusal)
        patch = msgspec.json.decode(body, type=AppPatch)
        members = {name: getattr(patch, name) for name in patch.__struct_fields__}
        self.change_app(app_code, **{name: value for name, value in members.items() if value is not None})
        return answer(self.apps[app_code])

    async def remove(self, request):
        self.done.append(("remove", request.match_info["app_code"]))
        del self.apps[request.match_info["app_code"]]
        return web.Response(status=204)

    async def defined(self, request):
        app = self.apps[request.match_info["app_code"]]
        return answer(DefinitionsAnswer(app.app_code, app.mode, self.definitions.get(app.app_code, [])))

    async def create_event(self, request):
        body = msgspec.json.decode(await request.read(), type=DefineBody)
        app_code = request.match_info["app_code"]
        self.done.append(("define", app_code, msgspec.to_builtins(body.events)))
        codes = self.define(app_code, *body.events)
        return answer(Defined(codes[0], app_code))

    async def undefine(self, request):
        app_code, event_code = request.match_info["app_code"], request.match_info["event_code"]
        self.done.append(("undefine", app_code, event_code))
        self.definitions[app_code] = [one for one in self.definitions[app_code] if one.event_code != event_code]
        return web.Response(status=204)

    async def analytics(self, request):
        self.pivots.append((*request.match_info.values(), dict(request.query)))
        return problem(*self.pivot_refusal) if self.pivot_refusal else answer(self.pivot)

    def app(self):
        app = super().app()
        one = "/app/{app_code}"
        app.router.add_get("/admin/apps", self.admin(self.every_app))
        app.router.add_post("/app/create", self.signed(self.create))
        app.router.add_post("/app/create_event/{app_code}", self.signed(self.create_event))
        app.router.add_get("/app", self.signed(self.own_apps))
        app.router.add_get(one, self.signed(self.shown))
        app.router.add_patch(one, self.signed(self.patch))
        app.router.add_delete(one, self.signed(self.remove))
        app.router.add_post(f"{one}/token/rotate", self.signed(self.rotate))
        app.router.add_delete(f"{one}/token/{{token_id}}", self.signed(self.revoke))
        app.router.add_get(f"{one}/events", self.signed(self.defined))
        app.router.add_delete(f"{one}/events/{{event_code}}", self.signed(self.undefine))
        app.router.add_get("/analytics/{app_code}/{event_code}", self.signed(self.analytics))
        return app

    def signed(self, handler):
        async def guarded(request):
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                return problem(401, "invalid_token")
            if request.match_info.get("app_code", next(iter(self.apps), None)) not in (*self.apps, None):
                return problem(404, "app_unknown")
            return await handler(request)

        return guarded

    def admin(self, handler):
        async def guarded(request):
            return await handler(request) if self.role == "admin" else problem(403, "insufficient_scope")

        return self.signed(guarded)


def answer(found):
    # json escapes lone surrogates, which msgspec refuses to encode: a daemon of another make might send them.
    return web.json_response(msgspec.to_builtins(found))
