"""Hostile text in every field that a stranger writes reaches every screen without a raw escape, an action or a crash."""

import asyncio
import itertools
import json
import tempfile
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.widgets import Input

from collector.wire.apps import AdminApp, AttrShape, DefinitionShown, EventShape
from collector.wire.audit import AuthEvent
from collector.wire.live import LiveEvent
from collector.wire.rejected import RejectedItem
from collector.wire.users import AdminSession, AdminUser, UserReport
from console.screens.details import Details
from console.screens.new_token import NewToken
from console.text import UNFIT
from tests.console.admin_site import AdminSite, entry, rejected, seen, session, user
from tests.console.app_site import application
from tests.console.site import Site, event
from tests.console.test_screens import console
from tests.hostile import CORPUS, hostile_text

TEXTS = [
    field.name
    for field in msgspec.structs.fields(LiveEvent)
    if field.type in (str, str | None) and field.name not in ("receipt", "event_id")
]

hostile_json = st.recursive(
    hostile_text
    | st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**63), 2**63 - 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile_text, inner, max_size=3),
    max_leaves=6,
)
hostile_events = st.lists(
    st.fixed_dictionaries(dict.fromkeys(TEXTS, hostile_text) | {"attrs": st.dictionaries(hostile_text, hostile_json)}),
    min_size=1,
    max_size=2,
)


def test_every_text_of_an_event_is_tried():
    assert set(TEXTS) == {
        *("app_code", "source_label", "id_user", "anonymous_id"),
        *("page_url", "referrer", "title"),
        *("country", "filtered", "signal", "violation"),
    }


def check(shown):
    """Every character that would be written to the terminal."""
    for strip in shown.app.screen._compositor.render_strips():
        assert UNFIT.search(strip.text) is None, repr(strip.text)
        for _, style, _ in strip:
            assert style is None or (style.link is None and "@click" not in style.meta)
    assert shown.app.is_running
    assert shown.app.return_code is None


def encoded(events):
    plain = [json.loads(msgspec.json.encode(event(number))) | members for number, members in enumerate(events, 1)]
    counts = {"accepted": len(plain), "skipped": 0, "rejected": 0, "duplicates": 0}
    # json escapes lone surrogates, which msgspec refuses to encode: a daemon of another make might send them.
    return json.dumps({"at": "2026-11-21T10:00:00Z", "events": plain} | counts).encode()


async def check_painted(shown):
    shown.app._paint(even_paused=True)
    await shown.pilot.pause()
    check(shown)


async def show_everywhere(directory, events, names):
    site = Site()
    site.pages = [(name, 9 - at, 9) for at, name in enumerate(names)]
    site.sources = [(name, 9 - at, 9) for at, name in enumerate(reversed(names))]
    async with TestServer(site.app()) as server:
        site.url = str(server.make_url("/"))
        async with console(site, directory, (120, 40)) as shown:
            await shown.until(lambda: site.streams == 1 and shown.app.snapshot.overview is not None)
            await check_painted(shown)
            await shown.press("enter")
            check(shown)
            await shown.press("escape", "3")
            site.send(b"id: 1\ndata: %s\n\n" % encoded(events))
            await shown.until(lambda: shown.app.snapshot.accepted == len(events))
            await check_painted(shown)
            for _ in events:
                await shown.press("enter")
                check(shown)
                await shown.press("escape", "up")
            site.refusal = (503, names[0][:100])
            await shown.press("1", "r")
            await shown.until(lambda: shown.app.snapshot.problem)
            await check_painted(shown)


@given(hostile_events, st.lists(hostile_text, min_size=1, max_size=6, unique=True))
@settings(max_examples=2, suppress_health_check=list(HealthCheck))
def test_hostile_text_in_every_field_on_every_screen(events, names):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(show_everywhere(Path(directory), events, names))


@pytest.mark.long
def test_the_whole_corpus_in_every_field():
    events = [dict.fromkeys(TEXTS, text) | {"attrs": {text: [text, {text: text}]}} for text in CORPUS]
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(show_everywhere(Path(directory), events, CORPUS))


