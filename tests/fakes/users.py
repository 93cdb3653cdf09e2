"""A UserStore in memory; takes the same contract suite as the files."""

from collections.abc import Callable

from storage.errors import UserExists
from storage.user import User, email_key, nickname_key


class MemoryUsers:
    """Users in a dict: no method suspends, so none overtakes another."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}

    async def add(self, user: User) -> None:
        self._require_free(user)
        self._users[user.user_id] = user

    async def update(self, user_id: str, change: Callable[[User], User]) -> User:
        changed = change(self._users[user_id])
        self._require_free(changed)
        self._users[user_id] = changed
        return changed

    async def by_id(self, user_id: str) -> User | None:
        return self._users.get(user_id)

    async def by_nickname(self, nickname: str) -> User | None:
        key = nickname_key(nickname)
        return self._first(lambda user: user.nickname is not None and nickname_key(user.nickname) == key)

    async def by_email(self, email: str) -> User | None:
        key = email_key(email)
        return self._first(lambda user: user.email is not None and email_key(user.email) == key)

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
