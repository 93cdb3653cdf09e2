"""The people of an application: all that is held about one of them, and its erasure; for the owner and administrators."""

import contextlib
import http
from collections.abc import AsyncGenerator, Sequence

import msgspec
from aiohttp import web

from collector.answers import HEADERS, json_answer
from collector.applications.readers import owned
from collector.identity.audit import Audit
from collector.identity.caller import CALLER
from collector.identity.erasure import Erasure
from collector.identity.origin import Origins
from collector.identity.profile import RequireChange
from collector.privacy.person_export import PersonExport
from collector.routes import Answer, JsonBody, QueryString, Route, Taking
from collector.streaming import stream
from collector.tracking.visitor import of_app
from collector.wire import people as wire
from collector.wire.body import decode
from collector.wire.problem import BodyInvalid, QueryInvalid
from storage.account_ports import AppStore
from storage.event import BUILT_IN_APP
from storage.query.erasure import Person

NDJSON = "application/x-ndjson"
EXPORT_HEADERS = {**HEADERS, "Content-Type": NDJSON, "Content-Disposition": 'attachment; filename="person.ndjson"'}

_of_app = msgspec.json.Decoder(wire.PersonOfApp)
_of_any = msgspec.json.Decoder(wire.PersonOfAny)
OF_APP = JsonBody(lambda raw: decode(raw, _of_app), wire.PersonOfApp)
OF_ANY = JsonBody(lambda raw: decode(raw, _of_any), wire.PersonOfAny)
EXPORTED = {200: Answer(media=NDJSON)}
ERASING: dict[int, Answer] = {http.HTTPStatus.ACCEPTED: Answer(wire.Erasing)}


class PeopleAnswers:
    """The handlers; what is shown or erased is on record first, a person without an account by a keyed hash."""

    def __init__(
        self,
        apps: AppStore,
        export: PersonExport,
        erasure: Erasure,
        audit: Audit,
        *,
        require_change: RequireChange,
        origins: Origins,
    ) -> None:
        self._apps = apps
        self._require_change = require_change
        self._export = export
        self._erasure = erasure
        self._audit = audit
        self._origins = origins

    def routes(self) -> list[Route]:
        """Return the rows of the table of routes."""
        export = Taking(QueryString(wire.PersonOfApp), self.export_of_app)
        export_any = Taking(QueryString(wire.PersonOfAny), self.export_of_any)
        erase, erase_any = Taking(OF_APP, self.erase_of_app), Taking(OF_ANY, self.erase_of_any)
        return [
            Route("GET", "/app/{app_code}/people/export", export, "user", EXPORTED),
            Route("POST", "/app/{app_code}/people/erase", erase, "user", ERASING),
            Route("GET", "/admin/export/person", export_any, "admin", EXPORTED),
            Route("POST", "/admin/erase", erase_any, "admin", ERASING),
        ]

    async def export_of_app(self, request: web.Request, who: wire.PersonOfApp) -> web.StreamResponse:
        """Answer all that is held about a person of one's own application, as lines of JSON."""
        return await self._exported(request, self._app_code(request), who)

    async def export_of_any(self, request: web.Request, who: wire.PersonOfAny) -> web.StreamResponse:
        """Answer all that is held about a person of any application, with the account there, as lines of JSON."""
        return await self._exported(request, who.app_code, who)

    async def erase_of_app(self, request: web.Request, who: wire.PersonOfApp) -> web.Response:
        """Erase a person of one's own application from log, archive, rejected items and statistics."""
        return await self._erased(request, self._app_code(request), who)

    async def erase_of_any(self, request: web.Request, who: wire.PersonOfAny) -> web.Response:
        """Erase a person of any application, with the account where there is one."""
        return await self._erased(request, who.app_code, who)

    def _app_code(self, request: web.Request) -> str:
        return owned(self._apps, request.match_info["app_code"], request[CALLER]).app_code

    async def _exported(self, request: web.Request, app_code: str, who: wire.PersonOfApp) -> web.StreamResponse:
        if wrong := wire.wrong_choice(who, "?"):
            raise QueryInvalid([wrong])
        caller, origin = request[CALLER], self._origins.of(request)
        await self._require_change(caller, "export of a person", origin)
        await self._audit.record(
            "sensitive_read",
            "success",
            origin,
            actor=caller.user_id,
            name=who.user_id or who.anonymous_id,
            sid=caller.sid or None,
            note=f"export of a person of {app_code}",
        )
        async with contextlib.aclosing(self._lines(_meant(app_code, who))) as lines:
            return await stream(request, lines, EXPORT_HEADERS)

    async def _lines(self, people: Sequence[Person]) -> AsyncGenerator[bytes, None]:
        for person in people:
            async with contextlib.aclosing(self._export.lines(person)) as lines:
                async for chunk in lines:
                    yield chunk

    async def _erased(self, request: web.Request, app_code: str, who: wire.PersonOfApp) -> web.Response:
        if wrong := wire.wrong_choice(who, "$."):
            raise BodyInvalid([wrong])
        caller, origin = request[CALLER], self._origins.of(request)
        await self._require_change(caller, "erasure of a person", origin)
        person, *others = _meant(app_code, who)
        await self._erasure.erase(person, origin, by=caller)
        for other in others:
            await self._erasure.erase_person(other)
        return json_answer(wire.Erasing(), http.HTTPStatus.ACCEPTED)


def _meant(app_code: str, who: wire.PersonOfApp) -> list[Person]:
    """Return the person; of a visitor also whom an application knows by it, where it is what the browser keeps."""
    meant = [Person(app_code, who.user_id, who.anonymous_id)]
    if who.anonymous_id is not None and app_code != BUILT_IN_APP:
        meant.append(Person(app_code, None, of_app(who.anonymous_id, app_code)))
    return meant
