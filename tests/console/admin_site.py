"""The daemon's routes for administrators, as the contract says, over users and entries that a test has in its hands."""

import asyncio
from datetime import timedelta

import msgspec
from aiohttp import web

from collector.wire.audit import AuditReport, AuthEvent, AuthEventsAnswer, AuthEventsParameters
from collector.wire.rejected import RejectedAnswer, RejectedItem, RejectedReport
from collector.wire.tracking import Accepted
from collector.wire.users import (
    Activity,
    AdminSession,
    AdminUser,
    RoleBody,
    UserReport,
    UsersAnswer,
    UsersParameters,
)
from tests.console.app_site import AppSite, answer
from tests.console.site import NOW, problem


def user(number=1, **members):
    seen = NOW - timedelta(minutes=number)
    known = {"user_id": f"{number:032x}", "role": "user", "nickname": f"user{number:03}", "email": None}
    times = {"created_at": NOW - timedelta(days=400 - number), "last_seen_at": seen, "blocked_at": None}
    return AdminUser(**(known | times | members))


def entry(number=1, **members):
    known = {
        "at": NOW - timedelta(minutes=100 - number),
        "event": "authn_login_success",
        "outcome": "success",
        "actor": f"{number:032x}",
        "subject": None,
        "name": None,
        "peer": "192.0.2.7",
        "user_agent": "curl/8",
        "sid": f"{number + 1000:032x}",
        "request_id": f"{number + 2000:032x}",
        "note": "",
    }
    return AuthEvent(number=number, **(known | members))


def rejected(number=1, **members):
    known = {"receipt": f"0000000001-a:{number}", "position": 3, "app_code": "site", "code": "field_wrong"}
    known |= {"reason": "source_label: is missing", "received_at": NOW - timedelta(minutes=number), "raw_bytes": 120}
    return RejectedItem(**(known | {"has_raw": True} | members))


