"""The `next` of a page as opaque text: a place in a list, bound to the question it belongs to."""

import base64
import hashlib
from typing import TypeVar

import msgspec

from collector.wire.problem import RequestError

DIGEST_BYTES = 6

Place = TypeVar("Place")


class CursorInvalid(RequestError):
    """The cursor is not the `next` of an answer to this question (400)."""

    code = "cursor_invalid"


def encode(place: object, question: msgspec.Struct) -> str:
    """Return the text of a place in the answer to `question`, whatever its `limit` and `cursor`."""
    return _text(msgspec.json.encode(place), question)


def decode(text: str, question: msgspec.Struct, shape: type[Place]) -> Place:
    """Return the place; CursorInvalid where the text is another than `encode` gave for this question."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[DIGEST_BYTES:]
        place = msgspec.json.decode(raw, type=shape)
    except (ValueError, msgspec.DecodeError):
        raise CursorInvalid("the cursor is not the `next` of an answer to this question") from None
    if _text(raw, question) != text:
        raise CursorInvalid("the cursor is not the `next` of an answer to this question")
    return place


def _text(raw: bytes, question: msgspec.Struct) -> str:
    asked = msgspec.json.encode(msgspec.structs.replace(question, limit=0, cursor=None))
    digest = hashlib.blake2b(raw + asked, digest_size=DIGEST_BYTES).digest()
    return base64.urlsafe_b64encode(digest + raw).rstrip(b"=").decode("ascii")
