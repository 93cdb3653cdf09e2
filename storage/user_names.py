"""Whose each nickname and e-mail is: the index in memory that makes names unique."""

from typing import Literal, NamedTuple

from storage.errors import UserExists
from storage.user import User, email_key, nickname_key

Field = Literal["nickname", "email"]


class Name(NamedTuple):
    """What look-alikes share: a field of a user, folded."""

    field: Field
    key: str


class UserNames:
    """Folded names and the user_id that has each; no method suspends, so none can be overtaken."""

    def __init__(self) -> None:
        self._owners: dict[Field, dict[str, str]] = {"nickname": {}, "email": {}}

    def owner(self, field: Field, key: str) -> str | None:
        """Return the user_id that has the name."""
        return self._owners[field].get(key)

    def reserve(self, user: User) -> set[Name]:
        """Give the user its names and return those it did not have; UserExists, and nothing given, if one is taken."""
        added = set()
        taken: set[Field] = set()
        for name in names_of(user):
            owner = self._owners[name.field].get(name.key)
            if owner is None:
                added.add(name)
            elif owner != user.user_id:
                taken.add(name.field)
        if taken:
            raise UserExists(min(taken))
        for field, key in added:
            self._owners[field][key] = user.user_id
        return added

    def release(self, names: set[Name]) -> None:
        """Make names free again."""
        for field, key in names:
            del self._owners[field][key]


def names_of(user: User) -> set[Name]:
    """Return the names by which a user is found."""
    names = set()
    if user.nickname is not None:
        names.add(Name("nickname", nickname_key(user.nickname)))
    if user.email is not None:
        names.add(Name("email", email_key(user.email)))
    return names
