"""Answers as bytes: JSON with the headers that every answer carries."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from aiohttp import web
from multidict import CIMultiDict

_encoder = msgspec.json.Encoder()

HEADERS = CIMultiDict(
    {
        "Content-Type": "application/json; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Server": "footfall",
    }
)
"""On every answer; Server is fixed so that no version of ours or of a library is told to strangers."""


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> web.Response:
    """Return an answer whose body is any shape that msgspec encodes; `headers` are added to HEADERS, or replace them."""
    return web.Response(
        body=_encoder.encode(body), status=status, headers={**HEADERS, **headers} if headers else HEADERS
    )
