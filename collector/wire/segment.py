"""What Segment's HTTP tracking API takes and answers: https://segment.com/docs/connections/spec/ names the members."""

import re
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from collector.wire.body import decode, field_error
from collector.wire.problem import BodyInvalid
from collector.wire.segment_context import Members
from collector.wire.tracking import EventId, Label, Number, Time

KINDS = ("identify", "track", "page", "screen", "group", "alias")
CALLS = {kind: kind for kind in KINDS} | {kind[0]: kind for kind in KINDS}
"""The call that the last step of a path stands for: Segment's client in browsers says it with one letter."""

Person = Annotated[str, Meta(max_length=64, description="empty where nobody is known")]
RawContext = Annotated[msgspec.Raw, Meta(extra_json_schema={"anyOf": [{"type": "object"}, {"type": "null"}]})]


class Call(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, gc=False):
    """One call; `type` names it inside a batch. Members not named here become attrs, as properties and traits do."""

    type: str | None = None
    write_key: str | None = None
    message_id: EventId | None = None
    user_id: Person | Number | None = None
    anonymous_id: Person | None = None
    previous_id: Person | Number | None = None
    event: Label | None = None
    name: str | None = None
    category: str | None = None
    group_id: str | Number | None = None
    properties: Members | None = None
    traits: Members | None = None
    context: RawContext = msgspec.field(default_factory=msgspec.Raw)
    timestamp: Time | None = None
    original_timestamp: Time | None = None
    sent_at: Time | None = None
    integrations: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    metadata: msgspec.Raw = msgspec.field(name="_metadata", default_factory=msgspec.Raw)


One = TypeVar("One")


class Batch(msgspec.Struct, Generic[One], frozen=True, kw_only=True, rename="camel"):
    """Several calls; `context` and `sentAt` are also those of every call in it that has none of its own."""

    batch: list[One]
    write_key: str | None = None
    context: Members | None = None
    sent_at: Time | None = None


Sent = Batch[Call] | Batch[msgspec.Raw]
"""A batch whose calls are read all at once, or one by one where some of them are wrong."""


class CallBatch(Batch[Call], frozen=True):
    """The name of a batch in the document; one is taken also where some of its calls are wrong."""


class Keyed(msgspec.Struct, frozen=True, rename="camel"):
    """What a call by itself tells before it is read."""

    write_key: str | None = None


class Success(msgspec.Struct, frozen=True):
    """The answer to everything that can be read."""

    success: bool


SUCCESS = Success(success=True)

batch_of_calls = msgspec.json.Decoder(Batch[Call])
batch_of_raws = msgspec.json.Decoder(Batch[msgspec.Raw])
keyed = msgspec.json.Decoder(Keyed)
_call = msgspec.json.Decoder(Call)
_members = msgspec.json.Decoder(Members)
_NAMES = {field.encode_name for field in msgspec.structs.fields(Call)}
_UNUSED = {"integrations", "_metadata"}
_TIMES = ("timestamp", "originalTimestamp", "sentAt")
_SHORT_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?=[T ])", re.ASCII)


def read_call(raw: bytes | msgspec.Raw) -> Call:
    """Return one call; unlike a decoder this takes members that no call has, and dates such as 2015-2-02.

    Raises:
        BodyMalformed: not JSON.
        BodyInvalid: no object, or a known member is wrong.
    """
    try:
        return decode(raw, _call)
    except BodyInvalid:
        members = decode(raw, _members)
    known = {name: members.pop(name) for name in _NAMES & members.keys()}
    for name in _UNUSED & known.keys():
        del known[name]
    for name in _TIMES:
        if isinstance(time := known.get(name), str):
            # The example of a batch in Segment's documentation has such dates.
            known[name] = _SHORT_DATE.sub(_padded, time)
    if "context" in known:
        known["context"] = msgspec.Raw(msgspec.json.encode(known["context"]))
    properties = known.get("properties")
    if members and isinstance(properties, dict | None):
        known["properties"] = members | (properties or {})
    try:
        return msgspec.convert(known, Call)
    except msgspec.ValidationError as error:
        raise BodyInvalid([field_error(error)]) from None


def without_address(raw: msgspec.Raw) -> bytes:
    """Return the bytes of a call; without `context.ip`, which is kept of a call that is wrong as little as of another."""
    sent = bytes(raw)
    if b'"ip"' not in sent:
        return sent
    members = msgspec.json.decode(sent)
    context = members.get("context") if isinstance(members, dict) else None
    if not isinstance(context, dict) or context.pop("ip", None) is None:
        return sent
    return msgspec.json.encode(members)


def _padded(date: re.Match[str]) -> str:
    year, month, day = date.groups()
    return f"{year}-{month:0>2}-{day:0>2}"