class AdminSite(AppSite):
    """`refused_again` are receipts that a replay refuses; `done` keeps what was done to users; `gate`, while it is not set, holds answers of lists back."""

    def __init__(self):
        super().__init__()
        self.users = {one.user_id: one for one in map(user, range(1, 31))}
        self.rejected = [rejected(number) for number in range(1, 13)]
        self.sample = '{"page_url": "/"}'
        self.refused_again = set()
        self.replays = []
        self.entries = [entry(number) for number in range(1, 31)]
        self.person = {"firstname": "Anna", "lastname": None}
        self.sessions = []
        self.activity = []
        self.page_size = 10
        self.damage = None
        self.lists = []
        self.gate = asyncio.Event()
        self.gate.set()

    def change(self, number, **members):
        """Have the user of that number be otherwise."""
        found = self.users[f"{number:032x}"]
        self.users[found.user_id] = msgspec.structs.replace(found, **members)

    async def page(self, request):
        asked = msgspec.convert(dict(request.query), UsersParameters, strict=False)
        self.lists.append(asked)
        await self.gate.wait()
        found = sorted((one for one in self.users.values() if _takes(asked, one)), key=_key(asked))
        if asked.order == "desc":
            found.reverse()
        start = int(asked.cursor or 0)
        end = start + self.page_size
        return answer(UsersAnswer(found[start:end], str(end) if end < len(found) else None, len(found)))

    async def report(self, request):
        found = self.users.get(request.match_info["user_id"])
        if found is None:
            return problem(404, "user_unknown")
        return answer(UserReport(user=found, **self.person, sessions=self.sessions, activity=self.activity))

    async def deed(self, request):
        body = await request.read()
        role = msgspec.json.decode(body, type=RoleBody).role if body else ""
        self.done.append((request.method, request.path, role))
        if self.admin_refusal:
            return problem(*self.admin_refusal)
        number = int(request.match_info["user_id"], 16)
        if request.path.endswith("/block"):
            self.change(number, blocked_at=NOW if request.method == "PUT" else None)
        elif role:
            self.change(number, role=role)
        elif not request.path.endswith("/sessions"):
            del self.users[request.match_info["user_id"]]
        return web.Response(status=204)

    async def auth_events(self, request):
        asked = msgspec.convert(dict(request.query), AuthEventsParameters, strict=False)
        self.lists.append(asked)
        await self.gate.wait()
        found = [one for one in reversed(self.entries) if _is_asked(asked, one)]
        shown = found[: self.page_size]
        return answer(AuthEventsAnswer(shown, shown[-1].number if len(found) > len(shown) else None))

    async def rejected_items(self, request):
        asked = dict(request.query)
        self.lists.append(asked)
        await self.gate.wait()
        wanted = {name: asked[name] for name in ("app_code", "code") if name in asked}
        found = [one for one in self.rejected if all(getattr(one, name) == value for name, value in wanted.items())]
        start = int(asked.get("cursor", 0))
        end = start + self.page_size
        return answer(RejectedAnswer(found[start:end], str(end) if end < len(found) else None))

    async def rejected_item(self, request):
        found = [one for one in self.rejected if one.receipt == request.match_info["receipt"]]
        return answer(RejectedReport(item=found[0], raw=self.sample)) if found else problem(404, "rejected_unknown")

    async def replay(self, request):
        receipt = request.match_info["receipt"]
        self.replays.append(receipt)
        if self.admin_refusal:
            return problem(*self.admin_refusal)
        if receipt in self.refused_again:
            return problem(422, "attr_type_wrong")
        status = "duplicate" if self.replays.count(receipt) > 1 else "accepted"
        return web.json_response(msgspec.to_builtins(Accepted(status, "e1", f"{receipt}0")), status=202)

    async def check(self, request):
        return answer(AuditReport(len(self.entries), self.damage))

    def app(self):
        app = super().app()
        one = "/admin/users/{user_id}"
        app.router.add_get("/admin/users", self.admin(self.page))
        app.router.add_get(one, self.admin(self.report))
        for method, path in (("PUT", "/block"), ("DELETE", "/block"), ("PUT", "/role"), ("DELETE", "/sessions")):
            app.router.add_route(method, one + path, self.admin(self.deed))
        app.router.add_delete(one, self.admin(self.deed))
        app.router.add_get("/admin/rejected", self.admin(self.rejected_items))
        app.router.add_get("/admin/rejected/{receipt}", self.admin(self.rejected_item))
        app.router.add_post("/admin/rejected/{receipt}/replay", self.admin(self.replay))
        app.router.add_get("/admin/auth-events", self.admin(self.auth_events))
        app.router.add_get("/admin/auth-events/check", self.admin(self.check))
        return app


def session(number=1, **members):
    known = {"sid": f"{number:032x}", "created_at": NOW, "expires_at": NOW + timedelta(days=7)}
    return AdminSession(**(known | {"peer": "192.0.2.9", "user_agent": "Firefox"} | members))


def seen(page_url):
    return Activity(page_url=page_url, timestamp=NOW)


def _takes(asked, one):
    never, blocked = one.last_seen_at is None, one.blocked_at is not None
    states = {None: True, "never_signed_in": never, "blocked": blocked, "inactive": not never and _old(asked, one)}
    name = f"{one.nickname or ''} {one.email or ''} {one.user_id}".casefold()
    return (asked.search or "").casefold() in name and asked.role in (None, one.role) and states[asked.state]


def _old(asked, one):
    return one.last_seen_at < NOW - timedelta(days=asked.inactive_days)


def _key(asked):
    return {
        "name": lambda one: one.nickname or one.email or "",
        "created": lambda one: one.created_at,
        "last_seen": lambda one: one.last_seen_at or NOW - timedelta(days=9999),
    }[asked.sort]


def _is_asked(asked, one):
    return (
        asked.event in (None, one.event)
        and asked.outcome in (None, one.outcome)
        and asked.user_id in (None, one.actor, one.subject)
        and asked.peer in (None, one.peer)
        and (asked.before is None or one.number < asked.before)
    )
