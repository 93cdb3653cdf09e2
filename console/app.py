"""The console: one application, one stream, one frozen snapshot that the screens show."""

import asyncio
import importlib
import random
import signal
import time
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from collector.wire.live import LiveBatch
from console.actions import ACTIONS
from console.answers import read
from console.crash import write_crash
from console.credentials import Credentials
from console.errors import ConsoleError, Refused
from console.feed import follow
from console.overview import overview
from console.screens.help import HelpScreen
from console.screens.live import LiveScreen
from console.screens.mode import ModeScreen
from console.screens.overview import OverviewScreen
from console.screens.period import PeriodScreen
from console.screens.signin import SignInScreen
from console.state import CHART_METRICS, Link, Rates, Snapshot, Span
from console.token_file import write_tokens

if TYPE_CHECKING:
    from console.client import Client

PAINT_S = 0.5
"""Between two paintings at least."""
REFRESH_S = 2.0
"""Between two overviews at least; the daemon gets REST times as long as it took to answer."""
REST = 10
IDLE_REFRESH_S = 15.0
"""Between two overviews while no event comes in."""


class Connection(NamedTuple):
    """Which daemon, under which name, and where its tokens are kept; `credentials` is None before a sign-in."""

    url: str
    profile: str
    credentials: Credentials | None
    token_file: Path


class FootfallApp(App[int], inherit_bindings=False):
    """Shows one daemon. Its return code is 0 when it is left; after a crash 1, and `crashed` says where the report is."""

    TITLE = "footfall"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(one.key, one.name, one.label, show=one.in_footer, tooltip=one.description, priority=one.key == "tab")
        for one in ACTIONS
    ]

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
        self.add_mode("live", lambda: LiveScreen(ascii_only=ascii_only))
        self.paused = False
        self.crashed = ""
        self._connection = connection
        self._crash_directory = crash_directory
        self._monotonic = monotonic
        self._clock = clock
        self._draw = draw
        self._rates = Rates()
        self._stale = asyncio.Event()
        self._client: Client | None = None
        self.snapshot = Snapshot(clock())

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
        self.snapshot = self.snapshot._replace(metric=CHART_METRICS[(place + 1) % len(CHART_METRICS)])
        self._stale.set()

    def action_refresh(self) -> None:
        """Ask for the overview at once."""
        self._stale.set()

    def action_period(self) -> None:
        """Choose the period."""
        self.push_screen(PeriodScreen(self.snapshot.span), self._choose)

    def action_help(self) -> None:
        """Show the keys that work here."""
        keys: dict[str, list[str]] = {}
        for one in sorted(self.screen.active_bindings.values(), key=lambda one: one.node is not self):
            what = one.binding.tooltip or one.binding.description
            keys.setdefault(what, []).append(self.get_key_display(one.binding))
        self.push_screen(HelpScreen([(" ".join(names), what) for what, names in keys.items()]))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Give the palette every action that this screen has, and the themes."""
        works = {one.binding.action for one in screen.active_bindings.values()}
        for one in ACTIONS:
            if one.name in works and one.name != "command_palette":
                yield SystemCommand(
                    one.label, one.description, lambda name=one.name: self.run_worker(self.run_action(name))
                )
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    def _choose(self, span: Span | None) -> None:
        if span is not None:
            self.snapshot = self.snapshot._replace(span=span)
            self._stale.set()

    # What is heard.

    def _connect(self) -> None:
        self.run_worker(self._sessions(), group="session", exclusive=True)

    async def _sessions(self) -> None:
        # The HTTP client takes as long to load as the first frame to show, and is not needed for it.
        client = await asyncio.to_thread(importlib.import_module, "console.client")
        credentials, said = self._connection.credentials, ""
        while True:
            if credentials is None:
                self._set_link(Link("auth", self.snapshot.link.heard_at))
                credentials = await self.push_screen_wait(SignInScreen(self._connection.url, said, self._sign_in))
            async with client.Client(self._connection.url, credentials) as opened:
                self._client = opened
                refused = await self._session(opened)
            credentials, said = None, f"signed out: {refused}"

    async def _session(self, client: "Client") -> Refused:
        """Follow the daemon until it does not take the token any more."""
        refused: list[Refused] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow(client))
                tasks.create_task(self._keep_overview(client))
        except* Refused as group:
            refused += [one for one in group.exceptions if isinstance(one, Refused)]
        return refused[0]

    async def _follow(self, client: "Client") -> None:
        try:
            await follow(client, take=self._take, lost=self._lost, draw=self._draw)
        except Refused as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                raise
            self._set_link(Link("refused", reason=str(refused)))

    async def _keep_overview(self, client: "Client") -> None:
        while True:
            self._stale.clear()
            began = self._monotonic()
            accepted = self.snapshot.accepted
            await self._ask_overview(client)
            rest_s = max(REFRESH_S, REST * (self._monotonic() - began))
            await self._woken(rest_s)
            if self.snapshot.accepted == accepted and not self._stale.is_set():
                await self._woken(IDLE_REFRESH_S - rest_s)

    async def _ask_overview(self, client: "Client") -> None:
        asked = self.snapshot
        try:
            found = await overview(client, asked.span, asked.metric)
        except Refused as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                raise
            self.snapshot = self.snapshot._replace(problem=str(refused))
        except ConsoleError as error:
            self.snapshot = self.snapshot._replace(problem=str(error))
        else:
            self.snapshot = self.snapshot._replace(overview=found, problem="")

    async def _woken(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._stale.wait()
        except TimeoutError:
            return

    def _take(self, raw: bytes) -> None:
        batch, now_s = read(raw, LiveBatch), self._monotonic()
        self._rates.add(now_s, batch.accepted)
        self.snapshot = self.snapshot.heard(batch)
        self._set_link(Link("live", now_s))

    def _lost(self, wait_s: float, error: ConsoleError) -> None:
        link = Link("retry", self.snapshot.link.heard_at, self._monotonic() + wait_s, str(error))
        self._set_link(link)

    def _set_link(self, link: Link) -> None:
        self.snapshot = self.snapshot._replace(link=link)

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
        heard = self.snapshot.link.heard_at is not None
        shown = self.snapshot._replace(
            now=self._clock(),
            rate=self._rates.per_second(now_s) if heard else None,
            rates=tuple(self._rates.series(now_s)),
        )
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
