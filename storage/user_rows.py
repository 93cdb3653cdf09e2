"""Users as rows in memory, and the page of them that a query asks for."""

import heapq
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from storage.errors import QueryRefused
from storage.user import Role, User, email_key, nickname_key
from storage.user_list import ListedUser, UsersKey, UsersPage, UsersQuery
from storage.user_names import Name

Seen = Callable[[str], datetime | None]
"""Return when the user of that id was last seen."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class UserRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the list shows of a user and is sorted and searched by; names are folded in the fields that end in `key`."""

    user_id: str
    role: Role
    nickname: str | None
    email: str | None
    nickname_key: str
    email_key: str
    created_at: datetime
    blocked_at: datetime | None

    @property
    def names(self) -> set[Name]:
        """The names by which the user is found."""
        found = set()
        if self.nickname is not None:
            found.add(Name("nickname", self.nickname_key))
        if self.email is not None:
            found.add(Name("email", self.email_key))
        return found


Rank = tuple[bool, datetime | str | None, str]
"""Whether the row belongs to the part that a sorted list ends with (asc) or begins with (desc), what it is sorted by,
and its user_id."""


def row_of(user: User) -> UserRow:
    """Return the row of a user."""
    return UserRow(
        user_id=user.user_id,
        role=user.role,
        nickname=user.nickname,
        email=user.email,
        nickname_key=_one(nickname_key(user.nickname or ""), user.nickname),
        email_key=_one(email_key(user.email or ""), user.email),
        created_at=user.created_at,
        blocked_at=user.blocked_at,
    )


class Selection:
    """The page of a query, made of rows that are given in portions and in any order."""

    def __init__(self, query: UsersQuery, seen: Seen) -> None:
        self._query = query
        self._seen = seen
        self._takes = _filters(query, seen)
        self._value = _values(query, seen)
        self._best = heapq.nsmallest if query.order == "asc" else heapq.nlargest
        self._after = None if query.after is None else self._rank_of(query.after)
        self._first: list[tuple[Rank, UserRow]] = []
        self._total = 0

    def add(self, rows: Iterable[UserRow]) -> None:
        """Take a portion."""
        taken = [row for row in rows if all(takes(row) for takes in self._takes)]
        self._total += len(taken)
        ranked = [(self._rank(self._value(row), row.user_id), row) for row in taken]
        if self._after is not None:
            ranked = [one for one in ranked if self._is_behind(one[0], self._after)]
        self._first = self._best(self._query.limit + 1, self._first + ranked)

    def page(self) -> UsersPage:
        """Return the page of all that was added."""
        shown = self._first[: self._query.limit]
        following = None
        if len(self._first) > len(shown):
            (_, value, user_id), _ = shown[-1]
            following = UsersKey(_microseconds(value) if isinstance(value, datetime) else value, user_id)
        return UsersPage(tuple(self._listed(row) for _, row in shown), following, self._total)

    def _rank(self, value: datetime | str | None, user_id: str) -> Rank:
        # The never seen stand last: behind True where the list goes up, before True where it goes down.
        return (value is None) is (self._query.order == "asc"), value, user_id

    def _is_behind(self, rank: Rank, after: Rank) -> bool:
        return rank > after if self._query.order == "asc" else rank < after

    def _rank_of(self, key: UsersKey) -> Rank:
        """Return where the list goes on; QueryRefused where it is not sorted by such a value."""
        if self._query.sort == "name":
            if isinstance(key.value, str):
                return self._rank(key.value, key.user_id)
        elif isinstance(key.value, int) or (key.value is None and self._query.sort == "last_seen"):
            try:
                at = None if key.value is None else EPOCH + key.value * MICROSECOND
            except OverflowError:
                raise _refused() from None
            return self._rank(at, key.user_id)
        raise _refused()

    def _listed(self, row: UserRow) -> ListedUser:
        return ListedUser(
            user_id=row.user_id,
            role=row.role,
            nickname=row.nickname,
            email=row.email,
            created_at=row.created_at,
            blocked_at=row.blocked_at,
            last_seen_at=self._seen(row.user_id),
        )


def _filters(query: UsersQuery, seen: Seen) -> list[Callable[[UserRow], bool]]:
    filters: list[Callable[[UserRow], bool]] = []
    if query.role is not None:
        filters.append(lambda row: row.role == query.role)
    if query.state == "never_signed_in":
        filters.append(lambda row: seen(row.user_id) is None)
    elif query.state == "blocked":
        filters.append(lambda row: row.blocked_at is not None)
    elif query.state == "inactive":
        filters.append(_unseen_since(query.seen_before, seen))
    if query.search is not None:
        filters.append(_named(query.search))
    return filters


def _unseen_since(seen_before: datetime | None, seen: Seen) -> Callable[[UserRow], bool]:
    assert seen_before is not None, "inactive since when?"

    def is_inactive(row: UserRow) -> bool:
        at = seen(row.user_id)
        return at is not None and at < seen_before

    return is_inactive


def _named(search: str) -> Callable[[UserRow], bool]:
    part = nickname_key(search)
    return lambda row: part in row.nickname_key or part in row.email_key or search == row.user_id


def _values(query: UsersQuery, seen: Seen) -> Callable[[UserRow], datetime | str | None]:
    if query.sort == "created":
        return lambda row: row.created_at
    if query.sort == "name":
        return lambda row: row.nickname_key or row.email_key
    return lambda row: seen(row.user_id)


def _one(key: str, spelt: str | None) -> str:
    """Return the object that is kept anyway where the two texts are the same."""
    return spelt if spelt == key else key


def _microseconds(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def _refused() -> QueryRefused:
    return QueryRefused("cursor", "the cursor is not the `next` of an answer to this question")
