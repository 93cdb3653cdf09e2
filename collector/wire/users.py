"""Users as administrators see them: GET /admin/users, and what is done to one."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from collector.wire.statistics import Cursor

USERS_LIMIT_MAX = 200
SEARCH_LENGTH_MAX = 64
INACTIVE_DAYS_MAX = 3650

Role = Literal["user", "analyst", "admin"]
UserState = Literal["never_signed_in", "inactive", "blocked"]
UserSort = Literal["last_seen", "created", "name"]


class UsersParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of GET /admin/users.

    `search` is a part of the nickname or e-mail in any case, or a whole user_id. `state` keeps those who never signed in,
    were not seen for `inactive_days`, or are blocked. `order` is the newest first, or the end of the alphabet; the
    users that were never seen stand behind all others, in either order.
    """

    search: Annotated[str, Meta(min_length=1, max_length=SEARCH_LENGTH_MAX)] | None = None
    role: Role | None = None
    state: UserState | None = None
    inactive_days: Annotated[int, Meta(ge=1, le=INACTIVE_DAYS_MAX)] = 90
    sort: UserSort = "last_seen"
    order: Literal["asc", "desc"] = "desc"
    limit: Annotated[int, Meta(ge=1, le=USERS_LIMIT_MAX)] = 50
    cursor: Cursor | None = None


class AdminUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user as a row of the list; times are UTC, null where it never was."""

    user_id: str
    role: Role
    nickname: str | None
    email: str | None
    created_at: datetime
    last_seen_at: datetime | None
    blocked_at: datetime | None


class UsersAnswer(msgspec.Struct, frozen=True):
    """Users in the order asked for; `next` is the cursor of the next page, `total` how many the filters take."""

    users: list[AdminUser]
    next: str | None
    total: int


class AdminSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session of a user."""

    sid: str
    created_at: datetime
    expires_at: datetime
    peer: str
    user_agent: str


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """One page that the user saw last."""

    page_url: str
    timestamp: datetime


class UserReport(msgspec.Struct, frozen=True, kw_only=True):
    """A user with its sessions and its newest page views; `activity` is null while the store does not answer."""

    user: AdminUser
    firstname: str | None
    lastname: str | None
    has_second_factor: bool = False
    sessions: list[AdminSession]
    activity: list[Activity] | None


class RoleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of PUT /admin/users/{user_id}/role."""

    role: Role
