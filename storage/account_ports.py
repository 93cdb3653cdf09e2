"""The ports of accounts and applications: what identity, applications and administration may rely on."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from storage.app import App
from storage.audit import AuditFilter, AuditFinding, AuditPage, AuditRow
from storage.user import User
from storage.user_list import UsersPage, UsersQuery


class AuditLog(Protocol):
    """What happened to accounts, append-only and in one chain; nothing in it is changed afterwards."""

    async def append(self, row: AuditRow) -> None:
        """Return once the row survives a power cut; AuditFailed where it cannot, and then it must not happen."""

    async def page(self, wanted: AuditFilter, *, limit: int) -> AuditPage:
        """Return up to `limit` entries that the filter takes, the newest first.

        A page may be short of them though there are more: one that looks far back ends early, with a `before`.
        """

    async def check(self) -> AuditFinding:
        """Return whether every entry up to this moment is there and as it was written."""


class UserStore(Protocol):
    """Accounts. Look-ups by name fold case and look-alikes (`storage.user.nickname_key`)."""

    async def add(self, user: User) -> None:
        """Return once the new user survives a power cut.

        Raises:
            UserExists: the nickname or e-mail is taken, perhaps by a concurrent call.
            DirectoryUnusable: the user could not be written; the names are free again.
            ValueError: the user_id is not one of ours, or was a removed user's.
        """

    async def update(self, user_id: str, change: Callable[[User], User]) -> User:
        """Return the user as `change` makes it of the newest state, once that survives a power cut.

        Changes of one user happen one after another, so none is lost. `change` runs on the loop and keeps the user_id;
        where it returns the user it was given, nothing is written. Like `add`, a change that has begun goes on when
        its caller is cancelled.

        Raises:
            KeyError: there is no such user.
            UserExists: the changed nickname or e-mail is taken; nothing was changed.
            DirectoryUnusable: the change could not be written.
        """

    async def remove(self, user_id: str, at: datetime, allow: Callable[[User], None] = lambda _: None) -> None:
        """Return once the user is gone for good: nothing of it is left but a tombstone, its user_id and `at`.

        `allow` runs on the loop with the newest state; what it raises is raised, and nobody is removed. The names are
        free again at once, for anybody; the user_id is never anybody's again, and a file of it that comes back, from a
        backup say, is deleted. Like a change, a removal that has begun goes on when its caller is cancelled.

        Raises:
            KeyError: there is no such user.
            DirectoryUnusable: the user is there still, or is gone for every look-up while its file is left: the next
                `remove`, or the next start, deletes it.
        """

    async def holds(self, user_id: str) -> bool:
        """Return whether `remove` would find anything of the user: the account, or what a failure has left of it.

        That is a file that was set aside as corrupt, so that nobody can look it up, or one that could not be deleted.

        Raises:
            DirectoryUnusable: it cannot be said.
        """

    def removed(self) -> Collection[str]:
        """Return the user_ids of all who were ever removed: their tombstones."""

    async def by_id(self, user_id: str) -> User | None:
        """Return the user, or None; like every look-up UserFileCorrupt when what is stored cannot be read."""

    async def by_nickname(self, nickname: str) -> User | None:
        """Return the user of that nickname in any case and look-alike form, or None."""

    async def by_email(self, email: str) -> User | None:
        """Return the user of that address in any case, or None."""

    async def page(self, query: UsersQuery) -> UsersPage:
        """Return the users of one page; others have their turn meanwhile, however many users there are.

        Pages follow one another by key: whoever is there from the first page to the last and does not move is on exactly
        one of them, whatever is added, changed and seen meanwhile.

        Raises:
            QueryRefused: names `cursor` when `after` is not a key of a list that is sorted so.
        """

    def administrators(self) -> int:
        """Return how many users have the role admin and are not blocked, whatever becomes of the changes under way.

        A user who is being made one does not count until that is durable; one who is losing it counts no longer once
        `change` has returned. So a `change` (or an `allow` of `remove`) that refuses to take it from the last one cannot
        be overtaken: of two administrators who take it from each other at once, one is refused.
        """

    def saw(self, user_id: str, at: datetime) -> None:
        """Note that the user was there at that time; without effect for nobody, and for a time before the latest.

        It waits for nothing, and no disk: a crash loses at most the last minute. The times of a user's sessions count
        too, those when they began or were refreshed.
        """

    def last_seen(self, user_id: str) -> datetime | None:
        """Return when the user was last seen, None where never."""


class AppStore(Protocol):
    """Applications, all of them in memory: look-ups never wait."""

    def by_code(self, app_code: str) -> App | None:
        """Return the application, or None."""

    def by_write_token(self, token: str) -> App | None:
        """Return the application that this api_token writes to, or None; a revoked one is nobody's at once."""

    def by_read_token(self, digest: str) -> App | None:
        """Return the application that the read token of this digest reads, or None; it may have expired."""

    def by_hostname(self, hostname: str) -> App | None:
        """Return the oldest application that lists this hostname, or None."""

    def lists_origin(self, origin: str) -> bool:
        """Return whether any application lists this origin."""

    def used(self, token_id: str, at: datetime) -> None:
        """Note that the read token was used at that time.

        It waits for nothing, and no disk: a crash loses at most the last minute.
        """

    def last_used(self, token_id: str) -> datetime | None:
        """Return when the read token was last used, None where never."""

    def of_owner(self, owner_id: str) -> Sequence[App]:
        """Return the user's applications, the oldest first."""

    def every(self) -> Sequence[App]:
        """Return all applications, the oldest first; the built-in one is not among them."""

    async def add(self, app: App) -> None:
        """Return once the new application survives a power cut.

        Raises:
            AppExists: its owner has one of that name, perhaps by a concurrent call.
            DirectoryUnusable: it could not be written; the name is free again.
            ValueError: the app_code is not one of ours, or the built-in application's.
        """

    async def update(self, app_code: str, change: Callable[[App], App]) -> App:
        """Return the application as `change` makes it of the newest state, once that survives a power cut.

        Changes of one application happen one after another, so none is lost. `change` runs on the loop and keeps
        app_code and owner_id; where it returns the application it was given, nothing is written. Like `add` and
        `remove`, a change that has begun goes on when its caller is cancelled.

        Raises:
            KeyError: there is no such application.
            AppExists: the changed name is taken; nothing was changed.
            DirectoryUnusable: the change could not be written.
        """

    async def remove(self, app_code: str) -> None:
        """Return once the application and its tokens are gone for good; its events stay where they are.

        Raises:
            KeyError: there is no such application.
            DirectoryUnusable: it is there still.
        """
