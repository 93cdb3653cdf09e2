"""Mode 5: users and the audit log, through a real application, against a daemon that answers as the contract says."""

from datetime import timedelta

import pytest
from textual.widgets import Input

from console.screens.admin import AdminScreen
from console.screens.choice import Choice
from console.screens.details import Details
from console.screens.line import Line
from console.screens.overview import OverviewScreen
from console.widgets.table import KeyedTable
from tests.console.admin_site import AdminSite, entry, seen, session, user
from tests.console.site import NOW
from tests.console.test_screens import check_golden, console, size  # noqa: F401 - a fixture

ANN = f"{3:032x}"


@pytest.fixture
async def site(aiohttp_server):
    found = AdminSite()
    found.url = str((await aiohttp_server(found.app())).make_url("/"))
    found.change(3, nickname="ann", email="ann@example.org", role="analyst")
    return found


async def on_users(shown):
    await shown.until(lambda: shown.app.snapshot.me is not None)
    await shown.press("5")
    await shown.shows("▌Users▐", "user001", "· everyone · last seen first · page 1 · n goes on")


async def to_tab(shown, name):
    while f"▌{name}▐" not in shown.text:
        await shown.press("tab")


async def on_log(shown):
    await on_users(shown)
    await to_tab(shown, "Auth log")
    await shown.shows("authn_login_success", "everything · newest first")


async def choose(shown, words):
    """Choose the option that begins with the words."""
    await shown.until(lambda: isinstance(shown.app.screen, Choice))
    options = shown.app.screen._options
    place = next(at for at, one in enumerate(options.options) if str(one.prompt).startswith(words))
    options.highlighted = place
    await shown.press("enter")


def table(shown):
    return next(one for one in shown.app.screen.query(KeyedTable) if one.has_focus)


async def to_ann(shown):
    await on_users(shown)
    await shown.press("down", "down")
    assert table(shown).cursor_key == ANN


async def test_the_users(site, tmp_path, size):  # noqa: F811
    site.change(2, blocked_at=NOW)
    site.change(4, last_seen_at=None, nickname=None, email="never@example.org")
    site.change(5, role="admin")
    site.change(6, nickname="\u0414\u043c\u0438\u0442\u0440\u0438\u0439 \u65e5\u672c")
    async with console(site, tmp_path, size) as shown:
        await on_users(shown)
        await shown.until(lambda: site.streams == 1)
        site.push()
        await shown.shows("● live 0s")
        check_golden("users", size, shown.lines)


async def test_the_auth_log(site, tmp_path, size):  # noqa: F811
    site.entries += [
        entry(31, event="authn_login_fail", outcome="failure", actor=None, name="f00dfeed" * 4, note="unknown name"),
        entry(32, event="authz_change", actor="a" * 32, subject="b" * 32, note="role analyst"),
    ]
    async with console(site, tmp_path, size) as shown:
        await on_log(shown)
        await shown.until(lambda: site.streams == 1)
        site.push()
        await shown.shows("● live 0s", "authz_change")
        check_golden("auth-log", size, shown.lines)


@pytest.mark.parametrize("role", ["user", "analyst"])
async def test_who_is_no_administrator_is_told_why_the_mode_is_closed(site, tmp_path, role):
    site.role = role
    async with console(site, tmp_path) as shown:
        await shown.until(lambda: shown.app.snapshot.me is not None)
        await shown.press("5")
        await shown.shows("Admin is for administrators; your", f"role is {role}")
        assert isinstance(shown.app.screen, OverviewScreen)
        await shown.press("question_mark", *"account")
        await shown.shows("the log of accounts.", f"role is {role}")
    assert site.lists == []


async def test_before_the_role_is_known_the_mode_is_closed(site, tmp_path):
    site.url = "http://127.0.0.1:9"
    async with console(site, tmp_path) as shown:
        await shown.press("5")
        await shown.shows("Admin is for administrators; who", "not known yet")


