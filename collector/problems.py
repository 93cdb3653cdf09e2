"""The one table from exception to status and problem+json."""

import http
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import structlog
from aiohttp import web

from collector import preconditions
from collector.administration.rejected import RejectedUnknown
from collector.answers import as_picture, json_answer
from collector.applications import errors as applications
from collector.identity import caller
from collector.identity import errors as identity
from collector.limits import RateExceeded
from collector.request_id import HEADER, known_request_id, request_id
from collector.routes import Handler, Pictured
from collector.statistics.live import LiveFull
from collector.tracking.replay import NotReplayable
from collector.wire import problem as wire
from collector.wire.plausible import EventInvalid
from storage import errors as storage

log = structlog.get_logger()


class Status(NamedTuple):
    """The status and code of one error.

    `shown` is False where its text is for the operator only, `logged` True where no other log line gives it to him.
    """

    status: int
    code: str | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    shown: bool = True
    logged: bool = False


BEARER = {"WWW-Authenticate": "Bearer"}
BEARER_INVALID = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
BEARER_SCOPE = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}

TABLE: dict[type[Exception], Status] = {
    wire.BodyMalformed: Status(400),
    web.RequestPayloadError: Status(400, wire.BodyMalformed.code, shown=False),
    wire.BodyTooSlow: Status(408, headers={"Connection": "close"}),
    wire.BodyTooLarge: Status(413),
    wire.BodyTypeUnsupported: Status(415),
    wire.BodyInvalid: Status(422),
    EventInvalid: Status(400),
    wire.QueryInvalid: Status(422),
    caller.TokenMissing: Status(401, headers=BEARER),
    caller.TokenInvalid: Status(401, headers=BEARER_INVALID),
    caller.RoleInsufficient: Status(403, headers=BEARER_SCOPE),
    caller.NotYours: Status(403),
    caller.NotAuthorized: Status(403),
    identity.AuthorizationRepeated: Status(400),
    identity.CredentialsWrong: Status(401, headers=BEARER),
    identity.PasswordWrong: Status(403),
    identity.ReauthenticationRequired: Status(403),
    identity.OtpRequired: Status(401, headers=BEARER),
    identity.OtpInvalid: Status(401, headers=BEARER),
    identity.OtpWrong: Status(403),
    identity.OtpOn: Status(409),
    identity.OtpOff: Status(409),
    identity.SessionUnknown: Status(404),
    identity.UserUnknown: Status(404),
    identity.LastAdmin: Status(409),
    identity.NameTaken: Status(409),
    wire.CursorInvalid: Status(400),
    identity.HashQueueFull: Status(503),
    identity.IdentityUnreachable: Status(503),
    preconditions.PreconditionFailed: Status(412),
    preconditions.PreconditionRequired: Status(428),
    storage.AppExists: Status(400, "app_name_taken"),
    applications.AppUnknown: Status(404),
    applications.TokenUnknown: Status(404),
    applications.DefinitionUnknown: Status(404),
    applications.LastToken: Status(409),
    applications.TooManyApps: Status(409),
    applications.TooManyTokens: Status(409),
    applications.TooManyDefinitions: Status(409),
    RateExceeded: Status(429),
    LiveFull: Status(503),
    RejectedUnknown: Status(404),
    NotReplayable: Status(409),
    storage.LogFull: Status(503, "log_full", shown=False),
    storage.LogFailed: Status(503, "log_failed", shown=False),
    storage.QueryTimeout: Status(503, "query_timeout"),
    storage.StoreRebuilding: Status(503, "store_rebuilding"),
    storage.StoreDown: Status(503, "store_down", shown=False),
    storage.AuditFailed: Status(503, "audit_failed", shown=False, logged=True),
    storage.DirectoryUnusable: Status(503, "directory_unusable", shown=False, logged=True),
    storage.UserFileCorrupt: Status(503, "account_unreadable", shown=False, logged=True),
}

TOO_LARGE = http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE

RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Phrases of RFC 9110 that Python before 3.13 has older ones for."""

CATCH_ALL = "/{path}"
"""The canonical form of the route behind the table."""

RETRY_AFTER_S = (1, 5)
"""Retry-After of a 503 is drawn from this range, ends included, so that clients do not all return at once."""


Forbidden = Callable[[web.Request], Awaitable[None]]
"""Puts on record that the sender of a request may not do what it asks for; what it raises is answered instead."""


def answering_problems(handler: Handler, refused: Counter[int], forbidden: Forbidden | None = None) -> Handler:
    """Return the handler with its errors answered as the problems they stand for, and counted by status.

    What is answered with 403 goes to `forbidden` first. Not an aiohttp middleware: those cost every request two more calls and a look-up.
    """

    async def answering(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            answer = _of_router(error)
        except Exception as error:  # noqa: BLE001 - the one edge of the daemon where every error is answered
            answer = await _problem(request, error, forbidden)
        if (known := known_request_id(request)) is not None:
            answer.headers[HEADER] = known
        refused[answer.status] += 1
        return as_picture(answer) if isinstance(handler, Pictured) else answer

    return answering


def status_and_code(kind: type[Exception]) -> tuple[int, str]:
    """Return what an error of this kind in the table is answered with."""
    row = TABLE[kind]
    return row.status, row.code or str(getattr(kind, "code", "error"))


def title(status: int) -> str:
    """Return the phrase of a status (RFC 9110, section 15)."""
    return RENAMED.get(status) or http.HTTPStatus(status).phrase


async def no_such_route(request: web.Request) -> web.StreamResponse:
    """Answer what no row of the table matches: 405 with Allow where another method would do, else 404."""
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != CATCH_ALL:
            _, methods = await resource.resolve(request)
            allowed |= methods
    raise web.HTTPMethodNotAllowed(request.method, sorted(allowed)) if allowed else web.HTTPNotFound


async def _problem(request: web.Request, error: Exception, forbidden: Forbidden | None) -> web.Response:
    row = _row(type(error))
    if row is None:
        return _unexpected(request, error)
    # Without a good token there is nobody to put on record.
    is_known = not isinstance(error, caller.NotAuthorized)
    if row.status == http.HTTPStatus.FORBIDDEN and is_known and forbidden is not None:
        try:
            await forbidden(request)
        except Exception as failed:  # noqa: BLE001 - as above: the session, too, may have ended since the handler began
            return await _problem(request, failed, None)
    return _known(error, row)


def _row(kind: type[BaseException]) -> Status | None:
    return next((TABLE[one] for one in kind.__mro__ if one in TABLE), None)


def _known(error: Exception, row: Status) -> web.Response:
    phrase = title(row.status)
    code = row.code or str(getattr(error, "code", "error"))
    detail = str(error) if row.shown else f"{phrase}: {code}"
    headers = dict(row.headers)
    if row.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(_retry_after_s())
    elif isinstance(error, RateExceeded):
        headers["Retry-After"] = str(error.retry_after_s)
    if row.logged:
        log.warning("request_refused", code=code, reason=str(error))
    fields = getattr(error, "errors", [])
    return _answer(wire.Problem(phrase, row.status, code, detail, errors=fields), headers)


def _of_router(error: web.HTTPException) -> web.Response:
    headers = {name: error.headers[name] for name in ("Allow", "Location") if name in error.headers}
    code = wire.BodyTooLarge.code if error.status == TOO_LARGE else error.reason.lower().replace(" ", "_")
    return _answer(wire.Problem(title(error.status), error.status, code, error.reason), headers)


def _unexpected(request: web.Request, error: Exception) -> web.Response:
    known = request_id(request)
    log.error("request_failed", method=request.method, request_id=known, exc_info=error)
    detail = "the error is in the daemon's log under this request_id"
    return _answer(wire.Problem(title(500), 500, "internal_error", detail, request_id=known), {})


def _answer(body: wire.Problem, headers: dict[str, str]) -> web.Response:
    return json_answer(body, body.status, {"Content-Type": wire.CONTENT_TYPE, **headers})


def _retry_after_s() -> int:
    least, most = RETRY_AFTER_S
    return least + secrets.randbelow(most - least + 1)
