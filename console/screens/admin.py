"""Mode 5: users, applications, rejected items and the audit log, for administrators."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from collector.wire.users import AdminUser
from console.accounts import name_of
from console.auth_log import of_user
from console.screens.apps import AppsPanel
from console.screens.auth_log import AuthLogPanel
from console.screens.mode import ModeScreen
from console.screens.paged import Client, PagedPanel
from console.screens.rejected import RejectedPanel
from console.screens.users import UsersPanel
from console.state import Snapshot


class AdminScreen(ModeScreen):
    """Tabs of which one is shown; only that one asks the daemon."""

    CSS = "AdminScreen #tabs { height: 1; margin-top: 1; text-style: bold; }"
    AUTO_FOCUS: ClassVar[str] = "#users-table"

    def __init__(self, client: Client, *, paused: Callable[[], bool]) -> None:
        super().__init__()
        self._names = Static("", markup=False, id="tabs")
        self._users = UsersPanel(client, show_log=self._show_log)
        self._log = AuthLogPanel(client, reads_on=lambda: self._shown is self._log and self.is_current and not paused())
        self._tabs: dict[str, PagedPanel] = {
            "Users": self._users,
            "Apps": AppsPanel(client),
            "Rejected": RejectedPanel(client),
            "Auth log": self._log,
        }
        self._shown: PagedPanel = self._users
        self._show_tab()

    def compose_mode(self) -> ComposeResult:
        """Yield the names of the tabs and all of them."""
        yield self._names
        yield from self._tabs.values()

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
        """Go to the next tab, behind the last one to the first."""
        tabs = list(self._tabs.values())
        self._show(tabs[(tabs.index(self._shown) + 1) % len(tabs)])
        self.reload()

    def reload(self) -> None:
        """Ask for the page of the tab once more."""
        self._shown.load()

    def _show_log(self, user: AdminUser) -> None:
        self._show(self._log)
        self._log.ask(of_user(user.user_id, name_of(user)))

    def _show(self, panel: PagedPanel) -> None:
        self._shown = panel
        self._show_tab()
        panel.table.focus()

    def _show_tab(self) -> None:
        for panel in self._tabs.values():
            panel.display = panel is self._shown
        names = (f"▌{name}▐" if panel is self._shown else f" {name} " for name, panel in self._tabs.items())
        self._names.update(f" {' '.join(names)}  tab")
