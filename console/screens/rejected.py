"""Admin's tab Rejected: the items that were kept aside, why, and their replay."""

from textual import work

from collector.wire.rejected import RejectedItem
from console.actions import bindings
from console.asks import Asks
from console.rejected import (
    EVERYTHING,
    RejectedAsked,
    Replayed,
    fields_of,
    narrowings,
    rejected,
    replay,
    report,
    summary,
)
from console.screens.details import Details
from console.screens.paged import ASKING, Client, PagedPanel
from console.widgets.table import Column, KeyedTable, Row

COLUMNS = (
    Column("Time", 14),
    Column("App", 16),
    Column("Code", 17),
    Column("Reason"),
    Column("Bytes", 6, right=True),
    Column("Receipt", 24, wide_only=True),
)


class RejectedPanel(PagedPanel):
    """What is replayed stays listed: a second replay of it is answered as a duplicate."""

    BINDINGS = bindings("rejected")

    def __init__(self, client: Client) -> None:
        table = KeyedTable(COLUMNS, empty=ASKING, leaves=False, widget_id="rejected-table")
        super().__init__(client, table, panel_id="rejected")
        self._asked = EVERYTHING
        self._items: dict[str, RejectedItem] = {}

    async def page(self, client: Asks) -> None:
        """Show a page of items."""
        answer = await rejected(client, self._asked, self.pages.cursor)
        self.pages.answered(answer.next)
        self._items = {one.receipt: one for one in answer.rows}
        self.table.show([_row(one) for one in answer.rows], empty="nothing of this was rejected")
        more = "" if self.pages.is_last else " · n goes on"
        self.say(f"{self._asked.words} · last loaded first · page {self.pages.number}{more}")

    def on_keyed_table_selected(self, selected: KeyedTable.Selected) -> None:
        """Show what was sent."""
        self._details(selected.key)

    def action_narrow(self) -> None:
        """Ask which items are shown."""
        self._narrow(narrowings(self._items.values(), self._asked))

    def action_replay(self) -> None:
        """Replay the item under the cursor."""
        item = self._items.get(self.table.cursor_key or "")
        if item is None:
            self.app.notify("no item is under the cursor", severity="warning", markup=False)
        else:
            self._replay(f"Replay {item.receipt}?\nIt was rejected as {item.code}.", "Replay it", [item.receipt])

    def action_replay_all(self) -> None:
        """Replay all items that are shown."""
        receipts = list(self._items)
        if receipts:
            count = f"{len(receipts)} items" if len(receipts) > 1 else "1 item"
            self._replay(f"Replay all {count} shown here?\n{self._asked.words}", f"Replay {count}", receipts)

    @work(exclusive=True, group="details")
    async def _details(self, receipt: str) -> None:
        found = await self.asked(lambda client: report(client, receipt))
        if found is not None:
            self.app.push_screen(Details("Rejected item", fields_of(found)))

    @work
    async def _narrow(self, found: list[RejectedAsked]) -> None:
        place = await self.chosen("Show", [one.words for one in found], found.index(self._asked))
        if place is not None:
            self._asked = found[place]
            self.pages.restart()
            self.load(anew=True)

    @work
    async def _replay(self, question: str, deed: str, receipts: list[str]) -> None:
        if not await self.confirmed(question, deed):
            return
        found = await self.asked(lambda client: replay(client, receipts))
        if found is not None:
            self._say_replayed(found)
        self.load()

    def _say_replayed(self, found: list[Replayed]) -> None:
        refused = [(one.receipt, one.refusal) for one in found if one.refusal]
        self.app.notify(summary(found), severity="warning" if refused else "information", markup=False)
        if refused:
            self.app.push_screen(Details(f"{len(refused)} of {len(found)} were refused again", refused))


def _row(item: RejectedItem) -> Row:
    at = f"{item.received_at:%m-%d %H:%M:%S}" if item.received_at else ""
    cells = (at, item.app_code or "", item.code, item.reason or "", str(item.raw_bytes), item.receipt)
    return Row(item.receipt, cells)
