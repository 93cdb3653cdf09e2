"""What one's own profile takes, its changes, and everything else that is held about a user."""

from datetime import datetime

import msgspec
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from collector.wire.accounts import Age, Body, Email, Nickname, OwnSession, PersonName, Phone, Profile
from collector.wire.apps import AppShown
from collector.wire.audit import AuthEvent


def _not_sent() -> SecretStr:
    return SecretStr("")


class ProfilePatch(BaseModel):
    """Of PATCH /auth/me: members that are not sent stay as they are, and null takes one away.

    A password cannot be taken away; whether one was sent is in `model_fields_set`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    nickname: Nickname | None = None
    email: Email | None = None
    firstname: PersonName | None = None
    lastname: PersonName | None = None
    age: Age | None = None
    phone: Phone | None = None
    password: SecretStr = Field(default_factory=_not_sent)
    current_password: SecretStr = Field(default_factory=_not_sent)


class OwnErasure(Body):
    """Of DELETE /auth/me."""


class OwnSecondFactor(msgspec.Struct, frozen=True, kw_only=True):
    """The user's authenticator app, without what it shares with the daemon; so many recovery codes are left."""

    created_at: datetime
    confirmed_at: datetime | None
    recovery_codes: int
    failures: int
    failed_at: datetime | None


class OwnExport(msgspec.Struct, frozen=True, kw_only=True):
    """Of GET /auth/me/export. `apps` are as GET /app has them; `events` are as GET /export/events.ndjson has them, in load order.

    `auth_events` are the entries of the audit log about the user, the newest first; of what somebody else did to it, or
    it to somebody else, they do not say who that is.
    """

    exported_at: datetime
    profile: Profile
    created_at: datetime
    last_seen_at: datetime | None
    second_factor: OwnSecondFactor | None
    sessions: list[OwnSession]
    apps: list[AppShown]
    events: list[dict[str, object]]
    auth_events: list[AuthEvent]
