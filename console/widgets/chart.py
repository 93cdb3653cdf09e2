"""A time series as a chart of its own."""

from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from console.plot import Series, plot


class Chart(Widget):
    """Draws a series over the whole widget, under a line of title."""

    DEFAULT_CSS = """
    Chart > .chart--title { color: $text-muted; text-style: bold; }
    Chart > .chart--area { color: $success; }
    Chart > .chart--axis { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--title", "chart--area", "chart--axis"}

    def __init__(self, *, ascii_only: bool, widget_id: str | None = None) -> None:
        super().__init__(id=widget_id)
        self._ascii_only = ascii_only
        self._title = ""
        self._series: Series | None = None
        self._lines: list[Strip] = []

    def show(self, title: str, series: Series | None) -> None:
        """Show a series; None shows the title alone."""
        if (title, series) != (self._title, self._series):
            self._title, self._series = title, series
            self._draw()

    def on_resize(self) -> None:
        """Draw anew: every column means another time."""
        self._draw()

    def render_line(self, y: int) -> Strip:
        """Return a line of the drawing."""
        width = self.size.width
        return self._lines[y] if y < len(self._lines) else Strip.blank(width, self.rich_style)

    def _draw(self) -> None:
        width, height = self.size
        axis, area = (self.get_component_rich_style(f"chart--{name}") for name in ("axis", "area"))
        lines = [[Segment(f" {self._title}", self.get_component_rich_style("chart--title"))]]
        if self._series is not None and width and height > 1:
            drawn = plot(self._series, width, height - 1, ascii_only=self._ascii_only)
            lines += [
                [Segment(left, axis), Segment(right, area)] for left, right in zip(drawn.axis, drawn.area, strict=True)
            ]
            lines += [[Segment(line, axis)] for line in drawn.foot]
        self._lines = [Strip(line).adjust_cell_length(width, self.rich_style) for line in lines]
        self.refresh()
