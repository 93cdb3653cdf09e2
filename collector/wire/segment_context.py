"""Where calls of Segment's API happened: most calls of a body tell the same, which is read and written once."""

from typing import NamedTuple

import msgspec

from collector.wire.body import decode
from collector.wire.problem import BodyInvalid, FieldError
from collector.wire.tracking import require_depth

Members = dict[str, object]

PLACED = {"url": 4096, "referrer": 4096, "title": 1024}
"""Members of a page that have a place in an action, and its length."""

_ELSEWHERE = frozenset(("ip", "userAgent", "page"))
_decoder = msgspec.json.Decoder(Members | None)


class CallContext(NamedTuple):
    """A context: its members, the page's texts that have a place in an action, and what is left, ready for a line."""

    members: Members
    page: dict[str, str]
    user_agent: str | None
    kept: msgspec.Raw | None

    def kept_beside(self, page: dict[str, str]) -> msgspec.Raw | None:
        """Return what is left where these texts have their places."""
        return self.kept if page == self.page else _kept(self.members, page)


class CallContexts:
    """The contexts of one body's calls; `shared` is of those of all of them, unless a call says otherwise."""

    def __init__(self, shared: Members | None) -> None:
        self._shared = shared or {}
        self._known: dict[bytes, CallContext] = {}

    def of(self, sent: msgspec.Raw) -> CallContext:
        """Return a call's.

        Raises:
            BodyMalformed, BodyInvalid: it cannot be read, or a text of its page has no room.
        """
        raw = bytes(sent)
        known = self._known.get(raw)
        if known is None:
            known = self._known[raw] = _context(self._shared | _read(raw))
        return known


def page_texts(page: Members, path: str) -> dict[str, str]:
    """Return the texts of a page for which an action has a place; an empty one stands for none.

    Raises:
        BodyInvalid: one is too long.
    """
    found = {}
    for name, length_max in PLACED.items():
        text = page.get(name)
        if isinstance(text, str) and text:
            if len(text) > length_max:
                raise BodyInvalid([FieldError(f"{path}.{name}", "wrong_value", f"up to {length_max} characters")])
            found[name] = text
    return found


def without(members: Members, placed: dict[str, str]) -> Members:
    """Return the members of a page without those that have their place now, or are empty and so stood for none."""
    return {name: value for name, value in members.items() if name not in PLACED or value not in ("", placed.get(name))}


def _read(raw: bytes) -> Members:
    try:
        return decode(raw, _decoder) or {} if raw else {}
    except BodyInvalid as error:
        found = error.errors[0]
        raise BodyInvalid([FieldError(f"$.context{found.path[1:]}", found.code, found.message)]) from None


def _context(members: Members) -> CallContext:
    page, user_agent = members.get("page"), members.get("userAgent")
    placed = page_texts(page, "$.context.page") if isinstance(page, dict) else {}
    kept = _kept(members, placed)
    return CallContext(members, placed, user_agent if isinstance(user_agent, str) else None, kept)


def _kept(members: Members, placed: dict[str, str]) -> msgspec.Raw | None:
    """Return what is kept of a context; an address never is."""
    kept = {name: value for name, value in members.items() if name not in _ELSEWHERE}
    page = members.get("page")
    left = without(page, placed) if isinstance(page, dict) else page
    if left:
        kept["page"] = left
    if not kept:
        return None
    # Whoever checks the depth of attrs does not see into what is written already.
    require_depth({"context": kept})
    return msgspec.Raw(msgspec.json.encode(kept))
