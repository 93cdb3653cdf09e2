"""Named amounts as a bar chart."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from console.bars import Amount, bars


class BarChart(Widget):
    """Draws amounts over the whole widget, under a line of title."""

    DEFAULT_CSS = """
    BarChart > .bars--title { color: $text-muted; text-style: bold; }
    BarChart > .bars--bar { color: $success; }
    BarChart > .bars--value { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"bars--title", "bars--bar", "bars--value"}

    def __init__(self, *, ascii_only: bool, widget_id: str | None = None) -> None:
        super().__init__(id=widget_id)
        self._ascii_only = ascii_only
        self._title = ""
        self._amounts: Sequence[Amount] = ()
        self._lines: list[Strip] = []

    def show(self, title: str, amounts: Sequence[Amount]) -> None:
        """Show amounts in their order; none shows the title alone."""
        if (title, amounts) != (self._title, self._amounts):
            self._title, self._amounts = title, amounts
            self._draw()

    def on_resize(self) -> None:
        """Draw anew: every cell means another amount."""
        self._draw()

    def render_line(self, y: int) -> Strip:
        """Return a line of the drawing."""
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width, self.rich_style)

    def _draw(self) -> None:
        width, height = self.size
        title, bar, value = (self.get_component_rich_style(f"bars--{name}") for name in ("title", "bar", "value"))
        lines = [[Segment(set_cell_size(f" {self._title}", width), title)]]
        if width and height > 1:
            drawn = bars(self._amounts, width - 2, height - 1, ascii_only=self._ascii_only)
            lines += [
                [Segment(f" {one.name} "), Segment(one.bar, bar), Segment(f" {one.value}", value)] for one in drawn
            ]
        self._lines = [Strip(line).adjust_cell_length(width, self.rich_style) for line in lines]
        self.refresh()
