"""Reading JSON bodies: what is not JSON is malformed (400), JSON of another shape is invalid (422)."""

import re
from collections.abc import Collection
from typing import TypeVar

import msgspec

from collector.wire.pattern import SHOULD_BE
from collector.wire.problem import BodyInvalid, BodyMalformed, BodyTypeUnsupported, FieldError

Shape = TypeVar("Shape")

# A float that no double holds is JSON all the same: the hook lets it pass, the shape's own check names its member.
_any = msgspec.json.Decoder(float_hook=float)

_PATH = re.compile(r"^(?P<message>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]*)`")
_FORM = re.compile(r"matching regex (?P<pattern>.*)$", re.DOTALL)
_SHOULD_BE = {repr(pattern): said for pattern, said in SHOULD_BE.items()}
_MISSING = re.compile(r"missing required field `(?P<name>[^`]*)`")


JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def require_json_type(content_type: str | None) -> None:
    """Raise BodyTypeUnsupported unless the header says JSON in UTF-8 (RFC 8259, section 8.1)."""
    if content_type != JSON:
        media_type(content_type, (JSON,))


def media_type(content_type: str | None, taken: Collection[str]) -> str:
    """Return the media type that the header says, BodyTypeUnsupported unless it is one of `taken` in UTF-8."""
    kind, *parameters = (content_type or "").lower().split(";")
    named = (parameter.partition("=") for parameter in parameters)
    charsets = {charset.strip(' "') for name, _, charset in named if name.strip() == "charset"}
    if kind.strip() not in taken or charsets - {"utf-8"}:
        raise BodyTypeUnsupported(f"send Content-Type: {' or '.join(taken)} in UTF-8")
    return kind.strip()


def require_json(raw: bytes | msgspec.Raw) -> None:
    """Raise BodyMalformed unless the bytes are one JSON text in UTF-8 (RFC 8259), nested no deeper than Python allows."""
    try:
        _any.decode(raw)
    except RecursionError:
        raise BodyMalformed("the JSON is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise BodyMalformed(f"the body is not UTF-8: {error.reason}") from None
    except msgspec.ValidationError as error:
        raise BodyMalformed(f"an integer has too many digits: {error}") from None
    except msgspec.DecodeError as error:
        raise BodyMalformed(f"the body is not JSON: {error}") from None


def decode(raw: bytes | msgspec.Raw, decoder: "msgspec.json.Decoder[Shape]") -> Shape:
    """Return the body by a typed decoder: the hot way, one pass over the bytes where nothing is wrong."""
    try:
        return decoder.decode(raw)
    except (RecursionError, UnicodeDecodeError):
        require_json(raw)
        raise BodyMalformed("the body is not JSON") from None
    except msgspec.ValidationError as error:
        require_json(raw)
        raise BodyInvalid([field_error(error)]) from None
    except msgspec.DecodeError as error:
        raise BodyMalformed(f"the body is not JSON: {error}") from None


def field_error(error: msgspec.ValidationError) -> FieldError:
    """Return the wrong member that a msgspec error names in its text."""
    match = _PATH.match(str(error))
    assert match is not None
    message, path = match["message"], match["path"] or "$"
    if form := _FORM.search(message):
        message = _SHOULD_BE.get(form["pattern"], message)
    if unknown := _UNKNOWN.search(message):
        return FieldError(f"{path}.{unknown['name']}", "extra_forbidden", message)
    if missing := _MISSING.search(message):
        return FieldError(f"{path}.{missing['name']}", "missing", message)
    return FieldError(path, "wrong_type" if "`, got `" in message else "wrong_value", message)
