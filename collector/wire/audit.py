"""The audit log as administrators see it: GET /admin/auth-events and the check of its chain."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from collector.wire.statistics import QueryTime

AUTH_EVENTS_LIMIT_MAX = 200
AUDIT_NAME_LENGTH_MAX = 64

Outcome = Literal["success", "failure"]


class AuthEventsParameters(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_time": "from", "to_time": "to"}
):
    """Of GET /admin/auth-events; `user_id` did it or had it done to them, `before` is the number of an entry."""

    event: Annotated[str, Meta(min_length=1, max_length=AUDIT_NAME_LENGTH_MAX)] | None = None
    outcome: Outcome | None = None
    user_id: Annotated[str, Meta(min_length=1, max_length=AUDIT_NAME_LENGTH_MAX)] | None = None
    peer: Annotated[str, Meta(min_length=1, max_length=AUDIT_NAME_LENGTH_MAX)] | None = None
    from_time: QueryTime | None = None
    to_time: QueryTime | None = None
    before: Annotated[int, Meta(ge=1)] | None = None
    limit: Annotated[int, Meta(ge=1, le=AUTH_EVENTS_LIMIT_MAX)] = 50


class AuthEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One entry, in the words of OWASP's Logging Vocabulary.

    `actor` did it and `subject` it was done to, both user_ids. `name` is a keyed hash of a name that nobody has.
    """

    number: int
    at: datetime
    event: str
    outcome: Outcome
    actor: str | None
    subject: str | None
    name: str | None
    peer: str
    user_agent: str
    sid: str | None
    request_id: str | None
    note: str


class AuthEventsAnswer(msgspec.Struct, frozen=True):
    """Entries, the newest first; `next` is the `before` of the next page, null where nothing is left."""

    events: list[AuthEvent]
    next: int | None


class AuditReport(msgspec.Struct, frozen=True):
    """What a check of the whole chain found: so many entries are good; `damage` names the first that is not."""

    entries: int
    damage: str | None
