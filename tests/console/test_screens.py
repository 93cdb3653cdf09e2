"""The screens through a real Textual application, against a daemon that answers as the contract says."""

import asyncio
import contextlib
import os
from pathlib import Path

import pytest
from textual.widgets import Input

from console.app import Connection, FootfallApp
from console.credentials import kept_credentials
from console.screens.details import Details
from console.screens.help import HelpScreen
from console.screens.live import LiveScreen
from console.screens.overview import OverviewScreen
from console.screens.signin import SignInScreen
from console.token_file import Tokens, read_tokens, write_tokens
from console.widgets.keyline import KeyLine
from console.widgets.strip import FigureStrip
from console.widgets.table import KeyedTable
from tests.console.site import NOW, Site, event

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
GOLDEN = Path(__file__).parent / "golden"
DEADLINE_S = 60.0


@pytest.fixture
async def site(aiohttp_server):
    found = Site()
    found.url = str((await aiohttp_server(found.app())).make_url("/"))
    return found


class Clock:
    """Both clocks of the application, moved by the test."""

    def __init__(self):
        self.s = 1000.0

    def __call__(self):
        return self.s


class Console:
    """A running application, and what it shows."""

    def __init__(self, app, pilot, clock):
        self.app = app
        self.pilot = pilot
        self.clock = clock

    @property
    def lines(self):
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self):
        return "\n".join(self.lines)

    async def press(self, *keys):
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, holds):
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                await self.pilot.pause(0.02)

    async def shows(self, *texts):
        try:
            await self.until(lambda: all(text in self.text for text in texts))
        except TimeoutError:
            pytest.fail(f"{texts} is not on the screen:\n{self.text}")


