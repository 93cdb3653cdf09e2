"""What is in memory of every user: whose each name is, what the list shows, who was seen when, and who administers."""

import asyncio

from storage.last_seen import LastSeen
from storage.user import User
from storage.user_list import UsersPage, UsersQuery
from storage.user_names import UserNames
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
        self._doubted: set[str] = set()

    def __contains__(self, user_id: object) -> bool:
        """Return whether there is such a user."""
        return user_id in self._rows

    def put(self, user: User) -> None:
        """Take over how the user is now, durably; its names are reserved already."""
        self._rows[user.user_id] = row_of(user)
        self._doubted.discard(user.user_id)
        if _administers(user):
            self._administrators.add(user.user_id)
        else:
            self._administrators.discard(user.user_id)
        for session in user.sessions:
            self.seen.saw(user.user_id, session.rotated_at or session.created_at)

    def expect(self, user: User) -> None:
        """Note how the user will be if a write succeeds: who may soon be no administrator is none from here on."""
        if not _administers(user):
            self._administrators.discard(user.user_id)

    def doubt(self, user_id: str) -> None:
        """Note that nobody knows how the user is on the disk, until somebody reads it."""
        self._administrators.discard(user_id)
        self._doubted.add(user_id)

    def was_read(self, user: User) -> None:
        """Take over a user from the disk where that was in doubt."""
        if user.user_id in self._doubted:
            self.put(user)

    def administrators(self) -> int:
        """Return how many users administer for sure, whatever becomes of the writes that are under way."""
        return len(self._administrators)

    async def page(self, query: UsersQuery) -> UsersPage:
        """Return a page, in turns with everything else."""
        selection = Selection(query, self.seen.of)
        rows = list(self._rows.values())
        for begin in range(0, len(rows), ROWS_AT_ONCE):
            selection.add(rows[begin : begin + ROWS_AT_ONCE])
            await asyncio.sleep(0)
        return selection.page()


def _administers(user: User) -> bool:
    return user.role == "admin" and user.blocked_at is None
