"""Event definitions at the door: what the events of an application may be, made ready once for each state of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from collector.wire.problem import FieldError
from storage.app import App, AttrType, EventDefinition, by_label

CLAIMED = "claimed_id_user"
"""The attr that keeps an id_user which nobody has proved: the door's own, so no definition names it."""

CONTEXT = "context"
"""The attr that keeps where a call of Segment's API happened: an object, which is of no type that a definition has."""

READY_MAX = 1000
"""Applications whose definitions are ready; the one that was made ready first leaves."""

EVENT_UNDEFINED, ATTR_UNDEFINED, ATTR_TYPE_WRONG = "event_undefined", "attr_undefined", "attr_type_wrong"
VIOLATIONS = frozenset((EVENT_UNDEFINED, ATTR_UNDEFINED, ATTR_TYPE_WRONG))
"""The codes of what is wrong with an event."""

NAME_SHOWN_MAX = 64
"""Characters of an attr's name that a violation shows: it goes into the event, whose bytes are limited."""

Kinds = Mapping[str, tuple[AttrType, Callable[[object], bool]]]
"""Of each attr its type, and what says of a value, null apart, whether it is of it."""


class Definitions:
    """The event definitions of one application, by every text that an event may name them with."""

    def __init__(self, definitions: Sequence[EventDefinition]) -> None:
        self._kinds = {label: _kinds(one) for label, one in by_label(definitions).items()}

    def violation(self, source_label: str, attrs: Mapping[str, object] | None) -> FieldError | None:
        """Return the first thing that breaks the event's definition; attrs may be left out or null."""
        kinds = self._kinds.get(source_label)
        if kinds is None:
            return FieldError("$.source_label", EVENT_UNDEFINED, "the application defines no such event")
        for name, value in attrs.items() if attrs else ():
            kind = kinds.get(name)
            if kind is None:
                if name == CLAIMED or (name == CONTEXT and type(value) in _OBJECTS):
                    continue
                return _wrong(name, ATTR_UNDEFINED, "the event's definition has no such attr")
            if value is not None and not kind[1](value):
                return _wrong(name, ATTR_TYPE_WRONG, f"the event's definition says {kind[0]}")
        return None


class ReadyDefinitions:
    """The definitions of all applications as they are now; an application that changes is made ready again."""

    def __init__(self) -> None:
        self._ready: dict[str, tuple[Sequence[EventDefinition], Definitions]] = {}

    def of(self, app: App) -> Definitions:
        """Return the application's."""
        known = self._ready.get(app.app_code)
        if known is not None and known[0] is app.definitions:
            return known[1]
        ready = Definitions(app.definitions)
        self._ready[app.app_code] = (app.definitions, ready)
        if len(self._ready) > READY_MAX:
            del self._ready[next(iter(self._ready))]
        return ready


def _kinds(definition: EventDefinition) -> Kinds:
    return {one.name: (one.type, _IS_OF[one.type]) for one in definition.attrs}


def _wrong(name: str, code: str, message: str) -> FieldError:
    return FieldError(f"$.attrs.{name[:NAME_SHOWN_MAX]}", code, message)


def _is_integer(value: object) -> bool:
    # What no BIGINT holds could not be summed.
    return type(value) is int and -(2**63) <= value < 2**63


def _is_time(value: object) -> bool:
    if type(value) is not str:
        return False
    try:
        msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return False
    return True


_OBJECTS = (dict, msgspec.Raw)  # read again, and as it came

_IS_OF: Mapping[AttrType, Callable[[object], bool]] = {
    "string": lambda value: type(value) is str,
    "integer": _is_integer,
    "number": lambda value: type(value) is float or type(value) is int,
    "boolean": lambda value: type(value) is bool,
    "datetime": _is_time,
}
