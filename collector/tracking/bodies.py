"""Bodies of tracking: whichever media type brings them, they go on as JSON."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import hdrs, web

from collector.routes import JsonBody, sent_body
from collector.wire.body import FORM, JSON, media_type
from collector.wire.problem import BodyInvalid, BodyMalformed, BodyTooLarge, BodyTypeUnsupported, FieldError
from collector.wire.tracking import FORM_MEMBERS_MAX

WHOLE = "data"
"""The member of a form that, where it is the only one, holds all of the body as JSON."""

CODINGS = frozenset(("gzip", "deflate", "identity"))
"""Content codings that aiohttp takes off (RFC 9110, 8.4.1); the body's limit counts what comes out."""

Taken = TypeVar("Taken")


class TrackingBody(JsonBody[Taken]):
    """A JsonBody that may also come as a beacon's text, as a form or in msgpack, and compressed."""

    @property
    def media(self) -> tuple[str, ...]:
        """The media types that it may come as."""
        return tuple(_TO_JSON)

    async def read(self, request: web.Request) -> Taken:
        """Return the body decoded."""
        headers = request.headers
        named = headers.get(hdrs.CONTENT_TYPE)
        to_json = _as_it_is if named == JSON else _TO_JSON[media_type(named, _TO_JSON)]
        coding = headers.get(hdrs.CONTENT_ENCODING)
        if coding is not None and coding.lower() not in CODINGS:
            raise BodyTypeUnsupported("send no Content-Encoding, or gzip or deflate")
        raw = to_json(await sent_body(request))
        if len(raw) > request.client_max_size:
            # A byte of a form or of msgpack may take six in JSON.
            raise BodyTooLarge(f"as JSON the body is over {request.client_max_size} bytes")
        return self._decode(raw)


def form_members(raw: bytes) -> dict[str, str]:
    """Return the members of a form or a query string, all of them text (URL Standard, 5.1).

    Raises:
        BodyMalformed: it is not UTF-8.
        BodyInvalid: it has more than FORM_MEMBERS_MAX members, or one of them twice.
    """
    # Counted before they are read: to read a million of them takes the loop a second.
    if raw.count(b"&") >= FORM_MEMBERS_MAX:
        message = f"a form has up to {FORM_MEMBERS_MAX} members"
        raise BodyInvalid([FieldError("$", "too_many_members", message)])
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise BodyMalformed(f"the form is not UTF-8: {error.reason}") from None
    repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if repeated:
        raise BodyInvalid([FieldError(f"$.{name}", "repeated", "the member is repeated") for name in repeated])
    return dict(pairs)


def _as_it_is(raw: bytes) -> bytes:
    return raw


def _from_form(raw: bytes) -> bytes:
    members = form_members(raw)
    return members[WHOLE].encode() if members.keys() == {WHOLE} else msgspec.json.encode(members)


def _from_msgpack(raw: bytes) -> bytes:
    try:
        # Unlike msgspec's, this encoder asks before it makes text of bytes.
        return json.dumps(msgspec.msgpack.decode(raw), default=_json_of, allow_nan=False, ensure_ascii=False).encode()
    except RecursionError:
        raise BodyMalformed("the msgpack is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise BodyMalformed(f"a text in the msgpack is not UTF-8: {error.reason}") from None
    except (msgspec.DecodeError, TypeError, ValueError) as error:
        raise BodyMalformed(f"the body is not msgpack that JSON could say: {error}") from None


def _json_of(value: object) -> str:
    """Return a timestamp as text; bytes and other extension types have no JSON."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise BodyInvalid([FieldError("$", "binary", "bytes and extension types other than timestamps cannot be kept")])


_TO_JSON: Mapping[str, Callable[[bytes], bytes]] = {
    JSON: _as_it_is,
    "text/plain": _as_it_is,
    FORM: _from_form,
    "application/msgpack": _from_msgpack,
    "application/x-msgpack": _from_msgpack,
    "application/vnd.msgpack": _from_msgpack,
}
