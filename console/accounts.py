"""What administrators ask about users, and what they do to one; each deed says beforehand what it means."""

from datetime import datetime
from typing import Literal, NamedTuple

from collector.wire.users import AdminUser, Role, RoleBody, UserReport, UsersAnswer, UserSort, UserState
from console.answers import read
from console.asks import Asks
from console.figures import ABSENT

PAGE_USERS = 100
ROLES: tuple[Role, ...] = ("user", "analyst", "admin")

Order = Literal["asc", "desc"]


class Sorting(NamedTuple):
    """An order of users, in words."""

    sort: UserSort
    order: Order
    words: str


SORTINGS = (
    Sorting("last_seen", "desc", "last seen first"),
    Sorting("last_seen", "asc", "not seen for longest first"),
    Sorting("created", "desc", "newest first"),
    Sorting("created", "asc", "oldest first"),
    Sorting("name", "asc", "by name"),
    Sorting("name", "desc", "by name, from its end"),
)


class Narrowing(NamedTuple):
    """Which users are shown, in words; None of everything is everyone."""

    words: str
    state: UserState | None = None
    role: Role | None = None
    inactive_days: int | None = None


EVERYONE = Narrowing("everyone")
NARROWINGS = (
    EVERYONE,
    Narrowing("never signed in", "never_signed_in"),
    *(Narrowing(f"not seen for {days} days", "inactive", inactive_days=days) for days in (30, 90, 365)),
    Narrowing("blocked", "blocked"),
    *(Narrowing(f"role {role}", role=role) for role in ROLES),
)


class UsersAsked(NamedTuple):
    """Which users in which order."""

    search: str = ""
    narrowing: Narrowing = EVERYONE
    sorting: Sorting = SORTINGS[0]

    @property
    def words(self) -> str:
        """The same for a person."""
        found = f' · "{self.search}"' if self.search else ""
        return f"{self.narrowing.words}{found} · {self.sorting.words}"

    def parameters(self, cursor: str | None) -> dict[str, str]:
        """Return the parameters of GET /admin/users for the page behind the cursor."""
        _, state, role, inactive_days = self.narrowing
        asked = {
            "search": self.search or None,
            "state": state,
            "role": role,
            "inactive_days": inactive_days,
            "sort": self.sorting.sort,
            "order": self.sorting.order,
            "limit": PAGE_USERS,
            "cursor": cursor,
        }
        return {name: str(value) for name, value in asked.items() if value is not None}


class Deed(NamedTuple):
    """What is done to a user by `method` at `path` below its own; `verb`, `means` and `done` are words about it."""

    verb: str
    means: str
    done: str
    method: str
    path: str = ""
    body: RoleBody | None = None


BLOCK = Deed("Block", "It is signed out everywhere and cannot sign in.", "blocked", "PUT", "/block")
UNBLOCK = Deed("Unblock", "It can sign in again.", "unblocked", "DELETE", "/block")
END_SESSIONS = Deed("Sign out", "All its sessions end; it can sign in again.", "signed out", "DELETE", "/sessions")
END_SECOND_FACTOR = Deed(
    "Take the second factor of", "It signs in by its password alone.", "without a second factor", "DELETE", "/otp"
)
ERASE = Deed(
    "Erase", "The account is gone at once; what it did is erased from log, archive and statistics.", "erased", "DELETE"
)


def change_role(role: Role) -> Deed:
    """Return the deed that gives a user the role."""
    return Deed(f"Make {role}", "", f"now {role}", "PUT", "/role", RoleBody(role))


async def users(client: Asks, asked: UsersAsked, cursor: str | None) -> UsersAnswer:
    """Return a page of users; raises as `Client.get` does."""
    return read(await client.get("admin/users", asked.parameters(cursor)), UsersAnswer)


async def report(client: Asks, user_id: str) -> UserReport:
    """Return one user with its sessions and what it did last; raises as `Client.get` does."""
    return read(await client.get(f"admin/users/{user_id}", {}), UserReport)


async def do(client: Asks, deed: Deed, user_id: str) -> None:
    """Do it; raises as `Client.get` does."""
    await client.send(deed.method, f"admin/users/{user_id}{deed.path}", deed.body)


def name_of(user: AdminUser) -> str:
    """Return what a user is called."""
    return user.nickname or user.email or user.user_id


def fields_of(found: UserReport) -> list[tuple[str, str]]:
    """Return the whole of a report, name by name."""
    user = found.user
    person = " ".join(name for name in (found.firstname, found.lastname) if name)
    fields = [
        *(("user_id", user.user_id), ("name", person), ("nickname", user.nickname), ("e-mail", user.email)),
        *(("role", user.role), ("created", time(user.created_at)), ("last seen", time(user.last_seen_at))),
        ("blocked", time(user.blocked_at) if user.blocked_at else None),
        ("second factor", "on" if found.has_second_factor else None),
        *(
            ("session", f"{time(one.created_at)} - {time(one.expires_at)}  {one.peer}  {one.user_agent}")
            for one in found.sessions
        ),
        *(("page", f"{time(one.timestamp)}  {one.page_url}") for one in found.activity or ()),
        ("page", "the store does not answer" if found.activity is None else None),
    ]
    return [(name, value) for name, value in fields if value]


def time(at: datetime | None) -> str:
    """Return a time to the minute."""
    return ABSENT if at is None else f"{at:%Y-%m-%d %H:%M}"
