"""A modal that asks for a line of text."""

from collections.abc import Callable, Collection
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class Line(ModalScreen[str | None]):
    """Gives the line, None where it was left.

    With `expected` texts it is left by none but them, with a `complaint` by a line of which that says nothing.
    """

    CSS = """
    Line { align: center middle; }
    Line Vertical { width: 60; height: auto; border: round $primary; padding: 0 1; }
    Line Static { height: auto; }
    Line Input { border: none; height: 1; margin: 1 0; }
    Line #said { color: $text-warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    def __init__(
        self,
        question: str,
        *,
        present: str = "",
        length_max: int = 0,
        expected: Collection[str] = (),
        complaint: Callable[[str], str] = lambda _: "",
    ) -> None:
        super().__init__()
        self._question = question
        self._present = present
        self._length_max = length_max
        self._expected = expected
        self._complaint = complaint

    def compose(self) -> ComposeResult:
        """Yield the question and the line."""
        with Vertical():
            yield Static(self._question, markup=False)
            # What stands there is mostly added to: selected, it would be gone at the first key.
            yield Input(self._present, max_length=self._length_max, select_on_focus=False)
            yield Static("", markup=False, id="said")

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Give the line."""
        said = self._complaint(submitted.value)
        if self._expected and submitted.value not in self._expected:
            said = "that is another name; escape leaves everything as it is"
        if said:
            self.query_one("#said", Static).update(said)
        else:
            self.dismiss(submitted.value)
