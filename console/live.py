"""`footfall live`: events as they come in, a line each, for ever."""

import random
import sys
from typing import NoReturn

import msgspec

from collector.wire.live import LiveBatch, LiveEvent
from console.answers import escaped, read
from console.errors import ConsoleError
from console.feed import Streams, follow
from console.table import ABSENT
from console.text import say


class _Raw(msgspec.Struct):
    events: list[msgspec.Raw]


_raw = msgspec.json.Decoder(_Raw)


async def live(client: Streams, *, as_json: bool) -> NoReturn:
    """Print every event that is heard; what is wrong with the link goes to stderr. Raises as `follow` does."""

    def take(raw: bytes) -> None:
        batch = read(raw, LiveBatch)
        sys.stdout.writelines(_json(raw) if as_json else map(_line, batch.events))
        sys.stdout.flush()
        if batch.skipped:
            say(f"{batch.skipped} events are not shown: they came in too fast")

    def lost(wait_s: float, error: ConsoleError) -> None:
        say(f"{error}; trying again in {wait_s:.1f} s")

    await follow(client, take=take, lost=lost, draw=random.random)


def _line(event: LiveEvent) -> str:
    members = (event.source_label, event.page_url, event.id_user, event.anonymous_id)
    return "  ".join([f"{event.received_at:%H:%M:%S}", *(member or ABSENT for member in members)]) + "\n"


def _json(raw: bytes) -> list[str]:
    return [f"{escaped(bytes(event))}\n" for event in _raw.decode(raw).events]