IDS = {"user_id", "actor", "subject", "sid", "request_id"}
"""Hexadecimal digits that the daemon itself has drawn."""


def written_by_strangers(shape):
    return {one.name for one in msgspec.structs.fields(shape) if one.type in (str, str | None)} - IDS


def test_every_text_of_an_account_and_its_log_is_tried():
    assert written_by_strangers(AdminUser) == {"nickname", "email"}
    assert written_by_strangers(UserReport) == {"firstname", "lastname"}
    assert written_by_strangers(AdminSession) == {"peer", "user_agent"}
    assert written_by_strangers(AuthEvent) == {"event", "name", "peer", "user_agent", "note"}


def hostile_accounts(texts):
    site = AdminSite()
    # The first one has an e-mail alone, which is its name then.
    names = [{"nickname": text if at else None, "email": text} for at, text in enumerate(texts)]
    site.users = {one.user_id: one for one in (user(number, **one) for number, one in enumerate(names, 1))}
    site.person = {"firstname": texts[0], "lastname": texts[-1]}
    site.sessions = [session(number, peer=text, user_agent=text) for number, text in enumerate(texts)]
    site.activity = [seen(text) for text in texts]
    members = ("event", "peer", "user_agent", "note")
    site.entries = [
        entry(number, **dict.fromkeys(members, text), name=text if number % 2 else None)
        for number, text in enumerate(texts, 1)
    ]
    site.damage = texts[0]
    site.page_size = 200
    return site


async def step(shown, *keys):
    """Press the keys, and look at every frame."""
    for key in keys:
        await shown.press(key)
        check(shown)


async def show_accounts(directory, texts):
    site = hostile_accounts(texts)
    async with TestServer(site.app()) as server:
        site.url = str(server.make_url("/"))
        async with console(site, directory, (120, 40)) as shown:
            await shown.until(lambda: shown.app.snapshot.me is not None)
            await step(shown, "5")
            await shown.shows(f"{len(texts)} · everyone")
            for key, _ in zip(itertools.cycle(["enter", *"bcDx"]), texts, strict=False):
                await step(shown, key)
                await shown.until(lambda: shown.app.screen.is_modal)
                await step(shown, "escape", "down")
            await show_what_is_done(site, shown, texts)
            await show_log(shown, texts)


async def show_what_is_done(site, shown, texts):
    await step(shown, "home", "b", "down", "enter")
    await shown.until(lambda: len(site.done) == 1)
    site.admin_refusal = (409, texts[-1][:100])
    await step(shown, "b", "down", "enter")
    await shown.until(lambda: len(site.done) == 2)
    await shown.pilot.pause(0.1)
    check(shown)


async def show_log(shown, texts):
    await step(shown, "l")
    await shown.shows("▌Auth log▐")
    await step(shown, "f", "escape", "f", "home", "enter")
    await shown.shows("everything · newest first")
    for _ in texts:
        await step(shown, "enter", "escape", "down")
    await step(shown, "f", "end", "escape")
    await step(shown, "v")
    await shown.until(lambda: isinstance(shown.app.screen, Details))
    await step(shown, "escape")
    await check_painted(shown)


@pytest.mark.long
@given(st.lists(hostile_text, min_size=1, max_size=3))
@settings(max_examples=2, suppress_health_check=list(HealthCheck))
def test_hostile_text_in_every_account_and_its_log(texts):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(show_accounts(Path(directory), texts))


@pytest.mark.long
def test_the_whole_corpus_in_every_account_and_its_log():
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(show_accounts(Path(directory), CORPUS))


DRAWN = {"app_code", "api_token", "token_id", "event_code", "owner_id", "receipt"}
"""Made by the daemon itself; an app_code has letters, digits and hyphens of the name."""


def named_by_strangers(shape):
    return {one.name for one in msgspec.structs.fields(shape) if one.type in (str, str | None)} - DRAWN


