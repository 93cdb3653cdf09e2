"""A modal with the event definitions of one application, which are added, repaired and removed there."""

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from collector.wire.apps import AttrShape, DefinitionShown
from console.actions import bindings
from console.applications import Application, define, defined, undefine
from console.asks import Asks
from console.definitions import FORM, TYPES, line, typed, words
from console.screens.line import Line
from console.screens.paged import ASKING, Client, PagedPanel
from console.widgets.table import Column, KeyedTable, Row

COLUMNS = (Column("Event", 24), Column("Attrs"))
KEYS = "a adds one · enter repairs · x removes · escape closes"


class DefinitionsPanel(PagedPanel):
    """The events that an application has defined; what is repaired keeps its event_code."""

    BINDINGS = bindings("definitions")

    def __init__(self, client: Client, app: Application) -> None:
        super().__init__(client, KeyedTable(COLUMNS, empty=ASKING, leaves=False), panel_id="definitions")
        self._application = app
        self._definitions: dict[str, DefinitionShown] = {}

    def on_mount(self) -> None:
        """Ask for what is defined."""
        self.load()
        self.table.focus()

    async def page(self, client: Asks) -> None:
        """Show all definitions."""
        found = await defined(client, self._application.app_code)
        self._definitions = {one.event_code: one for one in found}
        rows = [Row(one.event_code, (one.name, line(one.attrs))) for one in found]
        self.table.show(rows, empty="no event is defined yet")
        self.say(f"{len(found)} · mode {self._application.mode}")

    def on_keyed_table_selected(self, selected: KeyedTable.Selected) -> None:
        """Repair a definition."""
        self._repair(self._definitions[selected.key])

    def action_add(self) -> None:
        """Define an event."""
        self._add()

    def action_remove(self) -> None:
        """Remove the definition under the cursor."""
        found = self._definitions.get(self.table.cursor_key or "")
        if found is not None:
            self._remove(found)

    @work
    async def _add(self) -> None:
        question = (
            f"Define an event of {self._application.app_name}\n\n{FORM}, with one of the types {', '.join(TYPES)}:"
        )
        text = await self.line(Line(question, complaint=_complaint_of_definition))
        if text is not None:
            name, *attrs = words(text)
            await self._define(name, typed(attrs))

    @work
    async def _repair(self, found: DefinitionShown) -> None:
        question = f"Attrs of {found.name}, with one of the types {', '.join(TYPES)}:"
        text = await self.line(Line(question, present=line(found.attrs), complaint=_complaint_of_attrs))
        if text is not None:
            await self._define(found.name, typed(words(text)))

    @work
    async def _remove(self, found: DefinitionShown) -> None:
        question = f"Remove the definition of {found.name}?\nIn mode enforce its events are rejected from then on."
        if await self.confirmed(question, f"Remove {found.name}"):
            app_code = self._application.app_code
            await self.do(lambda client: undefine(client, app_code, found.event_code), f"{found.name} is undefined")

    async def _define(self, name: str, attrs: list[AttrShape]) -> None:
        async def defined(client: Asks) -> None:
            await define(client, self._application.app_code, name, attrs)

        await self.do(defined, f"{name} is defined")


class DefinitionsScreen(ModalScreen[None]):
    """Shows the definitions of the application that it was opened for."""

    CSS = """
    DefinitionsScreen { align: center middle; }
    DefinitionsScreen > Vertical { width: 90%; max-width: 110; height: 80%; border: round $primary; }
    DefinitionsScreen .words { height: 1; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Close")]

    def __init__(self, client: Client, app: Application) -> None:
        super().__init__()
        self._application = app
        self._panel = DefinitionsPanel(client, app)

    def compose(self) -> ComposeResult:
        """Yield the definitions between a heading and the keys."""
        with Vertical():
            yield Static(f"Events of {self._application.app_name}", markup=False, classes="words")
            yield self._panel
            yield Static(KEYS, markup=False, classes="words")


def _complaint_of_definition(text: str) -> str:
    try:
        name, *attrs = words(text) or [""]
        typed(attrs)
    except ValueError as error:
        return str(error)
    return "" if name else f"should be {FORM}"


def _complaint_of_attrs(text: str) -> str:
    try:
        typed(words(text))
    except ValueError as error:
        return str(error)
    return ""
