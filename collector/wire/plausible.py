"""What Plausible's event API takes: https://plausible.io/docs/events-api, and the short names of its trackers."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from collector.wire.body import decode, field_error
from collector.wire.problem import BodyInvalid, FieldError
from collector.wire.tracking import ATTRS_MAX, Label, Number, TrackItem, Url

DOMAINS_MAX = 10
"""Domains of one event."""

Members = dict[str, object]
Domains = Annotated[str, Meta(description="of the site, several between commas; without one the host of `url`")]

_HOST = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#]*@)?([^/?#:@]*)", re.IGNORECASE)
_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,9})?", re.ASCII)
_WRITTEN = {
    "name": ("n", "name"),
    "url": ("u", "url"),
    "domain": ("d", "domain"),
    "referrer": ("r", "referrer"),
    "props": ("m", "meta", "p", "props"),
    "revenue": ("revenue", "$"),
    "interactive": ("i", "interactive"),
    "hashMode": ("h", "hashMode"),
    "screen_width": ("w", "screen_width"),
    "scroll_depth": ("sd",),
    "engaged_ms": ("e",),
    "version": ("v",),
}
"""The names that a member goes by; of several the first that says something counts."""


class EventInvalid(BodyInvalid):
    """The event is none of Plausible's (400, as it answers)."""


class PlausibleEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event; members not named here become attrs, as `props` do, which may also be JSON in a text."""

    name: Label | Number
    url: Url
    domain: Domains | None = None
    referrer: Url | None = None
    props: object = None
    revenue: object = None
    interactive: bool | None = None
    hash_mode: object = msgspec.field(name="hashMode", default=None)
    screen_width: object = None
    scroll_depth: object = None
    engaged_ms: object = None
    version: object = None


class Sent(msgspec.Struct, frozen=True):
    """The action that an event is, the domains of the sites that it is for, and the host of its page."""

    item: TrackItem
    domains: list[str]
    host: str


_members = msgspec.json.Decoder(Members)


def read_event(raw: bytes) -> Sent:
    """Return what was sent.

    Raises:
        BodyMalformed: not JSON.
        BodyInvalid: no object, or a member is wrong.
    """
    members = decode(raw, _members)
    known = {name: value for name, names in _WRITTEN.items() if (value := _first(members, names)) is not None}
    try:
        event = msgspec.convert(known, PlausibleEvent)
    except msgspec.ValidationError as error:
        raise BodyInvalid([field_error(error)]) from None
    found = _HOST.match(event.url)
    host = site_of(found[1]) if found else ""
    if event.url.lower().startswith("data:"):
        raise BodyInvalid([FieldError("$.url", "wrong_value", "the scheme is not allowed")])
    return Sent(_item(event, members), _domains(event.domain or host), host)


def site_of(domain: str) -> str:
    """Return a domain as sites are told apart by it: `www.` is none of it."""
    return domain.strip().lower().removeprefix("www.")


def _first(members: Members, names: tuple[str, ...]) -> object:
    sent = [members.pop(name, None) for name in names]
    return next((value for value in sent if value not in (None, "")), None)


def _domains(text: str) -> list[str]:
    # As it was written too: an api_token may stand for a domain, and its case counts.
    domains = list(dict.fromkeys(one.strip() for one in text.split(",", DOMAINS_MAX) if one.strip()))
    if not domains:
        raise BodyInvalid([FieldError("$.domain", "missing", "the url has no host")])
    if len(domains) > DOMAINS_MAX:
        raise BodyInvalid([FieldError("$.domain", "wrong_value", f"up to {DOMAINS_MAX} domains")])
    return domains


def _item(event: PlausibleEvent, others: Members) -> TrackItem:
    attrs = others | _props(event.props)
    for name, value in _extras(event):
        attrs.setdefault(name, value)
    if len(attrs) > ATTRS_MAX:
        raise BodyInvalid([FieldError("$.props", "wrong_value", f"an event has up to {ATTRS_MAX} attrs")])
    return TrackItem(
        source_label=str(event.name),
        # What follows the # is a part of the page only where the site routes by it.
        page_url=event.url if event.hash_mode in (1, True) else event.url.partition("#")[0] or None,
        referrer=event.referrer,
        attrs=attrs or None,
    )


def _props(sent: object) -> Members:
    """Return the properties; what is no object, nor one in a text, is one property by itself."""
    if isinstance(sent, str):
        try:
            return _members.decode(sent)
        except (msgspec.DecodeError, RecursionError):
            return {"props": sent}
    return sent if isinstance(sent, dict) else {} if sent is None else {"props": sent}


def _extras(event: PlausibleEvent) -> list[tuple[str, object]]:
    revenue = _props(event.revenue)
    extras = [
        ("revenue", _number(revenue.get("amount"))),
        ("currency", revenue.get("currency")),
        ("interactive", event.interactive),
        ("screen_width", event.screen_width),
        ("scroll_depth", event.scroll_depth),
        ("engaged_ms", event.engaged_ms),
    ]
    return [(name, value) for name, value in extras if value is not None]


def _number(amount: object) -> object:
    return float(amount) if isinstance(amount, str) and _AMOUNT.fullmatch(amount) else amount
