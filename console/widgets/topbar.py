"""The line that is always there: whose figures these are, of which time, and how old."""

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widgets import Static

from console.figures import duration
from console.state import Link, Snapshot


def pill(link: Link, now_s: float, *, paused: bool) -> str:
    """Return the state of the link with the age of what is shown; a sign and a word, never a colour alone."""
    age = "" if link.heard_at is None else f" {duration(max(0.0, now_s - link.heard_at))}"
    if paused:
        return "⏸ paused"
    match link.kind:
        case "live":
            return f"● live{age}"
        case "connecting":
            return "◌ connecting"
        case "retry":
            wait_s = max(0.0, (link.retry_at or now_s) - now_s)
            return f"◌ retry {duration(wait_s)}" + (f" · data{age} old" if age else "")
        case "auth":
            return "✕ auth"
        case _:
            return "✕ refused"


class TopBar(Static):
    """Profile, application and period on the left, the link on the right."""

    DEFAULT_CSS = """
    TopBar { height: 1; background: $panel; color: $text; }
    TopBar.-stale { background: $warning-muted; }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._shown = ""

    def show(self, profile: str, snapshot: Snapshot, now_s: float, *, paused: bool) -> None:
        """Show where the snapshot comes from and how old it is."""
        right = f"{pill(snapshot.link, now_s, paused=paused)} "
        left = f" {profile} · site · {snapshot.span.age}"
        room = max(0, self.size.width - cell_len(right))
        text = set_cell_size(left, room) + right
        self.set_class(snapshot.link.kind != "live", "-stale")
        if text != self._shown:
            self._shown = text
            self.update(Content(text))
