"""What devices send: POST /device/{app_code} (R1), read as the action that it is."""

from typing import Annotated

import msgspec
from msgspec import Meta

from collector.wire.apps import AttrName, AttrType
from collector.wire.body import decode, field_error
from collector.wire.problem import BodyInvalid, FieldError
from collector.wire.tracking import ATTRS_MAX, Attrs, EventId, Identifier, Label, Number, Time, TrackItem


class DeviceAttr(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One attr; without a value it is null. The type is the device's word for it: what counts is the definition's."""

    name: AttrName
    value: object = None
    type: AttrType | None = None


class DeviceMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One action of a device's user; members not named here become attrs."""

    user_code: Identifier | Number
    event_name: Label
    attrs: Attrs | Annotated[list[DeviceAttr], Meta(max_length=ATTRS_MAX)] | None = None
    event_id: EventId | None = None
    date_created: Time | None = None
    sent_at: Time | None = None


_members = msgspec.json.Decoder(dict[str, object])


def read_message(raw: bytes) -> TrackItem:
    """Return the message as an action.

    Raises:
        BodyMalformed: not JSON.
        BodyInvalid: a member is wrong or an attr is there twice, or the attrs are too many.
    """
    members = decode(raw, _members)
    others = {name: one for name, one in members.items() if name not in DeviceMessage.__struct_fields__}
    try:
        message = msgspec.convert(members, DeviceMessage)
        return msgspec.convert(_action(message, others), TrackItem)
    except msgspec.ValidationError as error:
        raise BodyInvalid([field_error(error)]) from None


def _action(message: DeviceMessage, others: dict[str, object]) -> dict[str, object]:
    return {
        "source_label": message.event_name,
        "id_user": message.user_code,
        "event_id": message.event_id,
        "date_created": message.date_created,
        "sent_at": message.sent_at,
        "attrs": others | _attrs(message),
    }


def _attrs(message: DeviceMessage) -> dict[str, object]:
    if not isinstance(message.attrs, list):
        return message.attrs or {}
    attrs = {one.name: one.value for one in message.attrs}
    if len(attrs) < len(message.attrs):
        names = [one.name for one in message.attrs]
        index = next(at for at, name in enumerate(names) if name in names[:at])
        raise BodyInvalid([FieldError(f"$.attrs[{index}].name", "repeated", f"{names[index]!r} is there twice")])
    return attrs
