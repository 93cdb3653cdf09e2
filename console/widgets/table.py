"""Rows under a cursor that belongs to a row, not to a place: what is re-ranked or pushed up keeps it."""

from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

GAP = 1
FLEXIBLE_MIN = 8


class Column(NamedTuple):
    """A column of `width` cells; 0 shares what the others leave. `wide_only`: left out below `WIDE` cells."""

    title: str
    width: int = 0
    right: bool = False
    wide_only: bool = False


class Row(NamedTuple):
    """Clean texts under a key that stays the row's own; `share` of the first cell is drawn as a bar."""

    key: str
    cells: tuple[str, ...]
    share: float = 0.0


WIDE = 100


class KeyedTable(Widget, can_focus=True):
    """Shows rows as they are set.

    `follows` keeps the cursor on the first or the last row until it is moved. Where the row under the cursor is gone, the
    cursor goes to the row in its place; without `leaves` to none, so that no key is meant for a row and hits another.
    """

    DEFAULT_CSS = """
    KeyedTable { width: 1fr; height: 1fr; }
    KeyedTable > .table--header { color: $text-muted; text-style: bold; }
    KeyedTable > .table--cursor { background: $surface-lighten-2; }
    KeyedTable:focus > .table--cursor { background: $primary; color: $text; text-style: bold; }
    KeyedTable > .table--share { background: $primary-muted; }
    KeyedTable > .table--quiet { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--header", "table--cursor", "table--share", "table--quiet"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next row", show=False),
        Binding("up,k", "move(-1)", "Row before", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("home,g", "first", "First row; of the audit log: follow the newest", show=False),
        Binding("end,G", "last", "Last row; of the live events: follow the newest", show=False),
        Binding("enter", "select", "Details of the row", show=False),
    ]

    class Moved(Message):
        """Another row than before is under the cursor, or none."""

    class Selected(Message):
        """Enter or a click on the row of `key`."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str,
        follows: Literal["first", "last"] | None = None,
        leaves: bool = True,
        widget_id: str | None = None,
    ) -> None:
        super().__init__(id=widget_id)
        self._columns = tuple(columns)
        self._empty = empty
        self._follows = self._following = follows
        self._leaves = leaves
        self._rows: Sequence[Row] = ()
        self._key: str | None = None
        self._at = 0
        self._top = 0

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor; None while there are no rows."""
        return self._key

    def show(self, rows: Sequence[Row], *, empty: str | None = None, columns: Sequence[Column] | None = None) -> None:
        """Show these rows, or where there are none the text, in other columns where some are given.

        The cursor stays on its key.
        """
        self._empty = empty or self._empty
        self._columns = self._columns if columns is None else tuple(columns)
        if rows == self._rows:
            self.refresh()
            return
        had_rows, self._rows = bool(self._rows), rows
        found = next((at for at, row in enumerate(rows) if row.key == self._key), None)
        if self._following:
            found = 0 if self._following == "first" else len(rows) - 1
        self._place(self._at if found is None else found)
        if found is None and had_rows and not self._leaves:
            self._key = None

    def action_move(self, steps: int) -> None:
        """Move the cursor and stop following."""
        self._following = None
        self._place(self._at + steps)

    def action_first(self) -> None:
        """Go to the first row, and where rows come in there stay on it."""
        self.action_move(-self._at)
        self._following = "first" if self._follows == "first" else None

    def action_last(self) -> None:
        """Go to the last row, and where rows come in there stay on it."""
        self.action_move(len(self._rows))
        self._following = "last" if self._follows == "last" else None

    def action_page(self, pages: int) -> None:
        """Move by what is in sight."""
        self.action_move(pages * self._lines)

    def action_select(self) -> None:
        """Tell which row is meant: the one under the cursor when the key was pressed."""
        if self._key is not None:
            self.post_message(self.Selected(self._key))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the click was; a second one selects."""
        at = self._top + event.y - 1
        if 0 <= at < len(self._rows) and event.y > 0:
            again = self._rows[at].key == self._key
            self.action_move(at - self._at)
            if again:
                self.action_select()

    def on_mouse_scroll_down(self) -> None:
        """Move with the wheel."""
        self.action_move(1)

    def on_mouse_scroll_up(self) -> None:
        """Move with the wheel."""
        self.action_move(-1)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._place(self._at)

    def render_line(self, y: int) -> Strip:
        """Return the header, or one row."""
        width = self.size.width
        if y == 0:
            return self._strip([column.title for column in self._columns], self._style("table--header"), width)
        at = self._top + y - 1
        if at < len(self._rows):
            return self._row(self._rows[at], width)
        text = self._empty if y == 1 and not self._rows else ""
        return Strip([Segment(set_cell_size(f" {text}", width), self._style("table--quiet"))], width)

    @property
    def _lines(self) -> int:
        return max(1, self.size.height - 1)

    def _place(self, at: int) -> None:
        key, self._at = self._key, max(0, min(at, len(self._rows) - 1))
        self._key = self._rows[self._at].key if self._rows else None
        self._top = max(0, min(self._top, self._at, len(self._rows) - self._lines), self._at - self._lines + 1)
        self.refresh()
        if self._key != key:
            self.post_message(self.Moved())

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def _row(self, row: Row, width: int) -> Strip:
        if row.key == self._key:
            return self._strip(row.cells, self._style("table--cursor"), width)
        strip = self._strip(row.cells, self.rich_style, width)
        first = self._widths(width)[0] + GAP
        bar = round(first * max(0.0, min(1.0, row.share)))
        if not bar:
            return strip
        inked, rest = strip.divide([bar, width])
        return Strip.join([inked.apply_style(Style(bgcolor=self._style("table--share").bgcolor)), rest])

    def _strip(self, cells: Sequence[str], style: Style, width: int) -> Strip:
        parts = [" " * GAP]
        for cell, column, cells_wide in zip(cells, self._columns, self._widths(width), strict=True):
            if cells_wide:
                parts.append(_fitted(cell, cells_wide, right=column.right) + " " * GAP)
        return Strip([Segment(set_cell_size("".join(parts), width), style)], width)

    def _widths(self, width: int) -> list[int]:
        shown = [width >= WIDE or not column.wide_only for column in self._columns]
        fixed = sum(column.width + GAP for column, is_shown in zip(self._columns, shown, strict=True) if is_shown)
        flexible = sum(is_shown and not column.width for column, is_shown in zip(self._columns, shown, strict=True))
        rest = max(FLEXIBLE_MIN, (width - GAP - fixed) // max(1, flexible))
        return [
            (column.width or rest) if is_shown else 0 for column, is_shown in zip(self._columns, shown, strict=True)
        ]


def _fitted(text: str, width: int, *, right: bool) -> str:
    taken = cell_len(text)
    if taken > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - taken) + text if right else text + " " * (width - taken)
