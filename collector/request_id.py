"""The id of a request that is put on record: audit rows, log lines and its problem share it."""

import secrets

from aiohttp import web

HEADER = "X-Request-ID"
ID_BYTES = 8

_REQUEST_ID = web.RequestKey("request_id", str)


def request_id(request: web.Request) -> str:
    """Return the request's id, made when it is first asked for."""
    if _REQUEST_ID not in request:
        request[_REQUEST_ID] = secrets.token_hex(ID_BYTES)
    return request[_REQUEST_ID]


def known_request_id(request: web.Request) -> str | None:
    """Return the request's id, None where nothing of it is on record."""
    return request.get(_REQUEST_ID)
