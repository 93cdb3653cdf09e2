"""Mode 3: the rate, and the newest events as they come in."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from collector.wire.live import LiveEvent
from console.actions import bindings
from console.figures import rate
from console.plot import SECOND, Series
from console.screens.details import Details, fields_of
from console.screens.mode import ModeScreen
from console.state import Snapshot
from console.widgets.chart import Chart
from console.widgets.table import Column, KeyedTable, Row

WHO_LENGTH = 8
"""Characters of an anonymous_id that tell visitors apart on a screen."""

COLUMNS = (
    Column("Time", 8),
    Column("Action", 18),
    Column("Page"),
    Column("Who", 16),
    Column("Referrer", wide_only=True),
)


class LiveScreen(ModeScreen):
    """The tail follows the newest event until the cursor is moved; end follows again."""

    CSS = """
    LiveScreen #rates { height: 1; margin-top: 1; text-style: bold; }
    LiveScreen Chart { display: none; height: 9; margin-top: 1; }
    LiveScreen.-wide Chart { display: block; }
    LiveScreen KeyedTable { margin-top: 1; }
    """
    AUTO_FOCUS: ClassVar[str] = "#tail"
    BINDINGS = bindings("live")

    def __init__(self, *, ascii_only: bool) -> None:
        super().__init__()
        self._rates = Static("", markup=False, id="rates")
        self._chart = Chart(ascii_only=ascii_only)
        self._table = KeyedTable(COLUMNS, empty="no event yet", follows="last", widget_id="tail")
        self._tail: Sequence[LiveEvent] = ()

    def compose_mode(self) -> ComposeResult:
        """Yield rate line, chart and tail."""
        yield self._rates
        yield self._chart
        yield self._table

    def show_mode(self, snapshot: Snapshot) -> None:
        """Show what was heard."""
        self._rates.update(_rates_of(snapshot))
        series = Series(snapshot.now - len(snapshot.rates) * SECOND, SECOND, snapshot.rates)
        self._chart.show(f"events a second, {len(snapshot.rates)} s", series)
        self._table.show(_rows(snapshot.tail))
        self._tail = snapshot.tail

    def follow(self) -> None:
        """Follow the newest event again."""
        self._table.action_last()

    def on_keyed_table_selected(self, selected: KeyedTable.Selected) -> None:
        """Show every member of the event."""
        event = next((one for one in self._tail if one.receipt == selected.key), None)
        if event is not None:
            self.app.push_screen(Details(event.source_label, fields_of(event)))


def _rates_of(snapshot: Snapshot) -> str:
    return (
        f" {rate(snapshot.rate)} events/s   {snapshot.accepted} accepted   {snapshot.rejected} rejected   "
        f"{snapshot.duplicates} duplicates   {snapshot.skipped} not shown"
    )


def _rows(tail: Sequence[LiveEvent]) -> list[Row]:
    return [
        Row(
            event.receipt,
            (
                f"{event.date_created or event.received_at:%H:%M:%S}",
                event.source_label,
                event.page_url or "",
                _who(event),
                event.referrer or "",
            ),
        )
        for event in tail
    ]


def _who(event: LiveEvent) -> str:
    if event.id_user is not None:
        return event.id_user
    return f"~{event.anonymous_id[:WHO_LENGTH]}" if event.anonymous_id else ""
