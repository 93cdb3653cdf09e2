"""RFC 9457 problem+json, and the errors that a request's own bytes can cause."""

import msgspec

CONTENT_TYPE = "application/problem+json"


class FieldError(msgspec.Struct, frozen=True):
    """One wrong member: `path` as `$.attrs.size` or `$[3].source_label`, a stable `code`, words for a person."""

    path: str
    code: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every error answer; `code` is stable, `detail` is for people."""

    title: str
    status: int
    code: str
    detail: str
    type: str = "about:blank"
    errors: list[FieldError] = []
    request_id: str | None = None


class RequestError(Exception):
    """What the sender of a request did wrong; `code` is the stable code of its problem."""

    code = "bad_request"


class BodyMalformed(RequestError):
    """The body is not JSON, or not UTF-8 (400)."""

    code = "body_malformed"


class BodyTooLarge(RequestError):
    """The body or the single event is over its limit (413)."""

    code = "body_too_large"


class BodyTooSlow(RequestError):
    """The body did not come within its time (408)."""

    code = "body_too_slow"


class BodyTypeUnsupported(RequestError):
    """The Content-Type is not one that the route reads (415)."""

    code = "content_type_unsupported"


class BodyInvalid(RequestError):
    """The body is JSON of the wrong shape (422); `errors` names every wrong member."""

    code = "body_invalid"

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{error.path}: {error.message}" for error in errors))
        self.errors = errors


class CursorInvalid(RequestError):
    """The cursor is not the `next` of an answer to this question (400)."""

    code = "cursor_invalid"


class QueryInvalid(BodyInvalid):
    """A query parameter is wrong (422); the path is `?name`."""

    code = "query_invalid"
