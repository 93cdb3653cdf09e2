"""GET /admin/auth-events: the audit log for administrators, and the check of its chain."""

import msgspec
from aiohttp import web

from collector.answers import json_answer
from collector.routes import Answer, QueryString, Route, Taking
from collector.wire import audit as wire
from storage.account_ports import AuditLog
from storage.audit import AuditEntry, AuditFilter


class AuthEventAnswers:
    """The handlers of the audit log."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        page = Taking(QueryString(wire.AuthEventsParameters), self.page)
        return [
            Route("GET", "/admin/auth-events", page, "admin", {200: Answer(wire.AuthEventsAnswer)}),
            Route("GET", "/admin/auth-events/check", self.check, "admin", {200: Answer(wire.AuditReport)}),
        ]

    async def page(self, _: web.Request, parameters: wire.AuthEventsParameters) -> web.Response:
        """Answer what happened to accounts, the newest first."""
        wanted = msgspec.convert(parameters, AuditFilter, from_attributes=True)
        found = await self._audit.page(wanted, limit=parameters.limit)
        return json_answer(wire.AuthEventsAnswer([_event(entry) for entry in found.entries], found.before))

    async def check(self, _: web.Request) -> web.Response:
        """Answer whether every entry is there and as it was written."""
        finding = await self._audit.check()
        return json_answer(wire.AuditReport(finding.rows, finding.damage))


def _event(entry: AuditEntry) -> wire.AuthEvent:
    return wire.AuthEvent(number=entry.number, **msgspec.structs.asdict(entry.row))
