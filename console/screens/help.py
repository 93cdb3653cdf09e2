"""A modal with every key that works now; typing filters."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

KEY_WIDTH = 16


class HelpScreen(ModalScreen[None]):
    """Shows keys and what they do."""

    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen Vertical { width: 74; height: 80%; border: round $primary; padding: 0 1; }
    HelpScreen Input { border: none; height: 1; background: $surface; }
    HelpScreen #keys { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    def __init__(self, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Yield the filter and the keys."""
        with Vertical():
            yield Input(placeholder="type to filter, escape closes")
            with VerticalScroll():
                yield Static(self._lines(""), markup=False, id="keys")

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Show the keys whose line holds the text."""
        self.query_one("#keys", Static).update(self._lines(changed.value))

    def _lines(self, part: str) -> str:
        lines = [f"{key:<{KEY_WIDTH}}{what}" for key, what in self._keys]
        return "\n".join(line for line in lines if part.casefold() in line.casefold()) or "no key does that"
