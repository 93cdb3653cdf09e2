"""What is in memory of every user: whose each name is, what the list shows, who was seen when, and who administers."""

import asyncio

from storage.last_seen import LastSeen
from storage.user import User
from storage.user_list import UsersPage, UsersQuery
from storage.user_names import Name, UserNames, names_of
from storage.user_rows import Selection, UserRow, row_of

ROWS_AT_ONCE = 1_000
"""Users that a page looks at before others have their turn: about a millisecond."""


class UserIndex:
    """The users as they are on the disk; no method but `page` suspends."""

    def __init__(self, seen: LastSeen) -> None:
        self.names = UserNames()
        self.seen = seen
        self._rows: dict[str, UserRow] = {}
        self._administrators: set[str] = set()
        self._doubted: dict[str, set[Name]] = {}

    def __contains__(self, user_id: object) -> bool:
        """Return whether there is such a user."""
        return user_id in self._rows

    def put(self, user: User) -> None:
        """Take over how the user is now, durably; its names are reserved already."""
        self._rows[user.user_id] = row_of(user)
        if _administers(user):
            self._administrators.add(user.user_id)
        else:
            self._administrators.discard(user.user_id)
        for session in user.sessions:
            self.seen.saw(user.user_id, session.seen_at)

    def expect(self, user: User) -> None:
        """Note how the user will be if a write succeeds: who may soon be no administrator is none from here on."""
        if not _administers(user):
            self._administrators.discard(user.user_id)

    def expect_none(self, user_id: str) -> None:
        """Note that the user is gone if a write succeeds."""
        self._administrators.discard(user_id)

    def doubt(self, user_id: str, reserved: set[Name]) -> None:
        """Note that a write failed: how the user is on the disk nobody knows, until somebody reads it.

        The names that were `reserved` for the write are free again at once where there was no such user.
        """
        if user_id not in self._rows:
            self.names.release(reserved)
            return
        self._administrators.discard(user_id)
        self._doubted.setdefault(user_id, set()).update(reserved)

    def was_read(self, user: User) -> None:
        """Take over a user from the disk where that was in doubt, and free the names that it has not."""
        if user.user_id in self._doubted:
            names = self._doubted.pop(user.user_id) | self._rows[user.user_id].names
            self.names.release(names - names_of(user))
            self.put(user)

    def drop(self, user: User) -> None:
        """Forget a user who is gone; the names are free again."""
        del self._rows[user.user_id]
        self._administrators.discard(user.user_id)
        self.names.release(names_of(user))
        self.seen.forget(user.user_id)

    def administrators(self) -> int:
        """Return how many users administer for sure, whatever becomes of the writes that are under way."""
        return len(self._administrators)

    async def page(self, query: UsersQuery) -> UsersPage:
        """Return a page, in turns with everything else."""
        selection = Selection(query, self.seen.of)
        rows = list(self._rows.values())
        for begin in range(0, len(rows), ROWS_AT_ONCE):
            selection.add(rows[begin : begin + ROWS_AT_ONCE])
            await asyncio.sleep(0)  # other requests have their turn
        return selection.page()


def _administers(user: User) -> bool:
    return user.role == "admin" and user.blocked_at is None
