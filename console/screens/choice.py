"""A modal that asks for one of a few things."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option


class Choice(ModalScreen[int | None]):
    """Gives the place of the chosen option, None where it was left."""

    CSS = """
    Choice { align: center middle; }
    Choice Vertical { width: 60; height: auto; max-height: 90%; border: round $primary; padding: 0 1; }
    Choice Static { height: auto; }
    Choice OptionList { height: auto; max-height: 16; border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close"),
        Binding("j", "next", "Next", show=False),
        Binding("k", "before", "Before", show=False),
    ]

    def __init__(self, question: str, options: Sequence[str], *, present: int = 0) -> None:
        super().__init__()
        self._question = question
        self._options = OptionList(*(Option(one) for one in options), markup=False)
        self._options.highlighted = present

    def compose(self) -> ComposeResult:
        """Yield the question and the options, the present one under the cursor."""
        with Vertical():
            yield Static(self._question, markup=False)
            yield self._options

    def action_next(self) -> None:
        """Go to the next option."""
        self._options.action_cursor_down()

    def action_before(self) -> None:
        """Go to the option before."""
        self._options.action_cursor_up()

    def on_option_list_option_selected(self, selected: OptionList.OptionSelected) -> None:
        """Give the option."""
        self.dismiss(selected.option_index)
