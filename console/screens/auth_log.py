"""Admin's tab Auth log: what happened to accounts, the newest first."""

from collections.abc import Callable

from textual import work

from collector.wire.audit import AuthEvent
from console.actions import bindings
from console.asks import Asks
from console.auth_log import EVERYTHING, EventsAsked, auth_events, check, fields_of, narrowings, who
from console.screens.details import Details
from console.screens.paged import ASKING, Client, PagedPanel
from console.widgets.table import Column, KeyedTable, Row

TAIL_S = 2.0
"""Between two looks for new entries."""

COLUMNS = (
    Column("Time", 14),
    Column("Event", 26),
    Column("Outcome", 7),
    Column("Who", 19),
    Column("Address", 15, wide_only=True),
    Column("Note"),
)


class AuthLogPanel(PagedPanel):
    """The first page is read again and again while it is in sight; the cursor is on the newest until it is moved."""

    BINDINGS = bindings("auth_log")

    def __init__(self, client: Client, *, reads_on: Callable[[], bool]) -> None:
        table = KeyedTable(COLUMNS, empty=ASKING, follows="first", leaves=False, widget_id="events-table")
        super().__init__(client, table, panel_id="auth-log")
        self._asked = EVERYTHING
        self._events: dict[str, AuthEvent] = {}
        self._chain = ""
        self._reads_on = reads_on

    def on_mount(self) -> None:
        """Look for new entries from now on."""
        self.set_interval(TAIL_S, self._tail)

    async def page(self, client: Asks) -> None:
        """Show a page of entries."""
        answer = await auth_events(client, self._asked, self.pages.cursor)
        self.pages.answered(None if answer.next is None else str(answer.next))
        self._events = {str(one.number): one for one in answer.events}
        self.table.show([_row(one) for one in answer.events], empty="nothing of this is on record")
        self._describe()

    def ask(self, asked: EventsAsked) -> None:
        """Show other entries."""
        self._asked = asked
        self.pages.restart()
        self.load(anew=True)

    def on_keyed_table_selected(self, selected: KeyedTable.Selected) -> None:
        """Show the whole of an entry."""
        event = self._events.get(selected.key)
        if event is not None:
            self.app.push_screen(Details(event.event, fields_of(event)))

    def action_narrow(self) -> None:
        """Ask which entries are shown; what the one under the cursor has is among the answers."""
        under_cursor = self._events.get(self.table.cursor_key or "")
        self._narrow(narrowings(list(self._events.values()), under_cursor))

    def action_check(self) -> None:
        """Have the chain of the whole log checked."""
        self._check()

    @work
    async def _narrow(self, found: list[EventsAsked]) -> None:
        present = next((at for at, one in enumerate(found) if one.parameters(None) == self._asked.parameters(None)), 0)
        place = await self.chosen("Show", [one.words for one in found], present)
        if place is not None:
            self.ask(found[place])

    @work(exclusive=True, group="check")
    async def _check(self) -> None:
        self._chain = " · chain: checking"
        self._describe()
        found = await self.asked(check)
        if found is None:
            self._chain = ""
        elif found.damage is None:
            self._chain = f" · chain: all {found.entries} entries are good"
        else:
            self._chain = f" · chain: ✕ damaged behind {found.entries} entries"
            fields = [("good", f"{found.entries} entries"), ("damage", found.damage)]
            self.app.push_screen(Details("The chain is damaged", fields))
        self._describe()

    def _describe(self) -> None:
        more = "" if self.pages.is_last else " · n goes on"
        self.say(f"{self._asked.words} · newest first · page {self.pages.number}{more}{self._chain}")

    def _tail(self) -> None:
        if self.pages.cursor is None and not self.is_loading and self._reads_on():
            self.load()


def _row(event: AuthEvent) -> Row:
    cells = (f"{event.at:%m-%d %H:%M:%S}", event.event, event.outcome, who(event), event.peer, event.note)
    return Row(str(event.number), cells)
