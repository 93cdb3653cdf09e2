"""Answers as bytes: JSON with the headers that every answer carries."""

import msgspec
from aiohttp import web

_encoder = msgspec.json.Encoder()

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Server": "footfall"}
"""On every answer; Server is fixed so that no version of ours or of a library is told to strangers."""


def json_answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return an answer whose body is any shape that msgspec encodes."""
    return web.Response(
        body=_encoder.encode(body),
        status=status,
        headers=HEADERS if headers is None else HEADERS | headers,
        content_type="application/json",
    )
