"""Admin's tab Users: who has an account, and what an administrator does about it."""

from collections.abc import Callable

from textual import work

from collector.wire.users import SEARCH_LENGTH_MAX, AdminUser
from console.accounts import (
    BLOCK,
    END_SECOND_FACTOR,
    END_SESSIONS,
    ERASE,
    NARROWINGS,
    ROLES,
    SORTINGS,
    UNBLOCK,
    Deed,
    UsersAsked,
    change_role,
    do,
    fields_of,
    name_of,
    report,
    time,
    users,
)
from console.actions import bindings
from console.asks import Asks
from console.screens.details import Details
from console.screens.line import Line
from console.screens.paged import ASKING, Client, PagedPanel
from console.widgets.table import Column, KeyedTable, Row

COLUMNS = (
    Column("Name"),
    Column("Role", 7),
    Column("Last seen", 16),
    Column("State", 7),
    Column("Created", 16, wide_only=True),
    Column("E-mail", 30, wide_only=True),
)


class UsersPanel(PagedPanel):
    """Each deed is done to the user that was under the cursor when its key was pressed, whatever comes in meanwhile."""

    BINDINGS = bindings("users")

    def __init__(self, client: Client, *, show_log: Callable[[AdminUser], None]) -> None:
        table = KeyedTable(COLUMNS, empty=ASKING, leaves=False, widget_id="users-table")
        super().__init__(client, table, panel_id="users")
        self.own_id = ""
        self._asked = UsersAsked()
        self._users: dict[str, AdminUser] = {}
        self._show_log = show_log

    async def page(self, client: Asks) -> None:
        """Show a page of users."""
        answer = await users(client, self._asked, self.pages.cursor)
        self.pages.answered(answer.next)
        self._users = {one.user_id: one for one in answer.users}
        self.table.show([_row(one) for one in answer.users], empty="there is no such user")
        more = "" if self.pages.is_last else " · n goes on"
        self.say(f"{answer.total} · {self._asked.words} · page {self.pages.number}{more}")

    def on_keyed_table_selected(self, selected: KeyedTable.Selected) -> None:
        """Show the whole of a user."""
        self._show(selected.key)

    def action_search(self) -> None:
        """Ask for a part of a name."""
        self._search()

    def action_narrow(self) -> None:
        """Ask which users are shown."""
        self._narrow()

    def action_sort(self) -> None:
        """Ask for the order."""
        self._sort()

    def action_block(self) -> None:
        """Block the user under the cursor, or unblock it."""
        user = self._under_cursor()
        if user is not None:
            self._confirm(UNBLOCK if user.blocked_at else BLOCK, user)

    def action_role(self) -> None:
        """Give the user under the cursor another role."""
        user = self._under_cursor()
        if user is not None:
            self._role(user)

    def action_end_sessions(self) -> None:
        """Sign the user under the cursor out everywhere."""
        user = self._under_cursor()
        if user is not None:
            self._confirm(END_SESSIONS, user)

    def action_end_second_factor(self) -> None:
        """Let the user under the cursor sign in without the second factor that it has lost."""
        user = self._under_cursor()
        if user is not None:
            self._confirm(END_SECOND_FACTOR, user)

    def action_erase(self) -> None:
        """Erase the user under the cursor."""
        user = self._under_cursor()
        if user is not None:
            self._erase(user)

    def action_log(self) -> None:
        """Show the audit log of the user under the cursor."""
        user = self._under_cursor()
        if user is not None:
            self._show_log(user)

    def _under_cursor(self) -> AdminUser | None:
        key = self.table.cursor_key
        if key is None:
            self.app.notify("no user is under the cursor", severity="warning", markup=False)
            return None
        return self._users[key]

    @work(exclusive=True, group="details")
    async def _show(self, user_id: str) -> None:
        found = await self.asked(lambda client: report(client, user_id))
        if found is not None:
            self.app.push_screen(Details(name_of(found.user), fields_of(found)))

    @work
    async def _search(self) -> None:
        question = "Part of a nickname or e-mail, or a user_id; nothing finds everyone"
        line = Line(question, present=self._asked.search, length_max=SEARCH_LENGTH_MAX)
        search = await self.line(line)
        if search is not None:
            self._ask(self._asked._replace(search=search))

    @work
    async def _narrow(self) -> None:
        present = NARROWINGS.index(self._asked.narrowing)
        place = await self.chosen("Show", [one.words for one in NARROWINGS], present)
        if place is not None:
            self._ask(self._asked._replace(narrowing=NARROWINGS[place]))

    @work
    async def _sort(self) -> None:
        place = await self.chosen("Order", [one.words for one in SORTINGS], SORTINGS.index(self._asked.sorting))
        if place is not None:
            self._ask(self._asked._replace(sorting=SORTINGS[place]))

    def _ask(self, asked: UsersAsked) -> None:
        self._asked = asked
        self.pages.restart()
        self.load(anew=True)

    @work
    async def _confirm(self, deed: Deed, user: AdminUser) -> None:
        question = f"{deed.verb} {self._called(user)}?\n{deed.means}"
        if await self.confirmed(question, f"{deed.verb} {name_of(user)}"):
            await self._do(deed, user)

    @work
    async def _role(self, user: AdminUser) -> None:
        roles = [f"{role} (as it is)" if role == user.role else role for role in ROLES]
        place = await self.chosen(f"Role of {self._called(user)}", roles, ROLES.index(user.role))
        if place is not None and ROLES[place] != user.role:
            await self._do(change_role(ROLES[place]), user)

    @work
    async def _erase(self, user: AdminUser) -> None:
        question = f"{ERASE.verb} {self._called(user)}?\n{ERASE.means}\n\nType its name, or its user_id {user.user_id}:"
        line = Line(question, expected=(name_of(user), user.user_id))
        if await self.line(line) is not None:
            await self._do(ERASE, user)

    async def _do(self, deed: Deed, user: AdminUser) -> None:
        await self.do(lambda client: do(client, deed, user.user_id), f"{name_of(user)} is {deed.done}")

    def _called(self, user: AdminUser) -> str:
        return f"{name_of(user)} ({user.role})" + (", which is you" if user.user_id == self.own_id else "")


def _row(user: AdminUser) -> Row:
    seen = "never" if user.last_seen_at is None else time(user.last_seen_at)
    blocked = "blocked" if user.blocked_at else ""
    cells = (name_of(user), user.role, seen, blocked, time(user.created_at), user.email or "")
    return Row(user.user_id, cells)
