"""What must be derived at the door: who it was, when it was, and the id that makes a repeat known."""

import re
from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from collector.tracking.definitions import CLAIMED, ReadyDefinitions
from collector.tracking.visitor import Visitor
from collector.wire.problem import BodyInvalid, BodyTooLarge, FieldError
from collector.wire.tracking import TrackItem, require_depth
from storage.app import App
from storage.event import HOSTNAME_FOREIGN, Event, encode

RANDOM_BITS = 80
"""Random bits drawn for an event_id: a UUID of version 7 (RFC 9562, 5.7), so that neighbours in time are neighbours."""

# RFC 9562, 4.1: the first digit of the fourth group is 8, 9, a or b.
_CLEAR = ~(0b11 << 66)
_VARIANT = 0b10 << 66


_HOST = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#]*@)?(\[[^]/?#]*\]|[^/?#:@]+)", re.IGNORECASE)
"""The host of a URL (RFC 3986, 3.2), without its port."""


class EventTooLarge(BodyTooLarge):
    """One event is over `event_bytes_max` (413, or rejected in an array)."""

    code = "event_too_large"


class EventBroken(BodyInvalid):
    """The event breaks its definition, or has none, where the application enforces them (422); `line` is all of it."""

    def __init__(self, error: FieldError, line: bytes) -> None:
        super().__init__([error])
        self.line = line


class Arrival(NamedTuple):
    """When a request counts as received, and what the event_ids made for it begin with."""

    received_at: datetime
    id_prefix: str


class Door:
    """Turns items into events and their lines; `clock` gives aware UTC times.

    `noticed` counts the events that a rule of FILTERED_AT_DOOR meant, and those whose browser had a wish.
    """

    def __init__(
        self, clock: Callable[[], datetime], random_bits: Callable[[int], int], *, event_bytes_max: int
    ) -> None:
        self._clock = clock
        self._random_bits = random_bits
        self._event_bytes_max = event_bytes_max
        self._definitions = ReadyDefinitions()
        self.noticed = Counter[str]()

    def arrival(self) -> Arrival:
        """Return what all items of one request share."""
        received_at = self._clock()
        stamp = f"{int(received_at.timestamp() * 1000):012x}"
        return Arrival(received_at, f"{stamp[:8]}-{stamp[8:]}-7")

    def event_of(self, item: TrackItem, visitor: Visitor, arrival: Arrival) -> Event:
        """Return the event of an item.

        The anonymous_id is the item's own, else the visitor's; without cookies it is the visitor's, and of a user none.
        The user is the signed-in caller's, else whom an application names by its token; any other id_user stays a claim.
        Of a browser whose wish is honoured nothing is kept that tells of a person.

        Raises:
            BodyInvalid: another application's app_code, a time that has no UTC form, or attrs nested too deeply.
            EventBroken, EventTooLarge: as of `checked`.
        """
        app = visitor.app
        if item.app_code is not None and item.app_code != app.app_code:
            raise BodyInvalid([FieldError("$.app_code", "app_unknown", "there is no application of this app_code")])
        if item.attrs:
            require_depth(item.attrs)
        user_id, claimed = _who(item, visitor)
        context = visitor.context
        # In the order of its members: to name them takes a tenth of the time that an event of a batch takes here.
        event = Event(
            item.event_id or self._event_id(arrival.id_prefix),
            app.app_code,
            item.source_label,
            arrival.received_at,
            in_utc(item.date_created, "date_created"),
            in_utc(item.sent_at, "sent_at"),
            user_id,
            _anonymous_id(item, visitor, user_id),
            item.page_url,
            item.referrer,
            item.title,
            item.attrs if claimed is None else {**(item.attrs or {}), CLAIMED: claimed},
            item.event_id is not None,
            context.user_agent,
            context.country,
            context.filtered or _foreign(item.page_url, app.hostnames),
            context.signal,
        )
        if event.filtered is not None:
            self.noticed[event.filtered] += 1
        if context.wish is not None:
            self.noticed[context.wish] += 1
        taken = event if context.signal is None else _anonymous(event)
        return taken if app.mode == "off" else self.checked(taken, app)

    def checked(self, event: Event, app: App) -> Event:
        """Return the event as the application takes it, marked where it breaks its definition.

        Raises:
            EventBroken: it does, and the application enforces them; EventTooLarge where it could not be kept either.
        """
        broken = None
        if app.mode != "off":
            broken = self._definitions.of(app).violation(event.source_label, event.attrs)
        marked = event if broken is None else replace(event, violation=f"{broken.path} {broken.code}")
        if broken is not None and app.mode == "enforce":
            raise EventBroken(broken, self.line_of(marked))
        return marked

    def _event_id(self, prefix: str) -> str:
        digits = (self._random_bits(RANDOM_BITS) & _CLEAR | _VARIANT).to_bytes(10, "big").hex()
        return f"{prefix}{digits[:3]}-{digits[3:7]}-{digits[7:19]}"

    def line_of(self, event: Event) -> bytes:
        """Return the event as the log takes it; EventTooLarge over the limit."""
        line = encode(event)
        if len(line) > self._event_bytes_max:
            raise EventTooLarge(f"the event has {len(line)} bytes, the limit is {self._event_bytes_max}")
        return line


def _who(item: TrackItem, visitor: Visitor) -> tuple[str | None, str | None]:
    """Return the user, and whom the item claims to be without proof."""
    named = None if item.id_user is None else str(item.id_user)
    if visitor.caller is not None:
        user_id = visitor.caller.user_id
        return user_id, None if named == user_id else named
    return (None, named) if visitor.app.is_built_in else (named, None)


def _anonymous_id(item: TrackItem, visitor: Visitor, user_id: str | None) -> str | None:
    if visitor.context.signal is not None:
        return None
    if visitor.app.visitors == "cookieless":
        # Beside a user it would say whose the other events of the day's hash are.
        return None if user_id is not None else visitor.anonymous_id
    return item.anonymous_id or visitor.anonymous_id_of(user_id)


def _anonymous(event: Event) -> Event:
    """Return the event without who it was and whatever can tell of it: what is left is that it happened, where and when."""
    page_url = event.page_url and (re.split("[?#]", event.page_url, maxsplit=1)[0] or "/")
    return replace(event, user_id=None, page_url=page_url, referrer=None, title=None, attrs=None, user_agent=None)


def _foreign(page_url: str | None, hostnames: Collection[str]) -> str | None:
    """Return the rule that means a page of none of the hosts; a page without a host is nobody else's."""
    if not hostnames or page_url is None:
        return None
    found = _HOST.match(page_url)
    return None if found is None or found[1].lower() in hostnames else HOSTNAME_FOREIGN


def in_utc(time: datetime | None, member: str) -> datetime | None:
    """Return the time in UTC, which one without a zone is; BodyInvalid names the member where there is no such time."""
    if time is None or time.tzinfo is UTC:
        return time
    if time.tzinfo is None:
        return datetime.combine(time, time.time(), UTC)  # a fifth of what `replace` takes
    try:
        return time.astimezone(UTC)
    except OverflowError:
        message = "the time is outside the years 1 to 9999 in UTC"
        raise BodyInvalid([FieldError(f"$.{member}", "wrong_value", message)]) from None
