"""The list of users as administrators page through it: what is asked, and what comes back."""

from datetime import datetime
from typing import Literal

import msgspec

from storage.user import Role

UserState = Literal["never_signed_in", "inactive", "blocked"]
UserSort = Literal["last_seen", "created", "name"]


class UsersKey(msgspec.Struct, frozen=True, array_like=True):
    """A place in a sorted list, just behind the user of that id.

    `value` is what the list is sorted by: a folded name, or microseconds since 1970 (UTC), None where a user was never
    seen.
    """

    value: int | str | None
    user_id: str


class UsersQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which users, in which order, and how many of them behind `after`.

    `search` is a part of the nickname or e-mail in any case and look-alike form, or a whole user_id. Of the states,
    `never_signed_in` are those who were never seen, `inactive` those who were, but not since `seen_before`. Sorted by
    name, users go by the nickname, or the e-mail where they have none; those of one place go by user_id. The never seen
    stand behind all others in either order.
    """

    search: str | None = None
    role: Role | None = None
    state: UserState | None = None
    seen_before: datetime | None = None
    sort: UserSort = "last_seen"
    order: Literal["asc", "desc"] = "desc"
    limit: int = 50
    after: UsersKey | None = None


class ListedUser(msgspec.Struct, frozen=True, kw_only=True):
    """What the list shows of a user; times are UTC, None where it never was."""

    user_id: str
    role: Role
    nickname: str | None
    email: str | None
    created_at: datetime
    blocked_at: datetime | None
    last_seen_at: datetime | None


class UsersPage(msgspec.Struct, frozen=True):
    """Users in the order asked for; `next` is None where nobody is left, `total` how many there are on all pages."""

    users: tuple[ListedUser, ...]
    next: UsersKey | None
    total: int