def test_every_text_of_an_application_and_its_rejected_items_is_tried():
    assert named_by_strangers(AdminApp) == {"app_name", "owner"}
    assert named_by_strangers(DefinitionShown) == {"name"}
    assert named_by_strangers(RejectedItem) == {"code", "reason"}


def hostile_apps(texts):
    site = AdminSite()
    apps = [
        application(number, app_name=text, origins=[text, text], hostnames=[text])
        for number, text in enumerate(texts, 1)
    ]
    site.apps = {one.app_code: one for one in apps}
    site.owners = {one.app_code: one.app_name for one in apps}
    for app in apps:
        site.define(app.app_code, *definitions_of(texts))
    site.rejected = [
        rejected(number, code=text, reason=text, app_code=text if number % 2 else None)
        for number, text in enumerate(texts, 1)
    ]
    site.sample = "".join(texts)
    site.page_size = 200
    site.pivot = [{**dict.fromkeys(texts, at), "user_code": text} for at, text in enumerate(texts, 1)]
    return site


NAME_LENGTH_MAX = 120
"""Of an event, and of an attr with the name of its type behind it: they may have 128 characters."""


def definitions_of(texts):
    """An event of each name; the first one has attrs of all names and both types that a pivot takes."""
    names = [text[:NAME_LENGTH_MAX] for text in texts]
    attrs = [AttrShape(f"{name}{kind}", kind) for name in names for kind in ("string", "integer")]
    return [EventShape(name, attrs if at == 0 else attrs[:2]) for at, name in enumerate(names)]


async def show_apps(directory, texts):
    site = hostile_apps(texts)
    async with TestServer(site.app()) as server:
        site.url = str(server.make_url("/"))
        async with console(site, directory, (120, 40)) as shown:
            await shown.until(lambda: shown.app.snapshot.me is not None)
            await step(shown, "5", "tab")
            await shown.shows(f"{len(texts) + 1} · the built-in one")
            await step(shown, "down")
            for key in ("enter", *"dwxohmvD"):
                await step(shown, key)
                await shown.until(lambda: shown.app.screen.is_modal)
                await shown.pilot.pause(0.05)
                await step(shown, "escape", "down")
            await show_new_token(site, shown)
            await show_rejected(site, shown, texts)
            await show_pivots(shown, texts)


async def show_new_token(site, shown):
    await step(shown, "home", "down", "w", "down", "enter")
    await shown.until(lambda: isinstance(shown.app.screen, NewToken))
    await step(shown, "y", "escape")
    await step(shown, "d")
    await shown.shows("closes")
    await step(shown, "enter")
    await shown.until(lambda: shown.app.screen.query(Input))
    await step(shown, "escape", "x", "escape", "escape")


async def show_rejected(site, shown, texts):
    await step(shown, "tab")
    await shown.shows("everything · last loaded first")
    await step(shown, "f", "end", "enter")
    await shown.pilot.pause(0.05)
    await step(shown, "f", "home", "enter")
    await shown.shows("everything · last loaded first")
    for _ in texts[:3]:
        await step(shown, "enter", "escape", "R", "escape", "down")
    site.refused_again = {one.receipt for one in site.rejected}
    await step(shown, "A", "down", "enter")
    await shown.until(lambda: isinstance(shown.app.screen, Details))
    await step(shown, "escape")


async def show_pivots(shown, texts):
    await step(shown, "2")
    await shown.shows("all users")
    await check_painted(shown)
    for key in "avdm":
        await step(shown, key)
        await shown.until(lambda: shown.app.screen.is_modal)
        await step(shown, "down", "enter")
        await shown.shows("all users")
    for _ in texts[:3]:
        await step(shown, "down", "z", "enter", "escape")


@pytest.mark.long
@given(st.lists(hostile_text.filter(bool), min_size=1, max_size=3, unique=True))
@settings(max_examples=2, suppress_health_check=list(HealthCheck))
def test_hostile_text_in_every_application_and_its_events(texts):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(show_apps(Path(directory), texts))


@pytest.mark.long
def test_the_whole_corpus_in_every_application_and_its_events():
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(show_apps(Path(directory), CORPUS))
