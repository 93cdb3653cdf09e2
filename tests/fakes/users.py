"""A UserStore in memory; takes the same contract suite as the files."""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta

from storage.errors import QueryRefused, UserExists
from storage.user import User, email_key, nickname_key
from storage.user_list import ListedUser, UsersKey, UsersPage, UsersQuery

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAR = 10**18
"""Microseconds from 1970 at which no calendar has a day."""


class MemoryUsers:
    """Users in a dict: no method suspends, so none overtakes another."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._seen: dict[str, datetime] = {}
        self.tombstones: dict[str, datetime] = {}

    async def add(self, user: User) -> None:
        if user.user_id in self.tombstones:
            raise ValueError(f"{user.user_id} was removed")
        self._require_free(user)
        self._put(user)

    async def update(self, user_id: str, change: Callable[[User], User]) -> User:
        changed = change(self._users[user_id])
        self._require_free(changed)
        self._put(changed)
        return changed

    async def remove(self, user_id: str, at: datetime, allow: Callable[[User], None] = lambda _: None) -> None:
        allow(self._users[user_id])
        del self._users[user_id]
        self._seen.pop(user_id, None)
        self.tombstones[user_id] = at

    async def holds(self, user_id: str) -> bool:
        return user_id in self._users

    def removed(self) -> Collection[str]:
        return self.tombstones.keys()

    async def by_id(self, user_id: str) -> User | None:
        return self._users.get(user_id)

    async def by_nickname(self, nickname: str) -> User | None:
        key = nickname_key(nickname)
        return self._first(lambda user: user.nickname is not None and nickname_key(user.nickname) == key)

    async def by_email(self, email: str) -> User | None:
        key = email_key(email)
        return self._first(lambda user: user.email is not None and email_key(user.email) == key)

    async def page(self, query: UsersQuery) -> UsersPage:
        taken = {self._key(user, query): user for user in self._users.values() if self._is_asked_for(user, query)}
        keys = _sorted(taken.keys(), query)
        if query.after is not None:
            _require_fitting(query.after, query)
            keys = _sorted(taken.keys() | {query.after}, query)
            keys = keys[keys.index(query.after) + 1 :]
        shown = keys[: query.limit]
        following = shown[-1] if len(keys) > len(shown) else None
        return UsersPage(tuple(self._listed(taken[key]) for key in shown), following, len(taken))

    def administrators(self) -> int:
        return sum(user.role == "admin" and user.blocked_at is None for user in self._users.values())

    def saw(self, user_id: str, at: datetime) -> None:
        if user_id in self._users:
            self._seen[user_id] = max(at, self._seen.get(user_id, at))

    def last_seen(self, user_id: str) -> datetime | None:
        return self._seen.get(user_id)

    def _put(self, user: User) -> None:
        self._users[user.user_id] = user
        for session in user.sessions:
            self.saw(user.user_id, session.rotated_at or session.created_at)

    def _is_asked_for(self, user: User, query: UsersQuery) -> bool:
        seen = self._seen.get(user.user_id)
        is_in_state = {
            None: True,
            "blocked": user.blocked_at is not None,
            "never_signed_in": seen is None,
            "inactive": seen is not None and query.seen_before is not None and seen < query.seen_before,
        }[query.state]
        names = [nickname_key(name) for name in (user.nickname, user.email) if name is not None]
        search = query.search
        return (
            is_in_state
            and query.role in (None, user.role)
            and (search is None or search == user.user_id or any(nickname_key(search) in name for name in names))
        )

    def _key(self, user: User, query: UsersQuery) -> UsersKey:
        if query.sort == "name":
            return UsersKey(nickname_key(user.nickname or user.email or ""), user.user_id)
        at = user.created_at if query.sort == "created" else self._seen.get(user.user_id)
        return UsersKey(None if at is None else (at - EPOCH) // timedelta(microseconds=1), user.user_id)

    def _listed(self, user: User) -> ListedUser:
        return ListedUser(
            user_id=user.user_id,
            role=user.role,
            nickname=user.nickname,
            email=user.email,
            created_at=user.created_at,
            blocked_at=user.blocked_at,
            last_seen_at=self._seen.get(user.user_id),
        )

    def _first(self, wanted: Callable[[User], bool]) -> User | None:
        return next((user for user in self._users.values() if wanted(user)), None)

    def _require_free(self, user: User) -> None:
        for other in self._users.values():
            if other.user_id == user.user_id:
                continue
            if user.nickname and other.nickname and nickname_key(other.nickname) == nickname_key(user.nickname):
                raise UserExists("nickname")
            if user.email and other.email and email_key(other.email) == email_key(user.email):
                raise UserExists("email")


def _sorted(keys: Iterable[UsersKey], query: UsersQuery) -> list[UsersKey]:
    is_falling = query.order == "desc"
    by_id = sorted(keys, key=lambda key: key.user_id, reverse=is_falling)
    never = [key for key in by_id if key.value is None]
    by_value = sorted((key for key in by_id if key.value is not None), key=lambda key: key.value, reverse=is_falling)
    return by_value + never


def _require_fitting(after: UsersKey, query: UsersQuery) -> None:
    kinds = {"name": (str,), "created": (int,), "last_seen": (int, type(None))}
    if not isinstance(after.value, kinds[query.sort]):
        raise QueryRefused("cursor", "is of another list")
    if isinstance(after.value, int) and abs(after.value) > FAR:
        raise QueryRefused("cursor", "is of no time")
