"""People whose doings are shown to them or erased: who is meant, and what is answered."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from collector.wire.problem import FieldError

Identifier = Annotated[str, Meta(min_length=1, max_length=64)]


class PersonOfApp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody of an application: one of the two members. A user brings along the visitors that are theirs."""

    user_id: Identifier | None = None
    anonymous_id: Identifier | None = None


class PersonOfAny(PersonOfApp, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same of any application, one that was deleted too; without `app_code` of the built-in one."""

    app_code: Identifier = "site"


class Erasing(msgspec.Struct, frozen=True):
    """The erasure has begun, and comes to its end whatever happens."""

    status: Literal["erasing"] = "erasing"


def wrong_choice(who: PersonOfApp, prefix: str) -> FieldError | None:
    """Return what is wrong where not exactly one person is named; `prefix` begins the path."""
    if (who.user_id is None) != (who.anonymous_id is None):
        return None
    return FieldError(f"{prefix}user_id", "wrong_value", "one of user_id and anonymous_id says who is meant")
