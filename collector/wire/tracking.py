"""What tracking takes and answers: POST /track (R0) and POST /visits (R3)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from collector.wire.body import decode, field_error
from collector.wire.problem import BodyInvalid, FieldError

ITEMS_MAX = 1000
"""Actions in one request."""

ATTRS_MAX = 256
"""Members of attrs, those taken from unknown members included."""

FORM_MEMBERS_MAX = 300
"""Members of a form or a query: as many attrs as there may be, and those that have names of ours."""

ATTRS_DEPTH_MAX = 32
"""Levels of objects and arrays in attrs, attrs itself included: whoever reads an event may read it by recursion."""

Label = Annotated[str, Meta(min_length=1, max_length=128)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64)]
Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
EventId = Annotated[str, Meta(min_length=1, max_length=128)]
Url = Annotated[str, Meta(min_length=1, max_length=4096)]
TIMES: Final = ["2018-04-10T14:09:07+02:00", "2018-04-10 12:09:07"]
Time = Annotated[datetime, Meta(description="RFC 3339, T or a space, with or without a zone", examples=TIMES)]
Title = Annotated[str, Meta(max_length=1024)]
Attrs = Annotated[dict[str, object], Meta(max_length=ATTRS_MAX)]


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One action without its attrs, as the query of a picture has it. Times without a zone are UTC."""

    source_label: Label
    event_id: EventId | None = None
    id_user: Identifier | Number | None = None
    anonymous_id: Identifier | None = None
    date_created: Time | None = None
    sent_at: Time | None = None
    page_url: Url | None = None
    referrer: Url | None = None
    title: Title | None = None
    app_code: Identifier | None = None


class TrackItem(Action, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One action as a site sends it; members not named here become attrs."""

    attrs: Attrs | None = None


class Visit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pageview as R3 sends it; members not named here become attrs."""

    page_url: Url
    user_id: Identifier | Number | None = None
    timestamp: Time | None = None
    attrs: Attrs | None = None


class Accepted(msgspec.Struct, frozen=True):
    """The answer to one action; a duplicate carries the receipt of the first copy."""

    status: Literal["accepted", "duplicate"]
    event_id: str
    receipt: str


class ItemResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one item of an array: accepted, duplicate or rejected; `code` and `path` say why it was rejected."""

    index: int
    status: str
    event_id: str | None = None
    receipt: str | None = None
    code: str | None = None
    path: str | None = None


class BatchResult(msgspec.Struct, frozen=True):
    """The answer to an array of actions; the counts add up to its length."""

    accepted: int
    duplicate: int
    rejected: int
    results: list[ItemResult]


TRACKED = (Accepted, BatchResult)
"""The answers to one action and to an array."""

many = msgspec.json.Decoder(list[TrackItem])
raw_items = msgspec.json.Decoder(list[msgspec.Raw])
_item = msgspec.json.Decoder(TrackItem)
_visit = msgspec.json.Decoder(Visit)
_members = msgspec.json.Decoder(dict[str, object])

_Shape = TypeVar("_Shape", TrackItem, Visit)


def read_item(raw: bytes | msgspec.Raw) -> TrackItem:
    """Return one item; members it does not know become attrs, but never replace an attr that was sent as one.

    Raises:
        BodyMalformed: not JSON.
        BodyInvalid: a known member is wrong, or the attrs are too many.
    """
    return _read(raw, _item, TrackItem)


def read_visit(raw: bytes) -> Visit:
    """Return one pageview; everything else is as for `read_item`."""
    return _read(raw, _visit, Visit)


def read_page(path: str) -> Visit:
    """Return the pageview that a page request is; BodyInvalid for a path that is too long."""
    try:
        return msgspec.convert({"page_url": path}, Visit)
    except msgspec.ValidationError as error:
        raise BodyInvalid([field_error(error)]) from None


def require_depth(attrs: Attrs) -> None:
    """Raise BodyInvalid where objects and arrays are nested in more than ATTRS_DEPTH_MAX levels."""
    if _nests(attrs.values(), ATTRS_DEPTH_MAX - 1):
        message = f"objects and arrays are nested in more than {ATTRS_DEPTH_MAX} levels"
        raise BodyInvalid([FieldError("$.attrs", "attrs_too_deep", message)])


def _nests(values: Iterable[object], levels: int) -> bool:
    """Return whether there are objects or arrays in more than `levels` levels."""
    for value in values:
        # Not isinstance: this runs for every value of every event, and what JSON brings is of these very types.
        if type(value) is dict and (levels == 0 or _nests(value.values(), levels - 1)):
            return True
        if type(value) is list and (levels == 0 or _nests(value, levels - 1)):
            return True
    return False


def _read(raw: bytes | msgspec.Raw, decoder: "msgspec.json.Decoder[_Shape]", shape: type[_Shape]) -> _Shape:
    try:
        return decode(raw, decoder)
    except BodyInvalid as error:
        if error.errors[0].code != "extra_forbidden":
            raise
    members = decode(raw, _members)
    known = {name: members.pop(name) for name in shape.__struct_fields__ if name in members}
    attrs = known.get("attrs")
    if attrs is None:
        known["attrs"] = members
    elif isinstance(attrs, dict):
        known["attrs"] = members | attrs
    try:
        return msgspec.convert(known, shape)
    except msgspec.ValidationError as error:
        raise BodyInvalid([field_error(error)]) from None
