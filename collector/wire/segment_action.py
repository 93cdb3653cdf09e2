"""The action that a call of Segment's API is: its members in the places that an action has for them."""

from collector.wire.problem import BodyInvalid, FieldError
from collector.wire.segment import KINDS, Call, Members, Sent
from collector.wire.tracking import ATTRS_MAX, TrackItem

_PLACED = {"url": 4096, "referrer": 4096, "title": 1024}
"""Members of a page that have a place in an action, and its length."""

_ELSEWHERE = frozenset(("ip", "userAgent", "page"))
_LABELS = {"identify": "identify", "page": "pageview", "screen": "screen", "group": "group", "alias": "alias"}


def action_of(call: Call, kind: str | None, around: Sent) -> tuple[TrackItem, str | None]:
    """Return the action of a call of this kind, one of CALLS, in its batch, and the User-Agent of where it happened.

    The call's own objects go into it.
    Traits and properties are its attrs; `name`, `category` and `groupId` are too, where these have none of that name,
    and so is `context`, without the address in it and what an action has a place for.

    Raises:
        BodyInvalid: it has no name or is nobody's, there is no such kind, or a member has no room.
    """
    label = _label(call, kind)
    user_id, anonymous_id = _persons(call, kind)
    attrs = _attrs(call)
    context = call.context or {}
    if around.context:
        context = around.context | context
    page, user_agent = _page(context), context.get("userAgent")
    if kind == "page":
        page |= _placed(attrs, "$.properties")
        attrs = _left(attrs, page)
    if kept := _kept(context, page):
        attrs.setdefault("context", kept)
    if len(attrs) > ATTRS_MAX:
        raise _wrong("$.properties", "wrong_value", f"an event has up to {ATTRS_MAX} attrs")
    item = TrackItem(
        source_label=label,
        event_id=call.message_id,
        id_user=user_id,
        anonymous_id=anonymous_id,
        date_created=call.original_timestamp or call.timestamp,
        sent_at=call.sent_at or around.sent_at,
        page_url=page.get("url"),
        referrer=page.get("referrer"),
        title=page.get("title"),
        attrs=attrs or None,
    )
    return item, user_agent if isinstance(user_agent, str) else None


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


def _page(context: Members) -> dict[str, str]:
    page = context.get("page")
    return _placed(page, "$.context.page") if isinstance(page, dict) else {}


def _placed(page: Members, path: str) -> dict[str, str]:
    """Return the texts of a page for which an action has a place; an empty one stands for none."""
    found = {}
    for name, length_max in _PLACED.items():
        text = page.get(name)
        if isinstance(text, str) and text:
            if len(text) > length_max:
                raise _wrong(f"{path}.{name}", "wrong_value", f"up to {length_max} characters")
            found[name] = text
    return found


def _kept(context: Members, placed: dict[str, str]) -> Members:
    """Return what is kept of a context; an address never is."""
    if _ELSEWHERE.isdisjoint(context):
        return context
    kept = {name: value for name, value in context.items() if name not in _ELSEWHERE}
    page = context.get("page")
    left = _left(page, placed) if isinstance(page, dict) else page
    if left:
        kept["page"] = left
    return kept


def _left(members: Members, placed: dict[str, str]) -> Members:
    """Return the members without those that have their place now, or are empty and so stood for none."""
    return {
        name: value for name, value in members.items() if name not in _PLACED or value not in ("", placed.get(name))
    }


def _wrong(path: str, code: str, message: str) -> BodyInvalid:
    return BodyInvalid([FieldError(path, code, message)])
