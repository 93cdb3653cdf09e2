"""A modal with the whole of one thing, name by name."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from collector.wire.live import LiveEvent


class Details(ModalScreen[None]):
    """Shows clean texts; escape, enter and q close it."""

    CSS = """
    Details { align: center middle; }
    Details VerticalScroll { width: 90%; max-width: 110; height: auto; max-height: 80%; border: round $primary; padding: 0 1; }
    Details Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "dismiss", "Close")]

    def __init__(self, title: str, fields: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._heading = title
        self._fields = fields

    def compose(self) -> ComposeResult:
        """Yield a line for each field."""
        width = max(len(name) for name, _ in self._fields)
        with VerticalScroll():
            yield Static(self._heading, markup=False)
            for name, value in self._fields:
                yield Static(f"{name:<{width}}  {value}", markup=False)


def fields_of(event: LiveEvent) -> list[tuple[str, str]]:
    """Return the members that the event has, attrs as JSON."""
    members = msgspec.to_builtins(event)
    return [(name, _text(member)) for name, member in members.items() if member is not None]


def _text(member: object) -> str:
    return member if isinstance(member, str) else msgspec.json.encode(member).decode()
