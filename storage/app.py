"""An application: whose it is, what may write to it and read it, and how its events are taken."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from storage.event import BUILT_IN_APP

Mode = Literal["off", "warn", "enforce"]
"""Of events that break their definition, or have none: kept; kept and marked; quarantined."""

VisitorMode = Literal["cookie", "cookieless"]
"""Whose events are whose: by cookie or an id of the client's own making; by a hash whose salt lives for a day."""

AttrType = Literal["string", "integer", "number", "boolean", "datetime"]

Scope = Literal["analytics", "definitions"]
"""What a read token opens: the pivots of the application; its settings and event definitions."""


class AttrDefinition(msgspec.Struct, frozen=True):
    """One member of an event's attrs."""

    name: str
    type: AttrType


class EventDefinition(msgspec.Struct, frozen=True):
    """The typed shape of the events of one name (their source_label); an event may leave attrs out."""

    event_code: str
    name: str
    attrs: tuple[AttrDefinition, ...]

    @property
    def slug(self) -> str:
        """What the event_code begins with, before a hyphen and the 36 characters of a UUID."""
        return self.event_code[:-37]


class WriteToken(msgspec.Struct, frozen=True):
    """An api_token: public, it only writes. `token_id` names it where the token itself should not stand."""

    token_id: str
    token: str
    created_at: datetime


class ReadToken(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that reads; `digest` is the SHA-256 of it in hexadecimal, the secret itself is not kept."""

    token_id: str
    digest: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None = None


class App(msgspec.Struct, frozen=True, kw_only=True):
    """One application; `write_tokens` the newest first, all of them live.

    `origins` are those of pages that may call by CORS, as browsers write them. `hostnames` are those that pages may
    have, none: any; the events of others are kept and marked. The built-in application has no owner.
    """

    app_code: str
    app_name: str
    owner_id: str | None
    created_at: datetime
    write_tokens: tuple[WriteToken, ...] = ()
    read_tokens: tuple[ReadToken, ...] = ()
    origins: tuple[str, ...] = ()
    hostnames: tuple[str, ...] = ()
    mode: Mode = "off"
    visitors: VisitorMode = "cookie"
    definitions: tuple[EventDefinition, ...] = ()

    @property
    def is_built_in(self) -> bool:
        """Whether this is the application of the site itself, which needs no token."""
        return self.app_code == BUILT_IN_APP


def by_label(definitions: Sequence[EventDefinition]) -> dict[str, EventDefinition]:
    """Return the definitions by the source_labels that mean them: event_code, else name, else slug.

    A slug that several have means none of them.
    """
    slugs = Counter(one.slug for one in definitions)
    by_slug = {one.slug: one for one in definitions if slugs[one.slug] == 1}
    return by_slug | {one.name: one for one in definitions} | {one.event_code: one for one in definitions}
