"""Admin's tab Apps: applications, their tokens, who may call them, and how their events are taken."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

from textual import work

from collector.wire.apps import AppPatch, AppShown, Created, DefinitionShown, Mode, VisitorMode
from console.accounts import time
from console.actions import bindings
from console.applications import (
    Application,
    change,
    create,
    defined,
    fields_of,
    listing,
    read_listing,
    remove,
    revoke,
    rotate,
    shown,
)
from console.asks import Asks
from console.screens.definitions import DefinitionsScreen
from console.screens.details import Details
from console.screens.line import Line
from console.screens.new_token import NewToken
from console.screens.paged import ASKING, CANCEL, Client, PagedPanel
from console.widgets.table import Column, KeyedTable, Row

COLUMNS = (
    Column("Name"),
    Column("Owner", 14),
    Column("Mode", 7),
    Column("Tokens", 6, right=True),
    Column("Events", 6, right=True),
    Column("Created", 16),
    Column("Visitors", 10, wide_only=True),
    Column("Code", 30, wide_only=True),
)
NAME_LENGTH_MAX = 64
SEARCH_LENGTH_MAX = 64
TOKEN_LENGTH = 16
"""Characters of an api_token that tell it from another."""

ORIGINS = (
    "Origins of pages that may write to {}, such as https://shop.example, with spaces between; none: no other origin"
)
HOSTNAMES = "Hostnames of the pages of {}, with spaces between; what comes from others is marked; none: any"
MODES: dict[Mode, str] = {
    "off": "off: events are taken as they are",
    "warn": "warn: what breaks its definition is kept, marked",
    "enforce": "enforce: what breaks its definition is rejected",
}
VISITORS: dict[VisitorMode, str] = {
    "cookie": "cookie: known again by a cookie",
    "cookieless": "cookieless: by a hash of the day",
}
ROTATES = "The present one is taken too until it is revoked; with two live, revoke one first."
REMOVES = "Its tokens and event definitions are gone at once; its events stay in the statistics."

Option = TypeVar("Option", Mode, VisitorMode)


class AppsPanel(PagedPanel):
    """Each deed is done to the application that was under the cursor when its key was pressed."""

    BINDINGS = bindings("apps")

    def __init__(self, client: Client) -> None:
        table = KeyedTable(COLUMNS, empty=ASKING, leaves=False, widget_id="apps-table")
        super().__init__(client, table, panel_id="apps")
        self._search = ""
        self._apps: dict[str, Application] = {}
        self._deeds: Mapping[str, Callable[[Application], object]] = {
            "rotate": self._rotate,
            "revoke": self._revoke,
            "origins": lambda app: self._list(app, "origins", ORIGINS),
            "hostnames": lambda app: self._list(app, "hostnames", HOSTNAMES),
            "mode": self._mode,
            "visitors": self._visitors,
            "define": self._define,
            "remove": self._remove,
        }

    async def page(self, client: Asks) -> None:
        """Show all applications."""
        found = read_listing(await listing(client, "admin", self._search), "admin")
        self._apps = {one.app_code: one for one in found.apps}
        self.table.show([_row(one) for one in found.apps], empty="there is no such application")
        searched = f'"{self._search}" · ' if self._search else ""
        self.say(f"{found.counted} · {searched}the built-in one, then the oldest first")

    def on_keyed_table_selected(self, selected: KeyedTable.Selected) -> None:
        """Show the whole of an application."""
        self._do_to(self._apps[selected.key], self._details)

    def action_search(self) -> None:
        """Ask for a part of a name."""
        self._ask_search()

    def action_create(self) -> None:
        """Make an application."""
        self._create()

    def action_deed(self, name: str) -> None:
        """Do something to the application under the cursor."""
        app = self._apps.get(self.table.cursor_key or "")
        if app is None:
            self.app.notify("no application is under the cursor", severity="warning", markup=False)
        else:
            self._do_to(app, self._deeds[name])

    def _do_to(self, app: Application, deed: Callable[[Application], object]) -> None:
        if app.is_built_in:
            words = "the application of the site itself is set up in config.toml, under [site]"
            self.app.notify(words, severity="warning", markup=False)
        else:
            deed(app)

    @work(exclusive=True, group="details")
    async def _details(self, app: Application) -> None:
        async def whole(client: Asks) -> tuple[AppShown, list[DefinitionShown]]:
            return await shown(client, app.app_code), await defined(client, app.app_code)

        found = await self.asked(whole)
        if found is not None:
            self.app.push_screen(Details(app.app_name, fields_of(*found)))

    @work
    async def _ask_search(self) -> None:
        question = "Part of a name, an app_code, or its owner's user_id; nothing finds all"
        search = await self.line(Line(question, present=self._search, length_max=SEARCH_LENGTH_MAX))
        if search is not None:
            self._search = search
            self.load(anew=True)

    @work
    async def _create(self) -> None:
        question = "Name of the new application, which will be yours:"
        name = await self.line(Line(question, length_max=NAME_LENGTH_MAX, complaint=_complaint_of_name))
        if name is not None:
            await self._show_token(await self.asked(lambda client: create(client, name)), f"{name} is created")

    @work
    async def _rotate(self, app: Application) -> None:
        if await self.confirmed(f"Give {app.app_name} another api_token?\n{ROTATES}", f"Rotate {app.app_name}"):
            created = await self.asked(lambda client: rotate(client, app.app_code))
            await self._show_token(created, f"Another api_token of {app.app_name}")

    async def _show_token(self, created: Created | None, title: str) -> None:
        self.load()
        if created is not None:
            await self.app.push_screen_wait(NewToken(title, created))

    @work
    async def _revoke(self, app: Application) -> None:
        found = await self.asked(lambda client: shown(client, app.app_code))
        if found is None:
            return
        tokens = sorted(found.tokens, key=lambda one: one.created_at)
        options = [f"{one.api_token[:TOKEN_LENGTH]}… since {time(one.created_at)}" for one in tokens]
        question = f"Revoke which api_token of {app.app_name}?\nNothing is taken with it any more."
        place = await self.chosen(question, (CANCEL, *options))
        if place:
            token_id = tokens[place - 1].token_id
            await self.do(lambda client: revoke(client, app.app_code, token_id), f"{options[place - 1]} is revoked")

    @work
    async def _list(self, app: Application, member: Literal["origins", "hostnames"], question: str) -> None:
        found = await self.asked(lambda client: shown(client, app.app_code))
        if found is None:
            return
        present = found.origins if member == "origins" else found.hostnames
        line = await self.line(Line(f"{question.format(app.app_name)}:", present=" ".join(present)))
        if line is not None:
            names = line.split()
            patch = AppPatch(origins=names) if member == "origins" else AppPatch(hostnames=names)
            await self._change(app, patch, f"{app.app_name} has {len(names)} {member}")

    @work
    async def _mode(self, app: Application) -> None:
        mode = await self._option(f"Events of {app.app_name} that break their definition", MODES, app.mode)
        if mode is not None:
            await self._change(app, AppPatch(mode=mode), f"{app.app_name} is in mode {mode}")

    @work
    async def _visitors(self, app: Application) -> None:
        visitors = await self._option(f"Visitors of {app.app_name}", VISITORS, app.visitors)
        if visitors is not None:
            await self._change(app, AppPatch(visitors=visitors), f"{app.app_name} is {visitors}")

    async def _option(self, question: str, options: Mapping[Option, str], present: Option) -> Option | None:
        """Ask for another one than the present; None where it stays as it is."""
        names = list(options)
        place = await self.chosen(question, list(options.values()), names.index(present))
        return None if place is None or names[place] == present else names[place]

    async def _change(self, app: Application, patch: AppPatch, said: str) -> None:
        await self.do(lambda client: change(client, app.app_code, patch), said)

    @work
    async def _define(self, app: Application) -> None:
        await self.app.push_screen_wait(DefinitionsScreen(self.client, app))
        self.load()

    @work
    async def _remove(self, app: Application) -> None:
        whose = f"of {app.owner}" if app.owner else "without an owner"
        question = f"Delete {app.app_name} ({whose})?\n{REMOVES}\n\nType its name, or its code {app.app_code}:"
        if await self.line(Line(question, expected=(app.app_name, app.app_code))) is not None:
            await self.do(lambda client: remove(client, app.app_code), f"{app.app_name} is deleted")


def _complaint_of_name(name: str) -> str:
    return "" if name.strip() else "an application needs a name"


def _row(app: Application) -> Row:
    definitions = "" if app.definitions is None else str(app.definitions)
    return Row(
        app.app_code,
        (
            *(app.app_name, app.owner or "", app.mode, str(app.tokens), definitions, time(app.created_at)),
            *(app.visitors, app.app_code),
        ),
    )
