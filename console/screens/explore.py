"""Mode 2: the pivot of an application's event, as a table by user and as bars of the row under the cursor."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple

from textual import work
from textual.app import ComposeResult
from textual.widgets import Static

from collector.wire.pivot import PIVOT_USERS_MAX, PIVOT_VALUES_MAX
from collector.wire.users import Role
from console.actions import bindings
from console.asks import Asks
from console.bars import Amount
from console.errors import ConsoleError
from console.exploration import Chosen, Found, explore
from console.figures import count, exact
from console.period import Period
from console.pivot import Pivot, PivotRow
from console.screens.choice import Choice
from console.screens.details import Details
from console.screens.mode import ModeScreen
from console.state import Snapshot, Span
from console.widgets.bars import BarChart
from console.widgets.table import Column, KeyedTable, Row

ROWS_MAX = 500
USER_WIDTH, FIGURE_WIDTH, GAP = 20, 9, 1
EVERYONE, NOBODY = "everyone", "nobody"
WAITING = "waiting for the daemon"


class _Looker(NamedTuple):
    """Who looks at which period, and when it is."""

    role: Role
    span: Span
    now: datetime


class ExploreScreen(ModeScreen):
    """At 80 columns the table alone; `z` shows the chart with the row it is of."""

    CSS = """
    ExploreScreen #asked { height: 1; margin-top: 1; text-style: bold; }
    ExploreScreen BarChart { display: none; height: 16; margin-top: 1; }
    ExploreScreen.-wide BarChart { display: block; }
    ExploreScreen.-zoom BarChart { display: block; height: 1fr; }
    ExploreScreen.-zoom KeyedTable { height: 2; }
    """
    AUTO_FOCUS: ClassVar[str] = "#pivot"
    BINDINGS = bindings("explore")

    def __init__(self, client: Callable[[], Asks], *, ascii_only: bool) -> None:
        super().__init__()
        self._client = client
        self._words = Static("", markup=False, id="asked")
        self._table = KeyedTable((Column("User"),), empty=WAITING, widget_id="pivot")
        self._chart = BarChart(ascii_only=ascii_only)
        self._looker: _Looker | None = None
        self._refusal = ""
        self._chosen = Chosen()
        self._found = Found(nothing=WAITING)
        self._rows: dict[str, PivotRow] = {}

    def compose_mode(self) -> ComposeResult:
        """Yield what is asked, table and chart."""
        yield self._words
        yield self._table
        yield self._chart

    def show_mode(self, snapshot: Snapshot) -> None:
        """Ask anew for another period, and once it is known who looks."""
        if snapshot.me is None:
            return
        before, self._looker = self._looker, _Looker(snapshot.me.role, snapshot.span, snapshot.now)
        if before is None or before[:2] != self._looker[:2]:
            self._load()

    def problem_of(self, snapshot: Snapshot) -> str:
        """Return why the pivot is not newer, if anything."""
        return snapshot.link.reason or self._refusal

    def on_screen_resume(self) -> None:
        """What was not in sight may be old."""
        self.reload()

    def on_resize(self) -> None:
        """Show as many values as there is room for."""
        self._fill()

    def reload(self) -> None:
        """Ask for everything once more."""
        if self._looker is not None:
            self._load()

    def on_keyed_table_moved(self) -> None:
        """Chart another row."""
        self._draw()

    def on_keyed_table_selected(self, selected: KeyedTable.Selected) -> None:
        """Show every figure of the row."""
        row = self._rows[selected.key]
        fields = [(one.name, exact(one.value)) for one in row.amounts]
        self.app.push_screen(Details(_name(selected.key, row), [*fields, ("total", exact(row.total))]))

    def action_zoom(self) -> None:
        """Give the chart the room of the table, or take it back."""
        self.toggle_class("-zoom")

    def action_application(self) -> None:
        """Choose the application."""
        apps = self._found.apps
        names = [f"{one.app_name}  {one.app_code}" for one in apps]
        self._choose("Application", [Chosen(one.app_code) for one in apps], names, _place(apps, self._found.app))

    def action_event(self) -> None:
        """Choose the event."""
        events, app_code = self._found.definitions, self._found.chosen.app_code
        chosen = [Chosen(app_code, one.event_code) for one in events]
        self._choose("Event", chosen, [one.name for one in events], _place(events, self._found.definition))

    def action_by(self) -> None:
        """Choose the attr whose values are the columns."""
        names = self._found.attrs("string")
        chosen = [self._found.chosen._replace(by=one) for one in names]
        self._choose("Columns by the values of", chosen, names, _place(names, self._found.by))

    def action_sum(self) -> None:
        """Choose the attr that is summed."""
        names = self._found.attrs("integer")
        chosen = [self._found.chosen._replace(summed=one) for one in names]
        self._choose("Sum of", chosen, names, _place(names, self._found.summed))

    @work
    async def _choose(self, question: str, chosen: Sequence[Chosen], names: Sequence[str], present: int) -> None:
        if not chosen:
            self.notify(f"{question}: there is nothing to choose", severity="warning", markup=False)
            return
        place = await self.app.push_screen_wait(Choice(question, names, present=present))
        if place is not None:
            self._chosen = chosen[place]
            self._load()

    @work(exclusive=True, group="pivot")
    async def _load(self) -> None:
        assert self._looker is not None
        role, span, now = self._looker
        period = Period(age=span.length).parameters(now)
        try:
            self._found = await explore(self._client(), role, self._chosen, period)
            self._refusal = ""
        except ConsoleError as error:
            self._refusal = str(error)
        self._fill()

    def _fill(self) -> None:
        """Show what was found in the width that there is."""
        self._words.update(f" {self._describe()}")
        pivot = self._found.pivot
        self._rows = {}
        if pivot is None:
            self._table.show((), empty=self._found.nothing)
        else:
            self._rows = {EVERYONE: pivot.everyone} | {_key(one): one for one in pivot.rows[:ROWS_MAX]}
            columns, most = self._columns(pivot)[: self._fitting()], pivot.rows[0].total or 1
            rows = [_row(key, row, columns, most) for key, row in self._rows.items()]
            figures = (Column(name, FIGURE_WIDTH, right=True) for name in ("total", *columns))
            self._table.show(rows, columns=(Column("User"), *figures))
        self._draw()

    def _columns(self, pivot: Pivot) -> tuple[str, ...]:
        """Return the values; none where the figures are of no attr, and the total is all."""
        return pivot.columns if self._found.by else ()

    def _fitting(self) -> int:
        """Return how many values have room as columns beside user and total."""
        return max(0, (self.size.width - USER_WIDTH - 2 * GAP) // (FIGURE_WIDTH + GAP) - 1)

    def _draw(self) -> None:
        key = self._table.cursor_key or ""
        row = self._rows.get(key)
        if row is None:
            self._chart.show("", ())
        elif not self._found.by:
            users = (Amount(_name(key, one), one.total) for key, one in self._rows.items() if key != EVERYONE)
            self._chart.show(f"{self._found.measure} by user", tuple(users))
        else:
            self._chart.show(f"{_name(key, row)}, {self._found.measure}", row.amounts)

    def _describe(self) -> str:
        found = self._found
        parts = [found.app.app_name] if found.app else []
        if found.definition and self._looker:
            parts += [found.definition.name, found.measure, self._looker.span.age]
        if found.pivot is not None:
            parts += _cut("values", len(self._columns(found.pivot)), self._fitting(), PIVOT_VALUES_MAX)
            parts += _cut("users", len(found.pivot.rows), ROWS_MAX, PIVOT_USERS_MAX)
        return " · ".join(parts)


def _place(things: Sequence[object], one: object) -> int:
    return things.index(one) if one in things else 0


def _cut(what: str, there: int, shown: int, answered_max: int) -> list[str]:
    """Say how much is left out; of what the daemon cuts there may be more."""
    more = "+" if there >= answered_max else ""
    return [f"{shown} of {there}{more} {what}"] if there > shown else []


def _row(key: str, row: PivotRow, columns: Sequence[str], most: float) -> Row:
    figures = [count(row.total), *(count(row.figures[one]) if one in row.figures else "" for one in columns)]
    return Row(key, (_name(key, row), *figures), 0.0 if key == EVERYONE else row.total / most)


def _key(row: PivotRow) -> str:
    return NOBODY if row.user is None else f"user {row.user}"


def _name(key: str, row: PivotRow) -> str:
    return "all users" if key == EVERYONE else "(no user)" if row.user is None else row.user
