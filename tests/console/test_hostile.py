"""Hostile text in every field that a stranger writes reaches every screen without a raw escape, an action or a crash."""

import asyncio
import json
import tempfile
from pathlib import Path

import msgspec
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.wire.live import LiveEvent
from console.text import UNFIT
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
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
def test_hostile_text_in_every_field_on_every_screen(events, names):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(show_everywhere(Path(directory), events, names))


def test_the_whole_corpus_in_every_field():
    events = [dict.fromkeys(TEXTS, text) | {"attrs": {text: [text, {text: text}]}} for text in CORPUS]
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(show_everywhere(Path(directory), events, CORPUS))
