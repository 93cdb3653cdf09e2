"""The keys of a screen at its foot, in one line."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.events import Click
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget


class KeyLine(Widget, can_focus=False):
    """Shows every key that has a description; a click on one is as good as the key.

    Textual's Footer has a widget for each key and makes all of them anew at every change of the focus: half of the
    processor time of a session in Admin.
    """

    DEFAULT_CSS = """
    KeyLine { dock: bottom; height: 1; color: $footer-description-foreground; background: $footer-background; }
    KeyLine > .keyline--key { color: $footer-key-foreground; text-style: bold; }
    KeyLine > .keyline--off { text-style: dim; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"keyline--key", "keyline--off"}

    def on_mount(self) -> None:
        """Follow what the keys do."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def render_line(self, _y: int) -> Strip:
        """Return the keys, each once for what it does."""
        segments = [segment for _, *segments in self._keys() for segment in segments]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def on_click(self, event: Click) -> None:
        """Press the key that is there."""
        end = 0
        for key, *segments in self._keys():
            end += sum(segment.cell_length for segment in segments)
            if event.x < end:
                self.app.simulate_key(key)
                return

    def _keys(self) -> list[tuple[str, Segment, Segment]]:
        key_style, off = self.get_component_rich_style("keyline--key"), self.get_component_rich_style("keyline--off")
        keys = {}
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if binding.show and binding.action not in keys:
                dim = Style() if enabled else off
                shown = Segment(f" {self.app.get_key_display(binding)} ", key_style + dim)
                keys[binding.action] = binding.key, shown, Segment(f"{binding.description} ", self.rich_style + dim)
        return list(keys.values())

    def _changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self.refresh()
