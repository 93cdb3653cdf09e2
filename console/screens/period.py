"""A modal that asks for the period."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from console.state import SPANS, Span


class PeriodScreen(ModalScreen[Span | None]):
    """Gives the chosen period, or None."""

    CSS = """
    PeriodScreen { align: center middle; }
    PeriodScreen OptionList { width: 30; height: auto; border: round $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,t", "dismiss", "Close"),
    ]

    def __init__(self, span: Span) -> None:
        super().__init__()
        self._span = span

    def compose(self) -> ComposeResult:
        """Yield the periods, the present one under the cursor."""
        options = OptionList(*(Option(f"last {span.age}") for span in SPANS), markup=False)
        options.highlighted = SPANS.index(self._span)
        yield options

    def on_option_list_option_selected(self, selected: OptionList.OptionSelected) -> None:
        """Give the period."""
        self.dismiss(SPANS[selected.option_index])