@contextlib.asynccontextmanager
async def console(site, tmp_path, size=(80, 24), *, signed_in=True, **options):
    clock, file = Clock(), tmp_path / "state" / "token"
    if signed_in:
        write_tokens(file, Tokens(site.token, site.refresh_token))
    connection = Connection(site.url, "local", kept_credentials(file, {}), file)
    app = FootfallApp(connection, crash_directory=tmp_path / "crashes", monotonic=clock, clock=lambda: NOW, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Console(app, pilot, clock)


@pytest.fixture(params=SIZES.values(), ids=SIZES.keys())
def size(request):
    return request.param


def check_golden(name, size, lines):
    path = GOLDEN / f"{name}-{size[0]}x{size[1]}.txt"
    found = "\n".join(lines) + "\n"
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8"), "GOLDEN=write makes it anew"


async def filled(shown, site):
    await shown.until(lambda: site.streams == 1)
    shown.clock.s += 2
    site.push(*(event(number) for number in range(1, 31)), rejected=2)
    await shown.until(lambda: shown.app.snapshot.accepted == 30)
    shown.clock.s += 2


async def test_the_overview_live(site, tmp_path, size):
    async with console(site, tmp_path, size) as shown:
        await filled(shown, site)
        await shown.shows("1.31k", "● live 2s", "https://shop.example/cart", "6.0")
        check_golden("overview-live", size, shown.lines)


async def test_more_bounces_are_worse_and_more_visitors_better(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await shown.shows("▼ 16%")
        strip = shown.app.screen.query_one(FigureStrip)
        better, worse = (strip.get_component_rich_style(f"figure--{kind}").color for kind in ("better", "worse"))
        changes = {segment.text.strip(): segment.style.color for segment in strip.render_line(2) if segment.style}
        # Fewer bounces, more visitors, fewer views.
        assert (changes["▼ 16%"], changes["▲ 31%"], changes["▼ 15%"]) == (better, better, worse)


async def test_the_overview_in_ascii(site, tmp_path):
    async with console(site, tmp_path, ascii_only=True) as shown:
        await shown.shows("1.31k")
        chart = "\n".join(shown.lines[6:14])
        assert chart.isascii()
        assert "###" in chart


async def test_the_overview_without_any_event(site, tmp_path, size):
    site.empty = True
    async with console(site, tmp_path, size) as shown:
        await shown.until(lambda: site.streams == 1)
        site.push()
        await shown.shows("● live", "0.0")
        check_golden("overview-empty", size, shown.lines)


async def test_the_overview_of_a_store_that_is_away_says_so_and_keeps_what_it_had(site, tmp_path, size):
    async with console(site, tmp_path, size) as shown:
        await filled(shown, site)
        await shown.shows("1.31k", "6.0")
        site.refusal = (503, "store_down")
        await shown.press("r")
        await shown.shows("503 store_down: the daemon says no", "1.31k")
        assert shown.app.screen.has_class("-stale")
        check_golden("overview-error", size, shown.lines)
        site.refusal = None
        await shown.press("r")
        await shown.until(lambda: "store_down" not in shown.text)


async def test_a_daemon_that_went_away_leaves_its_data_with_its_age(site, tmp_path, size, monkeypatch):
    monkeypatch.setattr("console.feed.RETRY_S", 20.0)
    async with console(site, tmp_path, size, draw=lambda: 1.0) as shown:
        await filled(shown, site)
        await shown.shows("1.31k")
        site.end_streams()
        await shown.until(lambda: shown.app.snapshot.link.kind == "retry")
        shown.clock.s += 12
        await shown.shows("◌ retry 8s · data 14s old", "the daemon ended the stream", "1.31k", "0.0")
        check_golden("overview-stale", size, shown.lines)


async def test_before_the_daemon_answers_there_is_a_screen(site, tmp_path, size):
    site.url = "http://127.0.0.1:9"
    async with console(site, tmp_path, size) as shown:
        await shown.shows("◌ retry", "running there?", "waiting for the daemon")


async def test_the_live_screen(site, tmp_path, size):
    async with console(site, tmp_path, size) as shown:
        await shown.press("3")
        await filled(shown, site)
        await shown.shows("https://shop.example/30", "2 rejected", "6.0 events/s")
        check_golden("live", size, shown.lines)
        assert "https://shop.example/1 " not in shown.text


async def test_the_stream_killed_five_times_is_followed_by_one_worker(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await shown.press("3")
        for round_number in range(1, 6):
            await shown.until(lambda: site.streams == 1)
            site.push(event(round_number))
            await shown.shows(f"https://shop.example/{round_number}")
            site.end_streams()
            await shown.until(lambda count=round_number: len(site.last_ids) == count + 1)
        await shown.until(lambda: site.streams == 1)
        assert len([one for one in shown.app.workers if one.group == "session"]) == 1
        assert site.last_ids[1:] == [f"0000000001-a:{number}" for number in range(1, 6)]


async def test_the_period_is_chosen_and_asked_for(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await shown.shows("visitors, 24h, UTC")
        await shown.press("t", "down", "enter")
        await shown.shows("visitors, 7d, UTC", "· site · 7d", "Nov 15")
        assert {one.range for one in site.asked[-5:]} == {"7d", "5m"}
        await shown.press("t", "escape")
        await shown.shows("visitors, 7d, UTC")


async def test_the_metric_of_the_chart_goes_round(site, tmp_path):
    async with console(site, tmp_path) as shown:
        for name in ("page views", "events", "visitors"):
            await shown.press("m")
            await shown.shows(f"{name}, 24h, UTC")
        asked = [one.metrics[0] for one in site.asked if one.dimensions == ["time:hour"]]
        assert asked[-3:] == ["pageviews", "events", "visitors"]


async def test_tab_goes_to_the_other_panel(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await shown.shows("https://shop.example/cart")
        assert "search.example" not in shown.text
        await shown.press("tab")
        await shown.shows("search.example", "(direct)")
        assert "shop.example/cart" not in shown.text
        await shown.press("tab")
        await shown.shows("https://shop.example/cart")


async def test_paused_paints_nothing_and_goes_on_with_the_newest(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await shown.press("3")
        await filled(shown, site)
        await shown.shows("https://shop.example/30")
        await shown.press("space")
        await shown.shows("⏸ paused")
        before = shown.text
        site.push(event(31))
        await shown.until(lambda: shown.app.snapshot.accepted == 31)
        shown.clock.s += 60
        await shown.pilot.pause(1.2)
        assert shown.text == before
        await shown.press("space")
        await shown.shows("https://shop.example/31", "● live")


async def test_the_cursor_stays_on_its_page_through_a_hundred_new_rankings(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await shown.shows("https://shop.example/cart")
        await shown.press("down")
        table = shown.app.screen.query_one("#pages", KeyedTable)
        assert table.cursor_key == "https://shop.example/cart"
        for count in range(100):
            site.pages = [(f"/{count}-{n}", 10_000, 1) for n in range(count % 7)] + site.pages[::-1][:3]
            shown.app._watch.wake()
            due = len(site.asked) + 5
            await shown.until(lambda count=due: len(site.asked) >= count)
        await shown.shows("shop.example/cart")
        assert table.cursor_key == "https://shop.example/cart"


async def test_enter_shows_every_member_of_the_event_that_was_under_the_cursor(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await shown.press("3")
        await shown.until(lambda: site.streams == 1)
        site.push(event(1), event(2, title="A title", attrs={"size": [1, {"unit": "cm"}]}), event(3))
        await shown.shows("https://shop.example/3")
        await shown.press("up", "enter")
        await shown.shows("A title", '{"size":[1,{"unit":"cm"}]}', "0000000001-a:2")
        assert isinstance(shown.app.screen, Details)
        await shown.press("escape")
        assert isinstance(shown.app.screen, LiveScreen)


async def test_the_cursor_stays_on_an_event_while_others_come_in_until_end_is_pressed(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await shown.press("3")
        await filled(shown, site)
        await shown.shows("https://shop.example/30")
        await shown.press("up", "up")
        table = shown.app.screen.query_one(KeyedTable)
        for number in range(31, 60):
            site.push(event(number))
        await shown.until(lambda: shown.app.snapshot.accepted == 59)
        await shown.pilot.pause(0.6)
        assert table.cursor_key == "0000000001-a:28"
        await shown.press("end")
        site.push(event(60))
        await shown.shows("https://shop.example/60")
        assert table.cursor_key == "0000000001-a:60"


@pytest.mark.parametrize("key", ["1", "3"])
async def test_the_footer_has_room_for_its_keys(site, tmp_path, key):
    async with console(site, tmp_path, (80, 24)) as shown:
        await shown.press(key)
        await shown.shows("q Quit")
        assert shown.lines[-1].endswith("q Quit")


async def test_a_click_on_a_key_at_the_foot_is_as_good_as_the_key(site, tmp_path):
    async with console(site, tmp_path, (80, 24)) as shown:
        await shown.shows("3 Live", "q Quit")
        place = shown.lines[-1].index("3 Live")
        await shown.pilot.click(KeyLine, offset=(place, 0))
        await shown.until(lambda: isinstance(shown.app.screen, LiveScreen))


async def test_help_lists_the_keys_that_work_and_typing_filters(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await shown.press("question_mark")
        await shown.shows("Leave the console", "Choose the period")
        assert isinstance(shown.app.screen, HelpScreen)
        await shown.press(*"peri")
        await shown.until(lambda: "Leave the console" not in shown.text)
        assert "Choose the period" in shown.text
        await shown.press("escape")
        assert isinstance(shown.app.screen, OverviewScreen)


async def test_no_key_is_one_that_terminals_keep_for_themselves(site, tmp_path):
    async with console(site, tmp_path) as shown:
        for mode in ("1", "3"):
            await shown.press(mode)
            keys = {one.binding.key for one in shown.app.screen.active_bindings.values()}
            assert keys & {f"ctrl+{letter}" for letter in "abgjoqs"} == set()


async def test_every_action_is_in_the_palette(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await shown.shows("1.31k")
        await shown.press("ctrl+p")
        await shown.press(*"live")
        await shown.shows("Events as they come in")
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, LiveScreen))


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_it_is_left(site, tmp_path, key):
    async with console(site, tmp_path) as shown:
        await shown.shows("1.31k")
        await shown.press(key)
    assert shown.app.return_code == 0


async def test_who_has_no_token_is_asked_and_the_token_is_kept(site, tmp_path):
    async with console(site, tmp_path, signed_in=False) as shown:
        await shown.shows("Sign in at", "✕ auth")
        assert isinstance(shown.app.screen, SignInScreen)
        await shown.press(*"ann", "enter", *"wrong", "enter")
        await shown.shows("credentials_wrong")
        assert shown.app.screen.query_one("#password", Input).value == ""
        shown.app.screen.query_one("#password", Input).value = "pass wörd"
        await shown.press("enter")
        await shown.until(lambda: site.streams == 1)
        site.push()
        await shown.shows("● live", "1.31k")
    kept = tmp_path / "state" / "token"
    assert (read_tokens(kept), oct(kept.stat().st_mode)[-3:]) == (Tokens(site.token), "600")
    assert site.signed_in == [{"nickname": "ann", "password": "wrong"}, {"nickname": "ann", "password": "pass wörd"}]


async def test_who_has_a_second_factor_is_asked_for_its_code(site, tmp_path):
    site.otp = "123456"
    async with console(site, tmp_path, signed_in=False) as shown:
        await shown.shows("Sign in at")
        code = shown.app.screen.query_one("#otp", Input)
        assert not code.display
        await shown.press(*"ann", "enter")
        shown.app.screen.query_one("#password", Input).value = "pass wörd"
        await shown.press("enter")
        await shown.shows("otp_required", "authenticator app")
        await shown.press(*"654321", "enter")
        await shown.shows("otp_invalid")
        assert (code.has_focus, code.value) == (True, "")
        await shown.press(*"123456", "enter")
        await shown.until(lambda: site.streams == 1)
    assert [body.get("otp") for body in site.signed_in] == [None, "654321", "123456"]


async def test_a_session_that_ends_is_asked_for_again_over_the_data_that_was_there(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await filled(shown, site)
        await shown.shows("1.31k")
        site.end_session()
        await shown.shows("Sign in at", "signed out: 401 invalid_token", "1.31k", "✕ auth")
        shown.app.screen.query_one("#name", Input).value = "ann@example.org"
        shown.app.screen.query_one("#password", Input).value = "pass wörd"
        await shown.press("enter", "enter")
        await shown.until(lambda: site.streams == 1)
        assert site.signed_in == [{"email": "ann@example.org", "password": "pass wörd"}]
        assert not isinstance(shown.app.screen, SignInScreen)


async def test_a_token_that_ends_is_renewed_and_nobody_is_asked(site, tmp_path):
    site.refresh_token = "ffr1_0"
    async with console(site, tmp_path) as shown:
        await filled(shown, site)
        await shown.shows("1.31k")
        site.end_token()
        await shown.until(lambda: len(site.last_ids) == 2)
        site.push(event(31))
        await shown.until(lambda: shown.app.snapshot.accepted == 31)
        await shown.press("r")
        await shown.shows("● live", "1.31k")
        assert not isinstance(shown.app.screen, SignInScreen)
    assert site.refreshes == 1
    assert read_tokens(tmp_path / "state" / "token") == Tokens(site.token, site.refresh_token)


async def test_a_refresh_that_is_refused_leads_to_the_sign_in(site, tmp_path):
    site.refresh_token = "ffr1_0"
    async with console(site, tmp_path) as shown:
        await filled(shown, site)
        site.refresh_token = "ffr1_of another session"
        site.end_token()
        await shown.shows("Sign in at", "signed out: 401 session_expired", "✕ auth")


async def test_a_user_who_may_not_read_the_stream_is_told_and_sees_the_overview(site, tmp_path):
    site.stream_refusal = (403, "role_insufficient")
    async with console(site, tmp_path) as shown:
        await shown.shows("✕ refused", "1.31k")
        await shown.press("3")
        await shown.shows("403 role_insufficient")


def _crash(secret):
    raise ZeroDivisionError


async def crash(site, tmp_path, said):
    async with console(site, tmp_path) as shown:
        await shown.shows("1.31k")
        shown.app.call_later(_crash, "s3cret")
        await shown.until(lambda: not shown.app.is_running)
        said.append(shown.app.crashed)


async def test_a_crash_leaves_a_private_report_without_values(site, tmp_path, capsys):
    said = []
    with pytest.raises(ZeroDivisionError):
        await crash(site, tmp_path, said)
    (path,) = (tmp_path / "crashes").iterdir()
    report = path.read_text()
    assert oct(path.stat().st_mode)[-3:] == "600"
    assert "ZeroDivisionError" in report
    assert "s3cret" not in report + capsys.readouterr().err
    assert said == [f"crashed with ZeroDivisionError; the report is {path}"]


async def test_texts_are_never_read_as_markup(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await shown.press("3")
        await shown.until(lambda: site.streams == 1)
        site.push(event(1, page_url="/a[b]c[/n][@click=app.quit]d", title="[red]x"))
        await shown.shows("/a[b]c[/n][@click=app.quit]d")
        await shown.press("enter")
        await shown.shows("[red]x")
