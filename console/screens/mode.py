"""What every mode has: the line on top, the keys at the foot, and a way to show a snapshot."""

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from console.state import Snapshot
from console.widgets.keyline import KeyLine
from console.widgets.topbar import TopBar


class ModeScreen(Screen[None]):
    """A screen of the application that stays; `show` is called with every new snapshot."""

    DEFAULT_CSS = """
    ModeScreen #problem { height: auto; max-height: 2; color: $text-warning; display: none; }
    ModeScreen.-problem #problem { display: block; }
    ModeScreen.-stale FigureStrip, ModeScreen.-stale Chart, ModeScreen.-stale KeyedTable { text-opacity: 60%; }
    """
    is_whole = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - declared so by Textual

    def __init__(self) -> None:
        super().__init__()
        # Kept rather than looked up: a timer may paint while the application takes its screens apart.
        self._bar = TopBar()
        self._problem = Static("", markup=False, id="problem")

    def compose(self) -> ComposeResult:
        """Put what the mode shows between bar and footer."""
        yield self._bar
        yield self._problem
        yield from self.compose_mode()
        yield KeyLine()

    def compose_mode(self) -> ComposeResult:
        """Yield the widgets of the mode."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Everything below is there from now on."""
        self.is_whole = True

    def show(self, snapshot: Snapshot, now_s: float, profile: str, *, paused: bool) -> None:
        """Show a snapshot; what is stale is dimmed, and why it is stands above it."""
        problem = self.problem_of(snapshot)
        self._bar.show(profile, snapshot, now_s, paused=paused)
        self._problem.update(f" ! {problem}" if problem else "")
        self.set_class(bool(problem), "-problem")
        self.set_class(bool(problem), "-stale")
        self.show_mode(snapshot)

    def problem_of(self, snapshot: Snapshot) -> str:
        """Return why what is shown is not newer, if anything."""
        return snapshot.link.reason or snapshot.problem

    def show_mode(self, snapshot: Snapshot) -> None:
        """Show what the mode is about; widgets paint what has changed."""
        raise NotImplementedError

    def reload(self) -> None:
        """Ask for what only this mode shows."""

    def next_panel(self) -> None:
        """Go to the next panel."""
        self.focus_next()