async def test_a_role_that_is_taken_away_meanwhile_is_told(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_users(shown)
        site.role = "analyst"
        await shown.press("r")
        await shown.shows("403 insufficient_scope", "user001")


async def test_users_are_searched_by_the_daemon(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_users(shown)
        await shown.press("slash", *"ANN", "enter")
        await shown.shows('1 · everyone · "ANN" · last seen first · page 1', "ann ")
        assert "user001" not in shown.text
        await shown.press("slash")
        assert shown.app.screen.query_one(Input).value == "ANN"
        await shown.press("escape", "slash", "backspace", "backspace", "backspace", "enter")
        await shown.shows("30 · everyone · last seen first")


async def test_nobody_found_is_said(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_users(shown)
        await shown.press("slash", *"zzz", "enter")
        await shown.shows("there is no such user")
        await shown.press("b")
        await shown.shows("no user is under the cursor")


@pytest.mark.parametrize(
    ("words", "members"),
    [
        ("never signed in", {"state": "never_signed_in", "role": None}),
        ("not seen for 30 days", {"state": "inactive", "inactive_days": 30}),
        ("not seen for 365 days", {"state": "inactive", "inactive_days": 365}),
        ("blocked", {"state": "blocked", "role": None}),
        ("role analyst", {"state": None, "role": "analyst"}),
    ],
)
async def test_users_are_narrowed_by_the_daemon(site, tmp_path, words, members):
    async with console(site, tmp_path) as shown:
        await on_users(shown)
        await shown.press("f")
        await choose(shown, words)
        await shown.shows(f"· {words} · last seen first")
        assert {name: getattr(site.lists[-1], name) for name in members} == members
        await shown.press("f")
        await choose(shown, "everyone")
        await shown.shows("30 · everyone")


@pytest.mark.parametrize(
    ("words", "asked", "first"),
    [
        ("not seen for longest first", ("last_seen", "asc"), "user030"),
        ("newest first", ("created", "desc"), "user030"),
        ("oldest first", ("created", "asc"), "user001"),
        ("by name", ("name", "asc"), "ann"),
        ("by name, from its end", ("name", "desc"), "user030"),
    ],
)
async def test_users_are_ordered_by_the_daemon(site, tmp_path, words, asked, first):
    async with console(site, tmp_path) as shown:
        await on_users(shown)
        await shown.press("s")
        await shown.until(lambda: isinstance(shown.app.screen, Choice))
        await choose(shown, words)
        await shown.shows(f"everyone · {words} · page 1")
        assert (site.lists[-1].sort, site.lists[-1].order) == asked
        assert shown.lines[5].startswith(f" {first}")


async def test_pages_are_gone_through_forth_and_back(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_users(shown)
        for number, first in ((2, "user011"), (3, "user021")):
            await shown.press("n")
            await shown.shows(f"page {number}", first)
        assert "n goes on" not in shown.text
        await shown.press("n", "n")
        await shown.shows("page 3", "user021")
        for number, first in ((2, "user011"), (1, "user001")):
            await shown.press("p")
            await shown.shows(f"page {number}", first)
        await shown.press("p")
        await shown.shows("page 1", "user001")
        assert [one.cursor for one in site.lists if one.cursor][:2] == ["10", "20"]


async def test_enter_shows_a_user_with_its_sessions_and_what_it_saw(site, tmp_path):
    site.sessions = [session(1), session(2, user_agent="Safari")]
    site.activity = [seen("https://shop.example/cart")]
    async with console(site, tmp_path, (120, 40)) as shown:
        await to_ann(shown)
        await shown.press("enter")
        await shown.shows("ann@example.org", "192.0.2.9  Safari", "Firefox", "https://shop.example/cart", ANN)
        assert isinstance(shown.app.screen, Details)


async def test_a_user_is_shown_also_while_the_store_is_away(site, tmp_path):
    site.activity = None
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        await shown.press("enter")
        await shown.shows("ann@example.org", "the store does not answer")


async def test_a_user_that_is_gone_meanwhile_is_told(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        del site.users[ANN]
        await shown.press("enter")
        await shown.shows("404 user_unknown")


DEEDS = [
    ("b", "Block ann", ("PUT", f"/admin/users/{ANN}/block", ""), "ann is blocked"),
    ("c", "admin", ("PUT", f"/admin/users/{ANN}/role", "admin"), "ann is now admin"),
    ("x", "Sign out ann", ("DELETE", f"/admin/users/{ANN}/sessions", ""), "ann is signed out"),
]


@pytest.mark.parametrize("wanted", DEEDS, ids=[key for key, *_ in DEEDS])
async def test_what_is_done_to_a_user_is_confirmed_by_its_name(site, tmp_path, wanted):
    key, option, deed, said = wanted
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        await shown.press(key)
        await shown.shows("ann (analyst)")
        await choose(shown, option)
        await shown.shows(said)
        assert site.done == [deed]
        assert table(shown).cursor_key == ANN


@pytest.mark.parametrize("key", ["b", "c", "x", "D"])
async def test_what_is_not_confirmed_is_not_done(site, tmp_path, key):
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        await shown.press(key)
        await shown.shows("ann (analyst)")
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, AdminScreen))
        await shown.press(key)
        await shown.shows("ann (analyst)")
        # What is under the cursor at first changes nothing.
        await shown.press("enter")
        assert isinstance(shown.app.screen, AdminScreen | Line)
    assert site.done == []


async def test_a_blocked_user_is_let_in_again(site, tmp_path):
    site.change(3, blocked_at=NOW)
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        await shown.press("b")
        await choose(shown, "Unblock ann")
        await shown.shows("ann is unblocked")
        await shown.until(lambda: "blocked " not in shown.lines[7])
    assert site.done == [("DELETE", f"/admin/users/{ANN}/block", "")]


async def test_a_user_is_erased_once_its_name_was_typed(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        await shown.press("D")
        await shown.shows("Erase ann (analyst)?", ANN)
        await shown.press(*"anna", "enter")
        await shown.shows("that is another name")
        assert site.done == []
        await shown.press("backspace", "enter")
        await shown.shows("ann is erased", "29 · everyone")
        assert site.done == [("DELETE", f"/admin/users/{ANN}", "")]
        # Nobody else has come under the cursor.
        assert table(shown).cursor_key is None
        await shown.press("D")
        await shown.shows("no user is under the cursor")
        await shown.press("down")
        assert table(shown).cursor_key is not None


async def test_a_name_that_cannot_be_typed_is_told_by_its_id(site, tmp_path):
    site.change(3, nickname="a\u0301\u65e5")
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        await shown.press("D", *ANN, "enter")
        await shown.until(lambda: site.done == [("DELETE", f"/admin/users/{ANN}", "")])


async def test_a_deed_that_is_refused_is_told(site, tmp_path):
    site.admin_refusal = (409, "last_admin")
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        await shown.press("c")
        await choose(shown, "user")
        await shown.shows("409 last_admin")
        assert "is now" not in shown.text


async def test_who_does_it_to_itself_is_told_so(site, tmp_path):
    site.users[f"{0:02x}"] = user(0, user_id="00", nickname="boss", role="admin")
    async with console(site, tmp_path) as shown:
        await on_users(shown)
        await shown.press("x")
        await shown.shows("Sign out boss (admin), which is you?")


async def test_a_deed_hits_the_user_that_was_under_the_cursor_whatever_comes_in_meanwhile(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        await shown.press("b")
        await shown.shows("Block ann (analyst)?")
        for number in range(4, 20):
            site.change(number, last_seen_at=NOW + timedelta(minutes=number))
        shown.app.screen_stack[0].reload()
        await shown.until(lambda: len(site.lists) == 2)
        await choose(shown, "Block ann")
        await shown.shows("ann is blocked")
    assert site.done == [("PUT", f"/admin/users/{ANN}/block", "")]


@pytest.mark.long
async def test_the_cursor_keeps_its_user_through_a_hundred_new_orders(site, tmp_path):
    site.page_size = 30
    async with console(site, tmp_path, (80, 40)) as shown:
        await shown.until(lambda: shown.app.snapshot.me is not None)
        await shown.press("5")
        await shown.shows("user001")
        await shown.press("down", "down")
        for count in range(100):
            for number in range(1, 31):
                site.change(number, last_seen_at=NOW - timedelta(minutes=(number * 7 + count * 11) % 31))
            await shown.press("r")
            assert table(shown).cursor_key == ANN
            await shown.until(lambda due=count + 2: len(site.lists) == due)
        await shown.until(lambda: not shown.app.screen._users.is_loading)
        assert table(shown).cursor_key == ANN


async def test_a_user_that_left_the_page_leaves_the_cursor_on_nobody(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        site.change(3, last_seen_at=NOW - timedelta(days=1))
        await shown.press("r")
        await shown.until(lambda: table(shown).cursor_key is None)
        for key in ("b", "c", "x", "D", "l"):
            await shown.press(key)
            assert isinstance(shown.app.screen, AdminScreen)
        assert site.done == []


async def test_while_another_page_is_asked_for_no_key_means_a_user_of_the_old_one(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        site.gate.clear()
        await shown.press("n")
        await shown.shows("asking the daemon")
        await shown.press("b")
        assert isinstance(shown.app.screen, AdminScreen)
        site.gate.set()
        await shown.shows("user011")


async def test_a_daemon_that_does_not_answer_leaves_the_users_that_were_there(site, tmp_path, monkeypatch):
    async with console(site, tmp_path) as shown:
        await on_users(shown)
        monkeypatch.setattr(shown.app._client, "_url", shown.app._client._url.with_port(9))
        await shown.press("r")
        await shown.shows("running there?", "user001")


@pytest.mark.long
async def test_the_newest_entries_come_in_by_themselves_until_space(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_log(shown)
        site.entries.append(entry(31, event="user_created"))
        await shown.shows("user_created")
        assert table(shown).cursor_key == "31"
        await shown.press("space")
        await shown.shows("⏸ paused")
        asked = len(site.lists)
        site.entries.append(entry(32, event="authz_fail", outcome="failure"))
        await shown.pilot.pause(2.5)
        assert len(site.lists) == asked
        await shown.press("space")
        await shown.shows("authz_fail")


@pytest.mark.long
async def test_the_cursor_stays_on_its_entry_while_others_come_in_until_home_is_pressed(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_log(shown)
        await shown.press("down")
        assert table(shown).cursor_key == "29"
        site.entries += [entry(31), entry(32, event="user_created")]
        await shown.shows("user_created")
        assert table(shown).cursor_key == "29"
        await shown.press("home")
        site.entries.append(entry(33, event="authz_fail"))
        await shown.shows("authz_fail")
        assert table(shown).cursor_key == "33"


async def test_a_tab_that_is_not_in_sight_asks_nothing(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_log(shown)
        await shown.press("1")
        await shown.shows("bounce")
        asked = len(site.lists)
        await shown.pilot.pause(2.5)
        assert len(site.lists) == asked


@pytest.mark.parametrize(
    ("words", "members"),
    [
        ("failures", {"outcome": "failure"}),
        ("successes", {"outcome": "success"}),
        ("authn_login_fail", {"event": "authn_login_fail"}),
        (f"user {'b' * 32}", {"user_id": "b" * 32}),
        ("address 192.0.2.99", {"peer": "192.0.2.99"}),
    ],
)
async def test_entries_are_narrowed_by_the_daemon(site, tmp_path, words, members):
    site.entries.append(
        entry(31, event="authn_login_fail", outcome="failure", actor=None, subject="b" * 32, peer="192.0.2.99")
    )
    async with console(site, tmp_path) as shown:
        await on_log(shown)
        await shown.press("f")
        await choose(shown, words)
        await shown.shows(f"{words} · newest first")
        asked = site.lists[-1]
        assert {name: getattr(asked, name) for name in members} == members
        await shown.press("f")
        await choose(shown, "everything")
        await shown.shows("everything · newest first")


async def test_older_entries_are_on_the_next_page_which_stays_as_it_is(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_log(shown)
        await shown.press("n")
        await shown.shows("page 2 · n goes on")
        assert table(shown).cursor_key == "20"
        asked = len(site.lists)
        site.entries.append(entry(31))
        await shown.pilot.pause(2.5)
        assert len(site.lists) == asked
        await shown.press("p")
        await shown.until(lambda: table(shown).cursor_key == "31")


async def test_the_log_of_the_user_under_the_cursor(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        await shown.press("l")
        await shown.shows("▌Auth log▐", "user ann · newest first")
        assert site.lists[-1].user_id == ANN
        assert table(shown).cursor_key == "3"
        await shown.press("enter")
        await shown.shows("request_id", "curl/8", "2026-11-21 08:53:20")


async def test_the_chain_is_checked_on_demand(site, tmp_path):
    async with console(site, tmp_path, (120, 40)) as shown:
        await on_log(shown)
        await shown.press("v")
        await shown.shows("chain: all 30 entries are good")
        site.damage = "auth-1.ndjson:7: the chain is broken"
        await shown.press("v")
        await shown.shows("The chain is damaged", "auth-1.ndjson:7: the chain is broken", "30 entries")
        await shown.press("escape")
        await shown.shows("✕ damaged behind 30 entries")


@pytest.mark.parametrize("tab", ["users", "log"])
async def test_the_footer_has_room_for_the_keys_of_both_tabs(site, tmp_path, tab):
    async with console(site, tmp_path, (80, 24)) as shown:
        await (on_users if tab == "users" else on_log)(shown)
        await shown.shows("q Quit", "Verify" if tab == "log" else "/ Search")
        assert shown.lines[-1].endswith("q Quit")


async def test_no_key_of_the_tabs_is_one_that_terminals_keep_for_themselves(site, tmp_path):
    async with console(site, tmp_path) as shown:
        for to_tab in (on_users, on_log):
            await to_tab(shown)
            keys = {one.binding.key for one in shown.app.screen.active_bindings.values()}
            assert keys & {f"ctrl+{letter}" for letter in "abgjoqs"} == set()


async def test_help_has_every_key_of_the_tab(site, tmp_path):
    async with console(site, tmp_path, (120, 40)) as shown:
        await on_users(shown)
        await shown.press("question_mark")
        await shown.shows("Find users by name", "Block the user", "Erase the user for good", "Go on to the next page")
        assert "chain" not in shown.text
        await shown.press("escape")
        await to_tab(shown, "Auth log")
        await shown.press("question_mark")
        await shown.shows("Check the chain of the whole audit log")
        assert "Erase" not in shown.text


async def test_the_palette_does_what_the_keys_do(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await to_ann(shown)
        await shown.press("ctrl+p", *"block")
        await shown.shows("Block the user, or let it in again")
        await shown.press("enter")
        await shown.shows("Block ann (analyst)?")


async def test_a_session_that_ends_there_is_asked_for_again(site, tmp_path):
    async with console(site, tmp_path) as shown:
        await on_users(shown)
        site.end_session()
        await shown.press("r")
        await shown.shows("Sign in at")
        site.change(1, nickname="somebody new")
        shown.app.screen.query_one("#name", Input).value = "boss"
        shown.app.screen.query_one("#password", Input).value = "pass wörd"
        await shown.press("enter", "enter")
        await shown.shows("somebody new")
        await shown.until(lambda: "nobody is signed in" not in shown.text)
        assert isinstance(shown.app.screen, AdminScreen)
