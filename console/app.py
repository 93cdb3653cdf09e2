"""The console: one application, one stream, one frozen snapshot that the screens show."""

import asyncio
import functools
import importlib
import random
import signal
import time
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from console.actions import ACTIONS, bindings
from console.crash import write_crash
from console.credentials import Credentials
from console.errors import Unreachable
from console.screens.admin import AdminScreen
from console.screens.choice import Choice
from console.screens.explore import ExploreScreen
from console.screens.help import HelpScreen
from console.screens.live import LiveScreen
from console.screens.mode import ModeScreen
from console.screens.overview import OverviewScreen
from console.screens.signin import SignInScreen
from console.state import CHART_METRICS, SPANS, Snapshot
from console.token_file import write_tokens
from console.watch import Watch

if TYPE_CHECKING:
    from console.client import Client

PAINT_S = 0.5
"""Between two paintings at least."""
ADMIN_KEY = next(one.key for one in ACTIONS if one.name == "mode('admin')")


class Connection(NamedTuple):
    """Which daemon, under which name, and where its tokens are kept; `credentials` is None before a sign-in."""

    url: str
    profile: str
    credentials: Credentials | None
    token_file: Path


class FootfallApp(App[int], inherit_bindings=False):
    """Shows one daemon. Its return code is 0 when it is left; after a crash 1, and `crashed` says where the report is."""

    TITLE = "footfall"
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")

    def __init__(
        self,
        connection: Connection,
        *,
        crash_directory: Path,
        ascii_only: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        draw: Callable[[], float] = random.random,
    ) -> None:
        super().__init__()
        self.add_mode("overview", lambda: OverviewScreen(ascii_only=ascii_only))
        self.add_mode("explore", lambda: ExploreScreen(self._asked, ascii_only=ascii_only))
        self.add_mode("live", lambda: LiveScreen(ascii_only=ascii_only))
        self.add_mode("admin", lambda: AdminScreen(self._asked, paused=lambda: self.paused))
        self.paused = False
        self.crashed = ""
        self._connection = connection
        self._crash_directory = crash_directory
        self._monotonic = monotonic
        self._clock = clock
        self._client: Client | None = None
        self._watch = Watch(clock(), monotonic, draw, known=self._known)

    @property
    def snapshot(self) -> Snapshot:
        """What is known now."""
        return self._watch.snapshot

    def on_mount(self) -> None:
        """Show the first frame, then connect."""
        if not self.is_headless:
            # As after `q`: without this the terminal would stay as the console has set it.
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self.exit, None, 128 + number)
        self.switch_mode("overview")
        self.set_interval(PAINT_S, self._paint)
        self.call_after_refresh(self._connect)

    async def on_unmount(self) -> None:
        """Leave no refresh half done."""
        if self._client is not None:
            await self._client.settled()

    # What keys do.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return None, which is shown but does nothing, for what the role has not."""
        return None if (action, parameters) == ("mode", ("admin",)) and self._admin_refusal() else True

    def on_key(self, event: events.Key) -> None:
        """Say why a key does nothing."""
        if event.key == ADMIN_KEY and isinstance(self.screen, ModeScreen) and (reason := self._admin_refusal()):
            self.notify(reason, severity="warning", markup=False)

    def _admin_refusal(self) -> str:
        me = self.snapshot.me
        if me is None:
            return "Admin is for administrators; who you are is not known yet"
        return "" if me.role == "admin" else f"Admin is for administrators; your role is {me.role}"

    def _known(self) -> None:
        """Show what another user or role may, and what could not be asked for while nobody was signed in."""
        self.refresh_bindings()
        if self.snapshot.me is not None and isinstance(self.screen, ModeScreen):
            self.screen.reload()

    def action_mode(self, mode: str) -> None:
        """Show another mode."""
        self.switch_mode(mode)
        self.call_after_refresh(self._paint, even_paused=True)

    def action_panel(self) -> None:
        """Go to the next panel, or in a modal to the next field."""
        if isinstance(self.screen, ModeScreen):
            self.screen.next_panel()
        else:
            self.screen.focus_next()

    def action_pause(self) -> None:
        """Stop painting; what is heard meanwhile is shown when it goes on."""
        self.paused = not self.paused
        if not self.paused and isinstance(self.screen, LiveScreen):
            self.screen.follow()
        self._paint(even_paused=True)

    def action_metric(self) -> None:
        """Chart the next metric."""
        place = CHART_METRICS.index(self.snapshot.metric)
        self._watch.ask(self.snapshot.span, CHART_METRICS[(place + 1) % len(CHART_METRICS)])

    def action_refresh(self) -> None:
        """Ask the daemon at once."""
        self._watch.wake()
        if isinstance(self.screen, ModeScreen):
            self.screen.reload()

    def action_period(self) -> None:
        """Choose the period."""
        present = SPANS.index(self.snapshot.span)
        self.push_screen(Choice("Period", [f"last {span.age}" for span in SPANS], present=present), self._choose)

    def action_help(self) -> None:
        """Show the keys that work here."""
        keys: dict[str, list[str]] = {}
        places = {(one.key, one.name): place for place, one in enumerate(ACTIONS)}
        active = self.screen.active_bindings.values()
        for one in sorted(active, key=lambda one: places.get((one.binding.key, one.binding.action), len(places))):
            what = one.binding.tooltip or one.binding.description
            if not one.enabled:
                what = f"{what}. {self._admin_refusal()}"
            keys.setdefault(what, []).append(self.get_key_display(one.binding))
        self.push_screen(HelpScreen([(" ".join(names), what) for what, names in keys.items()]))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Give the palette every action that this screen has, and the themes."""
        works = {(one.binding.key, one.binding.action): one for one in screen.active_bindings.values()}
        for action in ACTIONS:
            one = works.get((action.key, action.name))
            if one is not None and one.enabled and action.name != "command_palette":
                run = functools.partial(self.run_action, action.name, one.node)
                yield SystemCommand(action.label, action.description, lambda run=run: self.run_worker(run()))
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    def _choose(self, place: int | None) -> None:
        if place is not None:
            self._watch.ask(SPANS[place], self.snapshot.metric)

    def _connect(self) -> None:
        self.run_worker(self._sessions(), group="session", exclusive=True)

    async def _sessions(self) -> None:
        # The HTTP client takes as long to load as the first frame to show, and is not needed for it.
        client = await asyncio.to_thread(importlib.import_module, "console.client")
        credentials, said = self._connection.credentials, ""
        while True:
            if credentials is None:
                self._watch.signed_out()
                credentials = await self.push_screen_wait(SignInScreen(self._connection.url, said, self._sign_in))
            async with client.Client(self._connection.url, credentials) as opened:
                self._client = opened
                refused = await self._watch.run(opened)
            self._client = None
            credentials, said = None, f"signed out: {refused}"

    def _asked(self) -> "Client":
        if self._client is None:
            raise Unreachable("nobody is signed in")
        return self._client

    async def _sign_in(self, name: str, password: str, otp: str | None) -> Credentials:
        signin = importlib.import_module("console.signin")
        client = importlib.import_module("console.client")
        async with client.Client(self._connection.url, None) as opened:
            signed_in = await signin.ask(opened, name, password, otp)
        write_tokens(self._connection.token_file, signed_in.tokens)
        return Credentials(signed_in.tokens, self._connection.token_file)

    # What is shown.

    def _paint(self, *, even_paused: bool = False) -> None:
        if self.paused and not even_paused:
            return
        now_s = self._monotonic()
        shown = self._watch.at(self._clock(), now_s)
        for screen in self.screen_stack:
            if isinstance(screen, ModeScreen) and screen.is_whole:
                screen.show(shown, now_s, self._connection.profile, paused=self.paused)

    def _fatal_error(self) -> None:
        """Write the crash to a file; Textual's own report prints every local of every frame, tokens among them."""
        error = self._exception
        report = "".join(traceback.format_exception(error))
        path = write_crash(self._crash_directory, report, self._clock())
        self.crashed = f"crashed with {type(error).__name__}; the report is {path}"
        self._close_messages_no_wait()
