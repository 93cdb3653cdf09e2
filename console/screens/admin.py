"""Mode 5: users and the audit log, for administrators."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from collector.wire.users import AdminUser
from console.accounts import name_of
from console.auth_log import of_user
from console.screens.auth_log import AuthLogPanel
from console.screens.mode import ModeScreen
from console.screens.paged import Client, PagedPanel
from console.screens.users import UsersPanel
from console.state import Snapshot

TABS = {False: " ▌Users▐  Auth log   tab", True: "  Users  ▌Auth log▐  tab"}


class AdminScreen(ModeScreen):
    """Two tabs, of which one is shown; only that one asks the daemon."""

    CSS = """
    AdminScreen #tabs { height: 1; margin-top: 1; text-style: bold; }
    AdminScreen #auth-log { display: none; }
    AdminScreen.-on-log #auth-log { display: block; }
    AdminScreen.-on-log #users { display: none; }
    """
    AUTO_FOCUS: ClassVar[str] = "#users-table"

    def __init__(self, client: Client, *, paused: Callable[[], bool]) -> None:
        super().__init__()
        self._tabs = Static(TABS[False], markup=False, id="tabs")
        self._users = UsersPanel(client, show_log=self._show_log)
        self._log = AuthLogPanel(client, reads_on=lambda: self._shown is self._log and self.is_current and not paused())
        self._shown: PagedPanel = self._users

    def compose_mode(self) -> ComposeResult:
        """Yield the names of the tabs and both of them."""
        yield self._tabs
        yield self._users
        yield self._log

    def on_screen_resume(self) -> None:
        """What was not in sight may be old."""
        self.reload()

    def problem_of(self, snapshot: Snapshot) -> str:
        """Return why the tab is not newer, if anything."""
        return snapshot.link.reason or self._shown.problem

    def show_mode(self, snapshot: Snapshot) -> None:
        """Note who looks."""
        self._users.own_id = snapshot.me.user_id if snapshot.me else ""

    def next_panel(self) -> None:
        """Go to the other tab."""
        self._show(self._users if self._shown is self._log else self._log)
        self.reload()

    def reload(self) -> None:
        """Ask for the page of the tab once more."""
        self._shown.load()

    def _show_log(self, user: AdminUser) -> None:
        self._show(self._log)
        self._log.ask(of_user(user.user_id, name_of(user)))

    def _show(self, panel: PagedPanel) -> None:
        self._shown = panel
        is_log = panel is self._log
        self.set_class(is_log, "-on-log")
        self._tabs.update(TABS[is_log])
        panel.table.focus()
