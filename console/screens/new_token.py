"""A modal with an api_token that was made just now."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from collector.wire.apps import Created

WRITTEN = "It only writes, and may stand in a page: send it as X-Api-Token."


class NewToken(ModalScreen[None]):
    """Shows it once; `y` copies it through the terminal (OSC 52), which not every terminal does."""

    CSS = """
    NewToken { align: center middle; }
    NewToken Vertical { width: 70; height: auto; border: round $primary; padding: 0 1; }
    NewToken Static { height: auto; }
    NewToken #token { text-style: bold; margin: 1 0; }
    NewToken #said { color: $text-muted; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close"),
        Binding("y", "copy", "Copy the token"),
    ]

    def __init__(self, title: str, created: Created) -> None:
        super().__init__()
        self._heading = title
        self._created = created
        self._said = Static("y copies it, escape closes", markup=False, id="said")

    def compose(self) -> ComposeResult:
        """Yield the token with what it is for."""
        with Vertical():
            yield Static(f"{self._heading}\n{self._created.app_code}", markup=False)
            yield Static(self._created.api_token, markup=False, id="token")
            yield Static(WRITTEN, markup=False)
            yield self._said

    def action_copy(self) -> None:
        """Give the token to the clipboard of whoever looks."""
        self.app.copy_to_clipboard(self._created.api_token)
        self._said.update("given to the clipboard of your terminal; escape closes")
