"""Applications on the wire: /app/*, GET /analytics and /admin/apps (R1)."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from collector.wire.pattern import HOSTNAME, NAME, ORIGIN
from collector.wire.tracking import ATTRS_MAX, Label, Time

DEFINITIONS_BODY_MAX = 100
"""Event definitions in one request."""

APPS_LIMIT_MAX = 1000
"""Applications of one answer to an administrator."""

ORIGINS_MAX = 50
HOSTNAMES_MAX = 50
READ_TOKENS_MAX = 20
"""Of one application."""

WRITE_TOKENS_MAX = 2
"""Live api_tokens of one application: the new one and the one before it, while pages change over."""

Mode = Literal["off", "warn", "enforce"]
VisitorMode = Literal["cookie", "cookieless"]
AttrType = Literal["string", "integer", "number", "boolean", "datetime"]
Scope = Literal["analytics", "definitions"]

ORIGIN_LENGTH_MAX = 300
HOSTNAME_LENGTH_MAX = 253
"""Characters; RFC 1035, 2.3.4, without the dot at the end."""

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=NAME)]
Origin = Annotated[str, Meta(max_length=ORIGIN_LENGTH_MAX, pattern=ORIGIN)]
Hostname = Annotated[str, Meta(max_length=HOSTNAME_LENGTH_MAX, pattern=HOSTNAME)]
AttrName = Annotated[str, Meta(min_length=1, max_length=128)]


class CreateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of POST /app/create."""

    app_name: Name


class Created(msgspec.Struct, frozen=True):
    """The application's code, and the api_token that writes to it: the answer of R1, also to a rotation."""

    api_token: str
    app_code: str


class AppPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of PATCH /app/{app_code}: what is not there stays as it is."""

    app_name: Name | None = None
    mode: Mode | None = None
    visitors: VisitorMode | None = None
    origins: Annotated[list[Origin], Meta(max_length=ORIGINS_MAX)] | None = None
    hostnames: Annotated[list[Hostname], Meta(max_length=HOSTNAMES_MAX)] | None = None


class WriteTokenShown(msgspec.Struct, frozen=True):
    """A live api_token, which is public."""

    token_id: str
    api_token: str
    created_at: datetime


class ReadTokenShown(msgspec.Struct, frozen=True, kw_only=True):
    """A read token without its secret, which was shown once."""

    token_id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ReadTokenBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of POST /app/{app_code}/read-tokens; without `expires_at` the token lives until it is revoked."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=2)]
    expires_at: Time | None = None


class ReadTokenCreated(msgspec.Struct, frozen=True, kw_only=True):
    """A new read token: `read_token` is the secret, shown this once."""

    token_id: str
    read_token: str
    name: str
    scopes: list[Scope]
    expires_at: datetime | None


class ReadTokensAnswer(msgspec.Struct, frozen=True):
    """The read tokens of an application, the oldest first."""

    read_tokens: list[ReadTokenShown]


class AppShown(msgspec.Struct, frozen=True, kw_only=True):
    """An application as its owner sees it; `api_token` is the newest of `tokens`."""

    app_code: str
    app_name: str
    api_token: str
    created_at: datetime
    tokens: list[WriteTokenShown]
    origins: list[str]
    hostnames: list[str]
    mode: Mode
    visitors: VisitorMode


class AppsAnswer(msgspec.Struct, frozen=True):
    """The caller's applications, the oldest first."""

    apps: list[AppShown]


class AttrShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One typed attr of an event."""

    name: AttrName
    type: AttrType


class EventShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The typed shape of the events of one name."""

    name: Label
    attrs: Annotated[list[AttrShape], Meta(max_length=ATTRS_MAX)] = []


class DefineBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of POST /app/create_event/{app_code}; a name that is defined already gets these attrs and keeps its code."""

    events: Annotated[list[EventShape], Meta(min_length=1, max_length=DEFINITIONS_BODY_MAX)]


class Defined(msgspec.Struct, frozen=True, omit_defaults=True):
    """The code of the first definition sent; `event_codes` are those of all, where several were."""

    event_code: str
    app_code: str
    event_codes: list[str] | None = None


class DefinitionShown(msgspec.Struct, frozen=True):
    """One event definition."""

    event_code: str
    name: str
    attrs: list[AttrShape]


class DefinitionsAnswer(msgspec.Struct, frozen=True):
    """The event definitions of an application, the oldest first."""

    app_code: str
    mode: Mode
    events: list[DefinitionShown]


class AppsParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of GET /admin/apps: `search` is a part of the name in any case, a whole app_code, or the owner's whole user_id."""

    search: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    limit: Annotated[int, Meta(ge=1, le=APPS_LIMIT_MAX)] = APPS_LIMIT_MAX


class AdminApp(msgspec.Struct, frozen=True, kw_only=True):
    """An application as an administrator sees it; `owner` is the owner's nickname or e-mail, null where nobody has it."""

    app_code: str
    app_name: str
    owner_id: str | None
    owner: str | None
    created_at: datetime
    mode: Mode
    visitors: VisitorMode
    origins: list[str]
    hostnames: list[str]
    tokens: int
    definitions: int


class AdminAppsAnswer(msgspec.Struct, frozen=True):
    """Applications, the oldest first, the built-in one before them; `total` is how many the search takes."""

    apps: list[AdminApp]
    total: int
