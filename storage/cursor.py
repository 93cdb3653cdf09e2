"""The `next` of a page as opaque text: the place of its last row, bound to the question it belongs to."""

import base64
import hashlib
from typing import TypeVar

import msgspec

from storage.errors import QueryRefused

DIGEST_BYTES = 6
OF_ONE_PAGE: dict[str, object] = {"limit": 0, "after": None, "cursor": None}
"""Members of a question that differ from page to page."""

Place = TypeVar("Place")


def encode(place: object, question: msgspec.Struct) -> str:
    """Return the text of a place in the answer to `question`, whatever its `limit`."""
    return _text(msgspec.json.encode(place), question)


def decode(text: str, question: msgspec.Struct, shape: type[Place]) -> Place:
    """Return the place; QueryRefused names `cursor` when the text is not the `next` of an answer to this question."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[DIGEST_BYTES:]
        place = msgspec.json.decode(raw, type=shape)
    except (ValueError, msgspec.DecodeError):
        raise _refused() from None
    if _text(raw, question) != text:
        raise _refused()
    return place


def _text(raw: bytes, question: msgspec.Struct) -> str:
    differing = {name: one for name, one in OF_ONE_PAGE.items() if hasattr(question, name)}
    asked = msgspec.json.encode(msgspec.structs.replace(question, **differing))
    digest = hashlib.blake2b(raw + asked, digest_size=DIGEST_BYTES).digest()
    return base64.urlsafe_b64encode(digest + raw).rstrip(b"=").decode("ascii")


def _refused() -> QueryRefused:
    return QueryRefused("cursor", "the cursor is not the `next` of an answer to this question")
