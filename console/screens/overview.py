"""Mode 1: the figures of a period, their chart, pages and sources."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from console.actions import bindings
from console.figures import change, count, duration, rate, share
from console.screens.details import Details
from console.screens.mode import ModeScreen
from console.state import Overview, Ranked, Snapshot
from console.widgets.chart import Chart
from console.widgets.strip import Figure, FigureStrip
from console.widgets.table import Column, KeyedTable, Row

NAMELESS = {"pages": "(no page)", "sources": "(direct)"}
METRIC_NAMES = {"visitors": "visitors", "pageviews": "page views", "events": "events"}
WAITING = "waiting for the daemon"


class OverviewScreen(ModeScreen):
    """At 80 columns one of the two panels is shown; tab goes to the other one."""

    CSS = """
    OverviewScreen FigureStrip { margin-top: 1; }
    OverviewScreen Chart { height: 8; margin-top: 1; }
    OverviewScreen.-wide Chart { height: 14; }
    OverviewScreen #panels { height: 1fr; margin-top: 1; }
    OverviewScreen.-narrow #panels { margin-top: 0; }
    OverviewScreen.-narrow #sources { display: none; }
    OverviewScreen.-narrow.-on-sources #sources { display: block; }
    OverviewScreen.-narrow.-on-sources #pages { display: none; }
    """
    AUTO_FOCUS: ClassVar[str] = "#pages"
    BINDINGS = bindings("overview")

    def __init__(self, *, ascii_only: bool) -> None:
        super().__init__()
        self._strip = FigureStrip()
        self._chart = Chart(ascii_only=ascii_only)
        self._pages = KeyedTable(_columns("Pages", "views"), empty=WAITING, widget_id="pages")
        self._sources = KeyedTable(_columns("Sources", "visits"), empty=WAITING, widget_id="sources")

    def compose_mode(self) -> ComposeResult:
        """Yield strip, chart and panels."""
        yield self._strip
        yield self._chart
        yield Horizontal(self._pages, self._sources, id="panels")

    def show_mode(self, snapshot: Snapshot) -> None:
        """Show the figures of a snapshot."""
        overview = snapshot.overview
        self._strip.show(_figures(snapshot, overview))
        # While a new period is asked for, the old one's chart keeps its name.
        charted = overview or snapshot
        title = f"{METRIC_NAMES[charted.metric]}, {charted.span.age}, UTC"
        self._chart.show(title, overview.series if overview else None)
        if overview is not None:
            self._pages.show(_rows(overview.pages, NAMELESS["pages"]))
            self._sources.show(_rows(overview.sources, NAMELESS["sources"]))

    def next_panel(self) -> None:
        """Go to the other panel; at 80 columns it takes the place of this one."""
        to_sources = not self._sources.has_focus
        self.set_class(to_sources, "-on-sources")
        (self._sources if to_sources else self._pages).focus()

    def on_keyed_table_selected(self, selected: KeyedTable.Selected) -> None:
        """Show the whole name, which the column may have cut."""
        self.app.push_screen(Details("Page or source", [("name", selected.key)]))


def _columns(title: str, amount: str) -> tuple[Column, ...]:
    return Column(title), Column("visitors", 8, right=True), Column(amount, 7, right=True)


def _rows(ranked: Sequence[Ranked], nameless: str) -> list[Row]:
    most = max((one.visitors for one in ranked), default=0) or 1
    return [
        Row(
            one.name or nameless,
            (one.name or nameless, count(one.visitors), count(one.amount)),
            one.visitors / most,
        )
        for one in ranked
    ]


def _figures(snapshot: Snapshot, overview: Overview | None) -> list[Figure]:
    now = overview.totals if overview else None
    before = overview.previous if overview else None
    return [
        Figure("now", count(overview.visitors_now if overview else None)),
        Figure("visitors", count(now and now.visitors), change(now and now.visitors, before and before.visitors)),
        Figure("views", count(now and now.pageviews), change(now and now.pageviews, before and before.pageviews)),
        Figure("events/s", rate(snapshot.rate)),
        Figure(
            "bounce",
            share(now and now.bounce_rate),
            change(now and now.bounce_rate, before and before.bounce_rate),
            less_is_better=True,
        ),
        Figure(
            "duration",
            duration(now and now.visit_duration),
            change(now and now.visit_duration, before and before.visit_duration),
        ),
        Figure("rejected", count(snapshot.rejected)),
    ]
