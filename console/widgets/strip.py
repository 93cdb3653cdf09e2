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
    """One figure as it is shown; `change` may be empty. Of some figures less is better."""

    label: str
    value: str
    change: str = ""
    less_is_better: bool = False


class FigureStrip(Widget):
    """Three lines of figures, each as wide as the others."""

    DEFAULT_CSS = """
    FigureStrip { height: 3; }
    FigureStrip > .figure--label { color: $text-muted; }
    FigureStrip > .figure--value { text-style: bold; color: $text; }
    FigureStrip > .figure--better { color: $success; }
    FigureStrip > .figure--worse { color: $error; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"figure--label", "figure--value", "figure--better", "figure--worse"}

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
        segments = [
            Segment(_cell(str(figure[y]), cells), self._style(figure, y)) for figure in self._figures if y <= CHANGE
        ]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _style(self, figure: Figure, y: int) -> Style:
        if y == CHANGE:
            worse = figure.change.startswith("▲" if figure.less_is_better else "▼")
            return self.get_component_rich_style("figure--worse" if worse else "figure--better")
        return self.get_component_rich_style("figure--value" if y == VALUE else "figure--label")


def _cell(text: str, width: int) -> str:
    return set_cell_size(f" {text}", width)
