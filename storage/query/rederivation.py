"""Stored events derived again by other rules, and what that changed."""

import msgspec


class RederiveQuery(msgspec.Struct, frozen=True, tag="rederive"):
    """Derive what is stored again, by the rules of this program. No question, but asked like one."""

    is_dry_run: bool


class RederivedCount(msgspec.Struct, frozen=True):
    """How many events had a value of a dimension, and have it now; `value` is `-` of those without one."""

    dimension: str
    value: str
    before: int
    after: int


class Rederived(msgspec.Struct, frozen=True):
    """What the rules of `version` changed: the counts that are others now, or would be."""

    version: str
    counts: list[RederivedCount]
