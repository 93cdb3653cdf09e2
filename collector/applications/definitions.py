"""Event definitions of an application: added, repaired and taken away; pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from collector.applications.codes import RandomBytes, new_code
from collector.applications.errors import DefinitionUnknown, TooManyDefinitions
from collector.wire.apps import AttrShape, EventShape
from collector.wire.problem import BodyInvalid, FieldError
from storage.app import App, AttrDefinition, EventDefinition


def definitions_of(shapes: Sequence[EventShape], random_bytes: RandomBytes) -> list[EventDefinition]:
    """Return definitions of these shapes, each with a code of its own; BodyInvalid where a name is there twice."""
    _require_distinct([shape.name for shape in shapes], "$.events[{}].name")
    for index, shape in enumerate(shapes):
        _require_distinct([attr.name for attr in shape.attrs], f"$.events[{index}].attrs[{{}}].name")
    return [EventDefinition(new_code(one.name, "event", random_bytes), one.name, _attrs(one.attrs)) for one in shapes]


def defined(app: App, new: Sequence[EventDefinition], *, definitions_max: int) -> App:
    """Return the application with these; one whose name is defined already gets the new attrs and keeps its code.

    Raises:
        TooManyDefinitions: it would have over `definitions_max`.
    """
    by_name = {one.name: one for one in app.definitions}
    for one in new:
        known = by_name.get(one.name)
        by_name[one.name] = one if known is None else replace(known, attrs=one.attrs)
    if len(by_name) > max(definitions_max, len(app.definitions)):
        raise TooManyDefinitions(f"an application may have {definitions_max} event definitions; delete some first")
    return replace(app, definitions=tuple(by_name.values()))


def undefined(app: App, event_code: str) -> App:
    """Return the application without this definition; DefinitionUnknown where there is none."""
    left = tuple(one for one in app.definitions if one.event_code != event_code)
    if len(left) == len(app.definitions):
        raise DefinitionUnknown
    return replace(app, definitions=left)


def _attrs(shapes: Sequence[AttrShape]) -> tuple[AttrDefinition, ...]:
    return tuple(AttrDefinition(one.name, one.type) for one in shapes)


def _require_distinct(names: Sequence[str], path: str) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            raise BodyInvalid([FieldError(path.format(index), "repeated", f"{name!r} is there twice")])
        seen.add(name)
