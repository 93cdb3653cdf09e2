"""Event definitions as people write them in a line: `purchase price:number "unit of sale":string`."""

import shlex
from collections.abc import Sequence
from typing import get_args

from collector.wire.apps import AttrShape, AttrType

FORM = "NAME ATTR:TYPE …"
TYPES: dict[str, AttrType] = {one: one for one in get_args(AttrType)}


def words(text: str) -> list[str]:
    """Return the words of a line, those in quotes as one; ValueError where a quote is not closed."""
    try:
        return shlex.split(text)
    except ValueError:
        raise ValueError("a quotation mark is not closed") from None


def typed(attrs: Sequence[str]) -> list[AttrShape]:
    """Return attrs of words such as `price:number`; ValueError says what is wrong with the first wrong one."""
    found: dict[str, AttrShape] = {}
    for word in attrs:
        name, _, kind = word.rpartition(":")
        if not name or kind not in TYPES:
            raise ValueError(f"{word!a} should be ATTR:TYPE, with one of the types {', '.join(TYPES)}")
        if name in found:
            raise ValueError(f"the attr {name!a} is there twice")
        found[name] = AttrShape(name, TYPES[kind])
    return list(found.values())


def line(attrs: Sequence[AttrShape]) -> str:
    """Return the line that `words` and `typed` read these attrs from."""
    return " ".join(shlex.quote(f"{one.name}:{one.type}") for one in attrs)
