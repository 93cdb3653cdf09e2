"""The baseline of the console: a Textual application that shows a footer and nothing else."""

from textual.app import App, ComposeResult
from textual.widgets import Footer


class Empty(App[None]):
    """A footer with one key."""

    BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012 - declared so by Textual

    def compose(self) -> ComposeResult:
        """Yield the footer."""
        yield Footer()


if __name__ == "__main__":
    Empty().run()
