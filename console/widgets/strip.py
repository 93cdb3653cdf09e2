"""The key figures side by side: a label, the figure, and how it changed."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

LABEL, VALUE, CHANGE = range(3)


class Figure(NamedTuple):
    """One figure as it is shown; `change` may be empty."""

    label: str
    value: str
    change: str = ""


class FigureStrip(Widget):
    """Three lines of figures, each as wide as the others."""

    DEFAULT_CSS = """
    FigureStrip { height: 3; }
    FigureStrip > .figure--label { color: $text-muted; }
    FigureStrip > .figure--value { text-style: bold; color: $text; }
    FigureStrip > .figure--up { color: $success; }
    FigureStrip > .figure--down { color: $error; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"figure--label", "figure--value", "figure--up", "figure--down"}

    def __init__(self, widget_id: str | None = None) -> None:
        super().__init__(id=widget_id)
        self._figures: Sequence[Figure] = ()

    def show(self, figures: Sequence[Figure]) -> None:
        """Show these figures."""
        if figures != self._figures:
            self._figures = figures
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the labels, the figures or the changes."""
        width = self.size.width
        cells = width // max(1, len(self._figures))
        segments = [Segment(_cell(figure[y], cells), self._style(figure, y)) for figure in self._figures if y <= CHANGE]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _style(self, figure: Figure, y: int) -> Style:
        if y == CHANGE:
            return self.get_component_rich_style("figure--down" if figure.change.startswith("▼") else "figure--up")
        return self.get_component_rich_style("figure--value" if y == VALUE else "figure--label")


def _cell(text: str, width: int) -> str:
    return set_cell_size(f" {text}", width)
