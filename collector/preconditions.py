"""Conditional requests (RFC 9110, section 13): what a client knows of a thing by its ETag."""

import hashlib
from collections.abc import Iterable

from aiohttp import ETag, web

from collector.wire.problem import RequestError

ANY = "*"
TAG_LENGTH = 32
"""Hexadecimal digits of a digest in an ETag."""


class PreconditionRequired(RequestError):
    """The request does not say which state of the thing it is about (428, RFC 6585)."""

    code = "precondition_required"

    def __init__(self) -> None:
        super().__init__("send If-Match with the ETag of what you read")


class PreconditionFailed(RequestError):
    """The thing is no longer what the client read (412)."""

    code = "precondition_failed"

    def __init__(self) -> None:
        super().__init__("it has changed meanwhile; read it again")


class Match:
    """The condition of If-Match: one of the tags, none of them weak, or any state at all."""

    def __init__(self, tags: Iterable[ETag]) -> None:
        self._values = {tag.value for tag in tags if not tag.is_weak}

    def require(self, tag: str) -> None:
        """Return where the condition holds for the tag; PreconditionFailed otherwise."""
        if not self._values & {tag, ANY}:
            raise PreconditionFailed


def tag_of(content: bytes) -> str:
    """Return the value of the strong ETag of these bytes, without its quotes."""
    return hashlib.sha256(content).hexdigest()[:TAG_LENGTH]


def required_match(request: web.Request) -> Match:
    """Return the request's If-Match; PreconditionRequired where there is none."""
    if request.if_match is None:
        raise PreconditionRequired
    return Match(request.if_match)


def is_known(request: web.Request, tag: str) -> bool:
    """Return whether If-None-Match says that the client has it: also by a weak tag, as a proxy that compresses makes."""
    return any(known.value in (tag, ANY) for known in request.if_none_match or ())
