"""The action that a call of Segment's API is: its members in the places that an action has for them."""

from datetime import datetime

from collector.wire.problem import BodyInvalid, FieldError
from collector.wire.segment import KINDS, Call
from collector.wire.segment_context import CallContext, Members, page_texts, without
from collector.wire.tracking import ATTRS_MAX, TrackItem

_LABELS = {"identify": "identify", "page": "pageview", "screen": "screen", "group": "group", "alias": "alias"}


def action_of(call: Call, kind: str | None, context: CallContext, sent_at: datetime | None) -> TrackItem:
    """Return the action of a call of this kind, one of CALLS, that tells this context and was sent then.

    The call's own objects go into it.
    Traits and properties are its attrs; `name`, `category` and `groupId` are too, where these have none of that name,
    and so is the context, without the address in it and what an action has a place for.

    Raises:
        BodyInvalid: it has no name or is nobody's, there is no such kind, or a member has no room.
    """
    label = _label(call, kind)
    user_id, anonymous_id = _persons(call, kind)
    attrs = _attrs(call)
    page, kept = context.page, context.kept
    if kind == "page":
        page = page | page_texts(attrs, "$.properties")
        attrs = without(attrs, page)
        kept = context.kept_beside(page)
    if kept is not None:
        attrs.setdefault("context", kept)
    if len(attrs) > ATTRS_MAX:
        raise _wrong("$.properties", "wrong_value", f"an event has up to {ATTRS_MAX} attrs")
    return TrackItem(
        source_label=label,
        event_id=call.message_id,
        id_user=user_id,
        anonymous_id=anonymous_id,
        date_created=call.original_timestamp or call.timestamp,
        sent_at=call.sent_at or sent_at,
        page_url=page.get("url"),
        referrer=page.get("referrer"),
        title=page.get("title"),
        attrs=attrs or None,
    )


def _label(call: Call, kind: str | None) -> str:
    label = call.event if kind == "track" else _LABELS.get(kind or "")
    if label is not None:
        return label
    if kind == "track":
        raise _wrong("$.event", "missing", "a track call names its event")
    raise _wrong("$.type", "missing" if kind is None else "wrong_value", f"one of {', '.join(KINDS)}")


def _persons(call: Call, kind: str | None) -> tuple[str | int | None, str | None]:
    """Return user and visitor; an alias says that the visitor `previousId` is this user."""
    user_id = None if call.user_id == "" else call.user_id
    if kind == "alias":
        if user_id is None or call.previous_id in (None, ""):
            raise _wrong("$.previousId", "missing", "an alias has previousId and userId")
        return user_id, str(call.previous_id)
    if user_id is None and not call.anonymous_id:
        raise _wrong("$.userId", "missing", "userId or anonymousId says whose it is")
    return user_id, call.anonymous_id or None


def _attrs(call: Call) -> Members:
    attrs = call.properties or {}
    if call.traits:
        attrs |= call.traits
    if call.name is not None:
        attrs.setdefault("name", call.name)
    if call.category is not None:
        attrs.setdefault("category", call.category)
    if call.group_id is not None:
        attrs.setdefault("groupId", call.group_id)
    return attrs


def _wrong(path: str, code: str, message: str) -> BodyInvalid:
    return BodyInvalid([FieldError(path, code, message)])
