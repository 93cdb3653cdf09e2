"""What the tabs of Admin are: a line of words and a table of one page that the daemon answered."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from console.asks import Asks
from console.errors import ConsoleError
from console.pages import Pages
from console.screens.choice import Choice
from console.screens.line import Line
from console.widgets.table import KeyedTable

Client = Callable[[], Asks]
"""Return who is asked; a ConsoleError says why nobody is."""
Answer = TypeVar("Answer")

ASKING = "asking the daemon"
CANCEL = "No, leave it as it is"


class PagedPanel(Vertical):
    """Shows pages; `problem` says why the one that is shown is not newer, if anything."""

    DEFAULT_CSS = """
    PagedPanel { height: 1fr; }
    PagedPanel Static { height: 1; color: $text-muted; }
    """

    def __init__(self, client: Client, table: KeyedTable, *, panel_id: str) -> None:
        super().__init__(id=panel_id)
        self.problem = ""
        self.table = table
        self.pages = Pages()
        self.client = client
        self._words = Static("", markup=False)
        self._loads = 0

    def compose(self) -> ComposeResult:
        """Yield words and table."""
        yield self._words
        yield self.table

    async def page(self, client: Asks) -> None:
        """Ask for the page of `pages` and show it; raises ConsoleError."""
        raise NotImplementedError

    @property
    def is_loading(self) -> bool:
        """Whether the daemon has yet to answer."""
        return bool(self._loads)

    def load(self, *, anew: bool = False) -> None:
        """Ask for the page; `anew` is for another one, of which no row is known yet."""
        if anew:
            self.table.show((), empty=ASKING)
        self._load()

    def say(self, words: str) -> None:
        """Show what the table is about."""
        self._words.update(f" {words}")

    def action_page_on(self) -> None:
        """Go on to the next page."""
        if self.pages.forward():
            self.load(anew=True)

    def action_page_back(self) -> None:
        """Go back to the page before."""
        if self.pages.back():
            self.load(anew=True)

    async def asked(self, question: Callable[[Asks], Awaitable[Answer]]) -> Answer | None:
        """Return what the daemon answers; None where it does not, which is told then."""
        try:
            return await question(self.client())
        except ConsoleError as error:
            self.app.notify(str(error), severity="error", markup=False)
            return None

    async def line(self, line: Line) -> str | None:
        """Ask for a line; None where it was left."""
        return await self.app.push_screen_wait(line)

    async def confirmed(self, question: str, deed: str) -> bool:
        """Ask whether it is to be done; what is under the cursor at first changes nothing."""
        return await self.chosen(question, (CANCEL, deed)) == 1

    async def do(self, deed: Callable[[Asks], Awaitable[None]], said: str) -> None:
        """Have it done, say so, and show what there is then."""

        async def done(client: Asks) -> bool:
            await deed(client)
            return True

        if await self.asked(done):
            self.app.notify(said, markup=False)
        self.load()

    async def chosen(self, question: str, options: Sequence[str], present: int = 0) -> int | None:
        """Ask for one of the options; None where none was chosen."""
        return await self.app.push_screen_wait(Choice(question, options, present=present))

    @work(exclusive=True, group="page")
    async def _load(self) -> None:
        self._loads += 1
        try:
            await self.page(self.client())
            self.problem = ""
        except ConsoleError as error:
            self.problem = str(error)
        finally:
            self._loads -= 1
