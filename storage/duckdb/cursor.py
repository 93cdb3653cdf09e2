"""The `next` of a page as opaque text: the place of its last row, bound to the question it belongs to."""

import base64
import hashlib
from typing import TypeVar

import msgspec

from storage.errors import QueryRefused
from storage.query import BreakdownQuery, MetricsQuery, RejectedQuery, VisitsQuery

DIGEST_BYTES = 6

Place = TypeVar("Place")
PagedQuery = VisitsQuery | BreakdownQuery | MetricsQuery | RejectedQuery


def encode(place: object, query: PagedQuery) -> str:
    """Return the text of a place in the answer to `query`, whatever its `limit`."""
    return _text(msgspec.json.encode(place), query)


def decode(text: str, query: PagedQuery, shape: type[Place]) -> Place:
    """Return the place; QueryRefused names `cursor` when the text is not the `next` of an answer to this question."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[DIGEST_BYTES:]
        place = msgspec.json.decode(raw, type=shape)
    except (ValueError, msgspec.DecodeError):
        raise _refused() from None
    if _text(raw, query) != text:
        raise _refused()
    return place


def _text(raw: bytes, query: PagedQuery) -> str:
    question = msgspec.json.encode(msgspec.structs.replace(query, limit=0, after=None))
    digest = hashlib.blake2b(raw + question, digest_size=DIGEST_BYTES).digest()
    return base64.urlsafe_b64encode(digest + raw).rstrip(b"=").decode("ascii")


def _refused() -> QueryRefused:
    return QueryRefused("cursor", "the cursor is not the `next` of an answer to this question")
